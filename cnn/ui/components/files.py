"""A component from its files in this folder: NAME.html, NAME.css, NAME.js, and shared.js in front of the last."""

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str):
    """What mounts the component of this name, see `st.components.v2.component`."""
    html, css, script, shared = (
        (_FOLDER / file).read_text("utf-8") for file in (f"{name}.html", f"{name}.css", f"{name}.js", "shared.js")
    )
    return st.components.v2.component(name, html=html, css=css, js=f"{shared}\n{script}")
