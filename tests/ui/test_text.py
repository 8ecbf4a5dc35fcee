"""Typed text as Markdown that shows it; how Streamlit really shows it is seen in `tests/e2e/test_names.py`."""

import pytest

from cnn.ui import shell
from cnn.ui.text import plain


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("trousers.png", "trousers.png"),
        ("1. list.jpg", r"1\. list.jpg"),
        ("12) list.jpg", r"12\) list.jpg"),
        ("a 1. b", "a 1. b"),
        ("*b* _i_ `c` [l](x)", r"\*b\* \_i\_ \`c\` \[l\]\(x\)"),
        ("&amp; <b> $x$", r"\&amp; \<b\> \$x\$"),
        (":red[x]", r":color[\:]red\[x\]"),
        (":material/home:", r":color[\:]material/home\:"),
        ("user@example.com", r"user:color[\@]example.com"),
        ("WWW.example.com", r"WWW:color[\.]example.com"),
        ("http://x", r"http:color[\:]//x"),
        ("a -> b -- c", r"a :color[\-]\> b :color[\-]\- c"),
        ("my-net", r"my\-net"),
        ("  a   b\tc ", "a \u00a0\u00a0b\u00a0c"),
        ("one\r\n  two", "one  \n\u00a0\u00a0two"),
        ("bell\a\x00\x7f\ud83d", "bell\u2407\u2400\ufffd\ufffd"),
        ("", ""),
    ],
)
def test_what_markdown_reads_is_taken_from_it(text, markdown):
    assert plain(text) == markdown


@pytest.mark.parametrize(
    ("text", "isolated"),
    [
        ("裤子 Größe 🥾", "裤子 Größe 🥾"),
        ("נעליים", "\u2068נעליים\u2069"),
        ("photo\u202egpj", "\u2068photo\u202egpj\u2069"),
        ("a\u2069b", "\u2068\u2068a\u2069b\u2069"),
        ("a\u2067b", "\u2068a\u2067b\u2069\u2069"),
    ],
)
def test_text_from_right_to_left_does_not_turn_what_is_around_it(text, isolated):
    assert plain(text) == isolated


def test_the_pages_have_it_from_the_shell():
    assert shell.plain is plain
