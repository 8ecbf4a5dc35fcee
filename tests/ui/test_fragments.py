"""A part of a page runs alone, unless it stands in another that does."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnn.ui import fragments
from tests.pages.visit import refresh


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """The parts of which Streamlit makes fragments, in turn."""
    names = []

    def fragment(part, run_every=None):
        names.append(part.__name__)
        return part

    monkeypatch.setattr(fragments.st, "fragment", fragment)
    return names


def inner() -> str:
    return "drawn"


def test_a_part_inside_another_belongs_to_it(made):
    @fragments.fragment
    def outer(often: float | None) -> str:
        return fragments.fragment(inner, run_every=often)()

    assert outer(None) == "drawn" and made == ["outer"]
    assert outer(1.0) == "drawn" and made == ["outer", "outer", "inner"], "what runs by itself needs its own"


def test_a_part_that_fails_leaves_no_trace(made):
    def outer():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fragments.fragment(outer)()
    assert fragments.fragment(inner)() == "drawn" and made == ["outer", "inner"]


def test_parts_are_drawn_by_streamlit():
    def page():
        import streamlit as st

        from cnn.ui import fragments

        def shown():
            st.button("Inner")

        fragments.fragment(lambda: fragments.fragment(shown)())()

    assert [button.label for button in refresh(AppTest.from_function(page)).button] == ["Inner"]


def test_no_page_makes_fragments_of_its_own():
    root = Path(fragments.__file__).resolve().parents[2]
    files = [root / "app.py", *root.glob("pages/*.py"), *root.glob("cnn/ui/**/*.py")]
    own = [file.name for file in files if "st.fragment" in file.read_text(encoding="utf-8")]
    assert own == ["fragments.py"]
