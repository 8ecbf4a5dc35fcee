"""A component from its files here: NAME.js and, if it shows something, NAME.html and NAME.css; shared.* in front."""

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str):
    """What mounts the component of this name, see `st.components.v2.component`."""
    script = f"{_read('shared.js')}\n{_read(f'{name}.js')}"
    if not (_FOLDER / f"{name}.html").exists():
        return st.components.v2.component(name, js=script)
    css = f"{_read('shared.css')}\n{_read(f'{name}.css')}"
    return st.components.v2.component(name, html=_read(f"{name}.html"), css=css, js=script)


def _read(file: str) -> str:
    return (_FOLDER / file).read_text("utf-8")
