"""Thumbnails of image files in the browser, to be selected by the hundred and opened, by pointer or by keys.

The browser's part is `album.js`, beside this file. The files travel as they are, so nothing is decoded here.
"""

import base64
from collections.abc import Callable, Collection, Sequence

import streamlit as st

from cnn.ui import state
from cnn.ui.components.files import component

_album = component("album")


def show(
    images: Sequence[tuple[str, bytes]],
    key: str,
    label: str,
    selected: Collection[str],
    on_select: Callable[[list[str]], None],
    on_open: Callable[[str], None],
    on_delete: Callable[[list[str]], None],
) -> None:
    """Draw thumbnails.

    Args:
        images: the name of each, which no other has, and a small WebP file; without bytes it is shown as unreadable.
        key: of the element.
        label: what is shown, for who cannot see it.
        selected: the names of those that are selected.
        on_select: called with the names of all selected ones, before the page runs again. What a browser says that is
            none of these names is passed over, here and below.
        on_open: called with the name of the one to be opened.
        on_delete: called with the names of those that the Delete key is to take away.
    """
    known = {name for name, _ in images}

    def did() -> None:
        match st.session_state[key].did:
            case {"act": str(act), "names": list(names), "number": int(number)}:
                st.session_state[state.album_heard(key)] = number
                there = [name for name in names if isinstance(name, str) and name in known]
                if act == "select":
                    on_select(there)
                elif act == "open" and there:
                    on_open(there[0])
                elif act == "delete" and there:
                    on_delete(there)

    _album(
        key=key,
        data={
            "label": label,
            "images": [{"name": name, "data": base64.b64encode(content).decode()} for name, content in images],
            "selected": sorted(known.intersection(selected)),
            "heard": st.session_state.get(state.album_heard(key), 0),
        },
        on_did_change=did,
    )
