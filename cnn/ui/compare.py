"""A second network beside the current one: which run it is of stands in the link, so a link opens both.

Loads TensorFlow with a network only, so that a page that compares nothing but layers does without.
"""

from typing import TYPE_CHECKING

import streamlit as st

from cnn.errors import AtelierError
from cnn.runs import Run
from cnn.ui import links, preload, shell

if TYPE_CHECKING:
    from cnn.ui.models import Network

_SAME_IMAGE = "Shows what another network makes of the same image."


def other_run(key: str, run: Run, trained: bool = True, help: str = _SAME_IMAGE) -> Run | None:
    """Ask for a second run.

    Args:
        key: the name of the parameter that holds its id; unique among all pages.
        run: the current one, which is not offered.
        trained: whether only runs with a trained network are offered.
        help: what it is for.

    Returns:
        A run that can be read; None where nothing is compared.
    """
    names = shell.labels()
    others = {r.id: r for r in shell.listed() if (r.has_model or not trained) and not r.problem and r.id != run.id}
    wanted = st.query_params.get(key)
    links.picker(
        f"{key}-menu",
        "Compare with run",
        list(others),
        wanted if wanted in others else None,
        lambda picked: links.write(key, picked),
        optional=True,
        placeholder="None" if others else f"There is no other{' trained' * trained} run",
        format_func=lambda run_id: names.get(run_id, run_id),
        disabled=not others,
        width=320,
        help=help,
    )
    if wanted and wanted not in (*others, run.id):
        st.caption(f"There is no{' trained' * trained} run {shell.plain(wanted[:80])} to compare with.")
    return others.get(wanted or "")


def load(run: Run) -> "Network | None":
    """The network of a second run. Where it cannot be read, a sentence says why, and the page goes on without it."""
    preload.tensorflow()
    from cnn.ui import models

    try:
        return models.read(run)
    except (AtelierError, OSError) as error:
        st.warning(
            f"{shell.plain(run.name)} cannot be compared: {shell.plain(str(error))}", icon=":material/broken_image:"
        )
        return None
