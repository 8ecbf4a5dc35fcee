"""Presets to start a new run from, the program's and the visitor's own; a configuration to a file and back."""

from collections.abc import Sequence

import streamlit as st

from cnn.config import PRESET_CARDS, RunConfig, preset_title, presets
from cnn.errors import AtelierError
from cnn.runs import Run, estimates, saved_presets
from cnn.ui import draft, own_datasets, shell, state, time_needed
from cnn.ui.train import export


def choose(changed: bool) -> None:
    """Draw a card for each preset, with what is known of it. Choosing one replaces the draft.

    Args:
        changed: whether the draft is no longer what its preset says.
    """
    own, problems = saved_presets.own()
    now = draft.current()["preset"]
    known = {**presets(), **own}
    with st.grid(3, min_column_width=165):  # two beside each other on a phone
        for name, config in known.items():
            _card(name, config, name == now, changed)
    if now not in known:
        st.caption("Custom settings, from no preset.")
    for problem in problems:
        st.caption(f":material/warning: {shell.plain(problem)}")


def _card(name: str, config: RunConfig, chosen: bool, changed: bool) -> None:
    """A preset: a button with its title, a sentence, and its figures."""
    icon = ":material/radio_button_checked:" if chosen else ":material/radio_button_unchecked:"
    with st.container(border=True, height="stretch", gap=None, key=f"preset-card-{name}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap=None):
            st.button(
                f"**{preset_title(name)}**",
                icon=icon,
                type="tertiary",
                key=f"preset-{name}",
                help="Replaces the settings below. Undo brings them back.",
                on_click=_choose,
                args=(name,),
            )
            if chosen:
                st.badge("Changed" if changed else "Chosen", color="orange" if changed else "blue")
        st.markdown(f":small[{PRESET_CARDS[name].about if name in PRESET_CARDS else 'Your own preset.'}]")
        st.space("stretch")
        _facts(name, config, shell.listed())


def _facts(name: str, config: RunConfig, listed: Sequence[Run]) -> None:
    """What is known of a preset, a line each; where the figures are from, its help says."""
    parameters = sum(row.parameters for row in config.rows())
    accuracy, accuracy_source = _accuracy(name, config, listed)
    images = own_datasets.training_images(config.data.dataset) if config.data.classes else None
    found = estimates.estimate(config, listed, images)
    where = "here" if found.run else "on 2 cores"
    lines = (
        f":material/tune: {parameters:,} parameters",
        f":material/target: {accuracy}",
        f":material/timer: {time_needed.words(found)} {where}",
    )
    st.caption("  \n".join(lines), help=f"{accuracy_source} Time: {time_needed.source(found)}")


def _accuracy(name: str, config: RunConfig, listed: Sequence[Run]) -> tuple[str, str]:
    """A preset's accuracy on the test images, and where that is from."""
    what = "test accuracy"
    run = next((run for run in listed if run.evaluation and _same_settings(run.config, config)), None)
    measured = PRESET_CARDS[name].measured if name in PRESET_CARDS else None
    if run is not None and run.evaluation:
        whose = "the shipped run" if run.shipped else "your run"
        source = f"Accuracy: {whose} {shell.plain(run.name)}, a single forward pass."
        return f"{run.evaluation['accuracy']:.1%} {what}", source
    if measured and measured.accuracy is not None:
        return f"{measured.accuracy:.1%} {what}", "Accuracy: measured on Fashion-MNIST, see docs/benchmarks.md."
    return f"{what} not measured", "Accuracy: train it once, and it stands here."


def _same_settings(one: RunConfig | None, other: RunConfig) -> bool:
    """Whether one configuration is the other, whatever it is called."""
    return one is not None and one.model_copy(update={"preset": other.preset}) == other


def save(settings: RunConfig | None) -> None:
    """Draw what keeps the settings as a preset of your own; nothing can be kept while they are invalid."""
    with st.popover(
        "Save as preset",
        icon=":material/bookmark_add:",
        key=state.SAVE_POPOVER,
        on_change="rerun",
        disabled=settings is None,
        help=None if settings else "Not available while settings are invalid.",
    ) as opened:
        if not opened.open:
            return
        text = st.text_input("Name of the preset", max_chars=40, placeholder="my-network", key=state.PRESET_NAME)
        try:
            taken = bool(text) and saved_presets.name_for(text) in saved_presets.own()[0]
        except AtelierError:
            taken = False
        if problem := st.session_state.pop(state.SAVE_PROBLEM, None):
            st.error(problem, icon=":material/block:")
        if taken:
            st.warning(f"You already have a preset {saved_presets.name_for(text)}.", icon=":material/warning:")
        st.button("Overwrite" if taken else "Save", key="save_preset", on_click=_save, args=(settings, taken))
        st.caption("It becomes a card on this page, and `--preset NAME` on the command line.")


def exchange(settings: RunConfig | None) -> None:
    """Draw what writes the settings to a file, or reads them from one; invalid ones cannot be written."""
    with st.popover(
        "Import or export", icon=":material/swap_vert:", key=state.FILES_POPOVER, on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        if settings is None:
            st.caption("Nothing can be exported while settings are invalid.")
        else:
            export.offer(settings, settings.preset or "network")
        uploads = st.session_state.setdefault(state.IMPORTS, 0)  # a new number empties the widget
        st.file_uploader(
            "Import a configuration (JSON)",
            type="json",
            max_upload_size=1,
            key=state.imported(uploads),
            on_change=_import,
            help="A file that was exported here, or the config.json of a run.",
        )
        if problem := st.session_state.pop(state.IMPORT_PROBLEM, None):
            st.error(problem, icon=":material/block:")


def delete() -> None:
    """Draw what deletes the chosen preset, if it is the visitor's own."""
    now = draft.current()["preset"]
    if now not in saved_presets.own()[0]:
        return
    with st.popover("Delete preset", icon=":material/delete:", key=f"delete_preset_popover-{now}"):
        st.markdown(f"Delete the preset **{now}**? The settings below stay.")
        st.button("Delete", key="delete_preset", on_click=_delete, args=(now,))


def _choose(name: str) -> None:
    with shell.show_errors():  # it may have been deleted or changed in another window
        draft.load_preset(saved_presets.find(name))


def _delete(name: str) -> None:
    with shell.show_errors():
        saved_presets.delete(name)


def _save(settings: RunConfig, overwrite: bool) -> None:
    with shell.show_errors():
        try:
            name = saved_presets.save(st.session_state[state.PRESET_NAME], settings, overwrite)
        except AtelierError as error:
            st.session_state[state.SAVE_PROBLEM] = str(error)
            return
        draft.call_it(name)
        st.session_state[state.SAVE_POPOVER] = False
        st.toast(f"Saved as the preset {name}.", icon=":material/bookmark_added:")


def _import() -> None:
    uploads = st.session_state[state.IMPORTS]
    file = st.session_state[state.imported(uploads)]
    if file is None:
        return
    try:
        draft.load(saved_presets.parse(file.getvalue()))
    except AtelierError as error:
        st.session_state[state.IMPORT_PROBLEM] = f"{shell.plain(file.name)} is not imported. {shell.plain(str(error))}"
        return
    st.session_state[state.IMPORTS] = uploads + 1
    st.session_state[state.FILES_POPOVER] = False
    st.toast("Imported.", icon=":material/check:")
