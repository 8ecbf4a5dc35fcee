"""A component from its files here: NAME.js after shared.js; NAME.html and NAME.css if it has them."""

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str):
    """What mounts the component of this name, see `st.components.v2.component`."""
    html, css, script, shared = (
        file.read_text("utf-8") if (file := _FOLDER / part).exists() else ""
        for part in (f"{name}.html", f"{name}.css", f"{name}.js", "shared.js")
    )
    return st.components.v2.component(name, html=html or None, css=css or None, js=f"{shared}\n{script}")
