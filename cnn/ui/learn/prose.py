"""The text of the lessons, in lines that are not too long to read."""

import streamlit as st

from cnn.ui import shell


def say(text: str) -> None:
    """Draw a paragraph of Markdown."""
    st.markdown(text, width=shell.TEXT_WIDTH)


def note(text: str) -> None:
    """Draw an explanation in small print."""
    st.caption(text, width=shell.TEXT_WIDTH)
