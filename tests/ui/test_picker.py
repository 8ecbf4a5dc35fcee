"""A list that shows what the page decides: what the browser says of it too late is not a pick."""

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from tests.pages.visit import picker, refresh


def page():
    import streamlit as st

    from cnn.ui import links

    state = st.session_state
    links.picker(
        "letter",
        "Letter",
        ["a", "b"],
        state.get("shown", "a"),
        lambda letter: state.update(shown=letter, picks=[*state.get("picks", []), letter]),
        format_func={"a": "A", "b": "B"}.get,
    )


def picks(app: AppTest) -> list[str]:
    return app.session_state["picks"] if "picks" in app.session_state else []  # noqa: SIM401, it has no get


def test_a_pick_keeps_the_list_where_it_is():
    app = refresh(AppTest.from_function(page))
    before = picker(app, "letter").key
    picker(app, "letter").select("b")
    refresh(app)
    assert picks(app) == ["b"] and picker(app, "letter").value == "b"
    assert picker(app, "letter").key == before, "the keyboard's focus stays with it"


def test_what_the_browser_says_of_the_value_before_is_no_pick():
    app = refresh(AppTest.from_function(page))
    before = picker(app, "letter").key
    app.session_state["shown"] = "b"
    refresh(app)
    assert picker(app, "letter").value == "b" and picker(app, "letter").key != before
    refresh(app)  # the browser, which has now heard of it, sends all that it has
    assert picks(app) == [] and picker(app, "letter").value == "b"


def test_a_text_that_an_option_had_before_is_no_pick(monkeypatch):
    app = refresh(AppTest.from_function(page))
    late = picker(app, "letter")
    late.options[0] = "A, as it was called"
    monkeypatch.setattr(Selectbox, "index", 0)
    refresh(app)
    assert picks(app) == [] and picker(app, "letter").value == "a"
