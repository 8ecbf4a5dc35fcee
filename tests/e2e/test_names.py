"""Names that people type or upload, as a real browser shows them wherever Streamlit reads Markdown."""

import json
import random
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NAMES = [
    *("1. list.jpg", "12) list.jpg", "1.jpg", "- list", "* list", "+ list", "# heading", "> quote", "=== ", "---"),
    *("www.example.com", "WWW.Example.com.jpg", "see www.example.com now", "http://example.com/a_b", "https://x.y"),
    *("user@example.com", "user@example.com.jpg", "mailto:user@example.com", "a@b.co c@d.co", "xmpp:u@example.com"),
    *("&amp;", "&lt;b&gt;", "&#58;", "a & b", "<b>", "<b>bold</b>", "<script>alert(1)</script>", "<!-- none -->"),
    *(":material/home:", "icon :material_home: .jpg", ":tada:", ":+1:", ":streamlit:", ":red[x]", ":help[x]", "a:b:c"),
    *("::leaf[x]", ":::box", ":color[x]{foreground=red}", ":small[x]", ":blue-badge[x]", "12:30:45", "C:\\temp\\new"),
    *("$x$", "$$x^2$$", "5$ and 6$", "`code`", "```", "*i* **b** _i_ __b__", "~~gone~~", "~sub~", "a^b^", "[^1]"),
    *("[link](x)", "![image](x)", "[ ] task", "[x] task", "| a | b |", "\\", "\\*", "\\\\", 'say "x"', "it's"),
    *("a -> b", "->", "<-", "<->", "a <-> b", "--", "---", "a -- b", ">=", "<=", "~=", "a ~= b", "-->", "<--", "->->"),
    *("裤子 38 – Größe", "🥾", "👩🏽‍🎨 boots", "обувь", "حذاء 1", "נעליים", "a\u202egpj.exe", "a\u2066b", "\u200bzero"),
    *("  two  spaces  ", "\ttab", "x" * 300, "=1+1.jpg", "{x}", "{{x}}", "%{y}", "a;b,c", "<br>", "line\nline"),
]
_PIECES = [*r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~ """, *("a", "1", "B", "www", "http", "material", "tada", "é", "裤")]

_SIZE = 40  # names on one page

SCRIPT = """
import json
import plotly.graph_objects as go
import streamlit as st
from cnn.charts.literal import literal
from cnn.ui.text import plain

part = int(st.query_params.get("part", 0)) * {size}
for index, name in list(enumerate(json.loads({names!r})))[part : part + {size}]:
    shown = plain(name)
    with st.container(key=f"n{{index}}"):
        st.markdown(shown)
        st.caption(f"**{{shown}}**, of :gray[{{shown}}]; {{shown}}")
        st.markdown(f"1. {{shown}}")
        st.button(shown, key=f"b{{index}}")
        st.radio("one of", [name], format_func=plain, key=f"r{{index}}", label_visibility="collapsed")
        st.segmented_control(  # where an emoji in front is an icon too
            "c", [name], format_func=lambda name: f"x {{plain(name)}}", key=f"s{{index}}", label_visibility="collapsed"
        )
        st.metric(shown, "1")
        st.expander(shown)
        st.subheader(shown, anchor=False)
        st.error(f"{{shown}}: it is empty")
if "chart" in st.query_params:
    figure = go.Figure(layout={{"height": 6000}})
    for name in json.loads({names!r}):
        figure.add_scatter(y=[1], name=literal(name))
    st.plotly_chart(figure)
st.markdown("That is all.")
"""
# What each of these elements shows, and where in the page it does so.
PLACES = {
    "[data-testid=stMarkdown] [data-testid=stMarkdownContainer]": "{0}",
    "[data-testid=stCaptionContainer]": "{0}, of {0}; {0}",
    "[data-testid=stMarkdown] li": "{0}",
    "[data-testid=stButton] [data-testid=stMarkdownContainer]": "{0}",
    "[data-testid=stRadioOption] [data-testid=stMarkdownContainer]": "{0}",
    "[data-testid=stButtonGroup] button": "x {0}",
    "[data-testid=stMetricLabel]": "{0}",
    "[data-testid=stExpander] summary [data-testid=stMarkdownContainer]": "{0}",
    "[data-testid=stHeading]": "{0}",
    "[data-testid=stAlert]": "{0}: it is empty",
}
# Of each name on the page, the text of each place, and the elements into which Markdown made a part of it.
READ = """(places) => Object.fromEntries([...document.querySelectorAll("[class*='st-key-n']")].map(box => [
    box.className.match(/st-key-n(\\d+)/)[1],
    places.map(place => {
        const found = box.querySelector(place);
        if (!found) return [null, []];
        const made = found.querySelectorAll("a, b, code, em, del, img, [role=img], .katex, table, hr, input");
        return [found.innerText, [...made].map(element => element.outerHTML)];
    }),
]))"""


def generated(count: int) -> list[str]:
    chance = random.Random(0)
    names = ("".join(chance.choices(_PIECES, k=chance.randint(2, 9))) for _ in range(count))
    return [name for name in names if name.strip()]


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> Iterator[tuple[list[str], Dashboard]]:
    """A server whose pages show many names everywhere."""
    folder = tmp_path_factory.mktemp("names")
    names = NAMES + generated(60)
    script = folder / "names.py"
    script.write_text(SCRIPT.format(size=_SIZE, names=json.dumps(names)), encoding="utf-8")
    server = Dashboard(folder / "runs", folder / "server.log", str(script))
    server.start()
    yield names, server
    server.kill()


@pytest.mark.slow
def test_names_are_shown_as_they_were_typed(page: Page, shown):
    names, server = shown
    wrong = []
    for part in range(-(-len(names) // _SIZE)):
        page.goto(f"{server.url}/?part={part}")
        expect(page.get_by_text("That is all.")).to_be_visible()
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        for index, places in page.evaluate(READ, list(PLACES)).items():
            for (place, form), (text, made) in zip(PLACES.items(), places, strict=True):
                expected = form.format(names[int(index)].strip())
                if text is None or as_typed(text) != as_typed(expected) or made:
                    wrong.append((names[int(index)], place, text, made))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.slow
def test_names_are_shown_as_they_were_typed_in_the_legend_of_a_chart(page: Page, shown):
    names, server = shown
    page.goto(f"{server.url}/?part=99&chart=1")
    expect(page.locator(".legendtext")).to_have_count(len(names))
    found = page.locator(".legendtext").evaluate_all("texts => texts.map(text => text.textContent)")
    assert [as_typed(text) for text in found] == [as_typed(name) for name in names]


def as_typed(text: str) -> str:
    """Spaces are equal, marks that keep the direction of a text to itself show nothing, and a message that begins with
    an emoji has this as its icon."""
    shown = text.replace("\u2068", "").replace("\u2069", "")
    if not shown[:1].isascii():
        shown = re.sub(r"\s+", "", shown)
    return re.sub(r"\n+|\s", " ", shown)
