"""The form for a new sweep: what all trials share, what differs between them, how it is chosen, and how long it takes.

What has been entered outlasts a visit to another page; the link has what to start from, the method and the settings
that differ. Every problem is said in a sentence where it stands; what may be tried, `cnn.tuning.sweeps` knows.
"""

import math
import re
from functools import partial

import numpy as np
import streamlit as st
from pydantic import ValidationError

from cnn import data
from cnn.config import Data, RunConfig, counted, datasets_help, explain, preset_title, presets
from cnn.data import DataUnavailable
from cnn.runs import Run, estimates, saved_presets
from cnn.tuning import (
    MAX_SETTINGS,
    MAX_TRIALS,
    WIDTH,
    Hyperparameter,
    Method,
    Scalar,
    Setting,
    SweepConfig,
    hyperparameters_of,
    path_label,
    sweeps,
    value_words,
)
from cnn.ui import draft, links, own_datasets, shell, state, time_needed

NEW = "new"  # what the link says in the place of a sweep's id
_BASE = "sweep-base"  # parameter of the link
_FROM_DRAFT = "train:"
METHODS: dict[Method, tuple[str, str]] = {
    "grid": ("Grid", "Every combination of the values that you list. Complete, but each setting multiplies them."),
    "random": ("Random", "Every trial draws each setting by itself: a few trials spread over a wide range."),
    "optuna": (
        "Optuna",
        "The first trials are drawn at random, the others near those that did well so far (tree-structured Parzen "
        "estimator).",
    ),
}  # fmt: skip
_PROPOSED = 3  # values for a grid


def begin(base: str) -> None:
    """Open the form with what to start from: `_FROM_DRAFT`, or a run as "run:" and its id."""
    st.switch_page(shell.SWEEPS, query_params={"run": st.session_state[state.RUN], "sweep": NEW, _BASE: base})


def offer(run: Run | None = None) -> None:
    """Draw the button that opens the form with the settings of a run, or with those on the New network page."""
    if st.button(
        "Run a sweep from this",
        icon=":material/scatter_plot:",
        key="sweep_over" if run else "sweep_over_draft",
        help="Train it many times with different settings, see which matter.",
    ):
        begin(f"run:{run.id}" if run else _FROM_DRAFT)


def show() -> None:
    """Draw the form, and start the sweep when that is asked for."""
    with st.container(border=True):
        st.markdown("**What all trials share**")
        shared, each = st.columns([2, 3])
        with shared:
            base = _choose_base()
    known = {setting.path: setting for setting in hyperparameters_of(base)}
    with st.container(border=True):
        st.markdown("**What differs**")
        method = _choose_method()
        paths = _choose_settings(known)
        settings = _values(base, method, [known[path] for path in paths])
    with each:
        base = _each_trial(base, paths)
    with st.container(border=True):
        st.markdown("**Trials**")
        options = _how_they_run(method, paths)
    count, start = st.container(), st.container(horizontal=True, vertical_alignment="bottom")
    with count:  # always in one place, so that nothing below it is drawn again
        wanted = _whole(base, method, settings, options)
    with start:
        name = st.text_input("Optional name", max_chars=60, key="sweep_name", persist_state="session", width=320)
        if st.button(
            "Start sweep", type="primary", icon=":material/play_arrow:", disabled=wanted is None, key="start_sweep"
        ):
            _start(wanted.model_copy(update={"name": name or ""}))


def _start(wanted: SweepConfig) -> None:
    with shell.show_errors():
        sweep = sweeps.start(SweepConfig.model_validate(wanted.model_dump()))
        st.session_state[state.SWEEP] = sweep.id
        st.session_state[state.OPENED_SWEEP] = True
        st.rerun()


# --- what all trials share --------------------------------------------------------------------------------------


def _choose_base() -> RunConfig:
    """The settings that the sweep starts from: those that the link names, else those chosen last."""
    own, _ = saved_presets.own()
    bases = {
        f"preset:{name}": (f"Preset {preset_title(name)}", preset) for name, preset in {**presets(), **own}.items()
    }
    if (entered := _on_the_new_network_page()) is not None:
        bases[_FROM_DRAFT] = ("The settings on the New network page", entered)
    for run in shell.listed():
        if run.config is not None:
            bases[f"run:{run.id}"] = (f"Run {run.name} · {run.id}", run.config)
    wanted = st.query_params.get(_BASE) or st.session_state.get(state.SWEEP_BASE)
    st.session_state[state.SWEEP_BASE] = wanted if wanted in bases else "preset:fast"  # or that run was deleted
    chosen = st.selectbox(
        "Start from",
        list(bases),
        key=state.SWEEP_BASE,
        format_func=lambda base: bases[base][0],
        on_change=lambda: links.write(_BASE, st.session_state[state.SWEEP_BASE]),
        persist_state="session",
        help="A preset, the settings on the New network page, or those of any run. All trials have them, except for "
        "what is changed below.",
    )
    links.complete(_BASE, chosen)
    return bases[chosen][1]


def _on_the_new_network_page() -> RunConfig | None:
    """What has been entered there; None where nothing was, or where it is impossible."""
    if state.DRAFT not in st.session_state:
        return None
    values = draft.current()
    try:
        parts = {name: part for name, part in values.items() if name in RunConfig.model_fields}
        return RunConfig(**parts | {"layers": draft.layers(values)})
    except ValidationError:
        return None


def _each_trial(base: RunConfig, varied: list[str]) -> RunConfig:
    """Ask for dataset, examples and epochs, which decide how long a trial takes. What is varied cannot be set here."""
    key = partial("sweep-{}-{}".format, st.session_state[state.SWEEP_BASE])
    taken = "It is one of the settings that differ."
    training, of_data = base.training, base.data
    with st.grid(3, min_column_width=150, vertical_alignment="bottom"):
        options = own_datasets.options(of_data.dataset)
        dataset = st.selectbox(
            "Dataset",
            list(options),
            list(options).index(of_data.dataset),
            key=key("dataset"),
            persist_state="session",
            format_func=lambda name: options.get(name, name),
            help=datasets_help(),
        )
        of_limit = path_label("data.limit")
        limit = st.number_input(
            of_limit,
            100,
            55_000,
            of_data.limit,
            step=1000,
            placeholder="all",
            key=key("limit"),
            persist_state="session",
            disabled="data.limit" in varied,
            help=taken if "data.limit" in varied else "Fewer make every trial faster. Empty: all of them.",
        )
        epochs = st.number_input(
            "Epochs",
            1,
            500,
            training.epochs,
            step=1,
            key=key("epochs"),
            persist_state="session",
            disabled="training.epochs" in varied,
            help=taken
            if "training.epochs" in varied
            else "Fewer make every trial faster. What does well early on often, but not always, does well in the end.",
        )
    try:
        images = _with_images(base, dataset)
        changed = {
            "data": {**images.model_dump(), "limit": limit},
            "training": {**training.model_dump(), "epochs": epochs or training.epochs},
        }
        settings = RunConfig.model_validate({**base.model_dump(), **changed})
    except (ValidationError, DataUnavailable) as error:
        st.error(shell.plain(explain(error)), icon=":material/block:")
        return base
    if missing := data.dataset_of(settings.data).missing():
        st.caption(f":material/cloud_download: {shell.plain(missing)}")
    return settings


def _with_images(base: RunConfig, dataset: str) -> Data:
    """The base's data with a dataset, in the size that its layers are made for.

    Raises:
        DataUnavailable: it is gone. ValidationError: it does not go together with the settings.
    """
    return base.data if dataset == base.data.dataset else data.with_dataset(base.data, dataset)


# --- what differs -----------------------------------------------------------------------------------------------


def _choose_method() -> Method:
    by_name = {name: method for method, (name, _) in METHODS.items()}
    method = by_name[links.choice("sweep-method", "Method", list(by_name), label_visibility="collapsed")]
    st.caption(METHODS[method][1], width=shell.TEXT_WIDTH)
    return method


def _choose_settings(known: dict[str, Hyperparameter]) -> list[str]:
    """The paths of the settings that differ, at most as many as a sweep takes."""
    paths = {words_of(setting): path for path, setting in known.items()}
    chosen = links.several(
        "sweep-settings",
        "Settings to vary",
        list(paths),
        default=[words_of(known["training.learning_rate"])],
        max_selections=MAX_SETTINGS,
        placeholder=f"Choose up to {MAX_SETTINGS} settings: type to search",
    )
    return [paths[words] for words in chosen]


def words_of(known: Hyperparameter) -> str:
    """A setting in the list: "Filters of layer 3 (Conv 64 3×3 same relu)"."""
    return f"{known.label}{_of_layer(known)}"


def _of_layer(known: Hyperparameter) -> str:
    """What a layer is, behind its number: " (Conv 64 3×3 same relu)"."""
    match known.group.split(" · ", 1):
        case [_, layer]:
            return f" ({layer})"
    return " (of all convolutions)" if known.path == WIDTH else ""


def _values(base: RunConfig, method: Method, chosen: list[Hyperparameter]) -> list[Setting | None]:
    """Ask for the values of each setting. None stands for one that cannot be tried, which is said at its place."""
    if not chosen:
        return []
    settings = []
    with st.grid("auto", min_column_width=280):
        for known in chosen:
            with st.container(border=True):
                st.markdown(f"**{shell.plain(known.label)}** :small[:gray[now {_now(known)}]]", help=known.help or None)
                try:
                    setting = _ask(method, known)
                    # Alone, its problems are found where they stand.
                    SweepConfig(base=base, method="random", settings=(setting,), trials=1, prune=False)
                except ValueError as error:  # pydantic's is one, too
                    st.error(shell.plain(explain(error)), icon=":material/block:")
                    setting = None
                settings.append(setting)
    return settings


def _now(known: Hyperparameter) -> str:
    if known.present is None and not known.optional:
        return "not the same in all of them"
    return shell.plain(value_words(known.path, known.present))


def _ask(method: Method, known: Hyperparameter) -> Setting:
    """Ask for the values of one setting.

    Raises:
        ValueError: what was entered cannot be understood.
    """
    key = partial("sweep-{}-{}-{}".format, st.session_state[state.SWEEP_BASE], known.path)
    if known.kind == "choice":
        options = [*known.choices, *([None] * known.optional)]
        words = {value_words(known.path, choice): choice for choice in options}
        picked = st.pills(
            "Values",
            list(words),
            default=list(words),
            selection_mode="multi",
            key=key("choices"),
            persist_state="session",
        )
        if not picked:
            raise ValueError(f"{known.label}: choose at least one value.")
        return Setting(path=known.path, values=tuple(words[word] for word in picked))
    if method == "grid":
        proposed = ", ".join(value_words(known.path, value) for value in proposals(known))
        empty = f", or {value_words(known.path, None)}" if known.optional else ""
        text = st.text_input(
            "Values (comma-separated)",
            proposed,
            max_chars=500,
            key=key("values"),
            persist_state="session",
            help=f"From {known.low:g} to {known.high:g}{empty}.",
        )
        return Setting(path=known.path, values=listed_values(known, text or ""))
    whole = known.kind == "whole number"
    low, high = (_rounded(known, end) for end in known.usual)
    limits = {"min_value": known.low, "max_value": known.high, "persist_state": "session"}
    limits |= {"step": 1} if whole else {"step": 10.0 ** math.floor(math.log10(low or high / 10)), "format": "%g"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        lowest = st.number_input("Lowest", value=low, key=key("low"), width=125, **limits)
        highest = st.number_input("Highest", value=high, key=key("high"), width=125, **limits)
    log = st.toggle(
        "Logarithmic",
        known.logarithmic,
        key=key("log"),
        persist_state="session",
        help="As many trials between 0.001 and 0.01 as between 0.01 and 0.1.",
    )
    return Setting(path=known.path, low=lowest, high=highest, log=log)


def proposals(known: Hyperparameter) -> tuple[Scalar, ...]:
    """A few values for a grid, about the present one."""
    low, high = known.usual
    present = known.present if isinstance(known.present, int | float) else None
    if known.logarithmic and present:
        factor = math.sqrt(present / low if present > low else high / present)
        factor = min(max(factor, 2.0), math.sqrt(10.0))
        values = [present / factor, present, present * factor]
    else:
        spread = np.geomspace if known.logarithmic and low > 0 else np.linspace
        values = spread(low, high, _PROPOSED).tolist()
        if present and low < present < high:
            values[1] = present
    return tuple(sorted({_rounded(known, value) if value != present else value for value in values}))


def _rounded(known: Hyperparameter, value: float) -> float:
    """To one digit of a number on a logarithmic scale, else two; within the bounds, and whole where it must be."""
    digits = 0 if known.logarithmic and known.kind == "number" else 1  # behind the first
    near = min(max(float(f"{value:.{digits}e}"), known.low), known.high)
    return round(near) if known.kind == "whole number" else float(near)


def listed_values(known: Hyperparameter, text: str) -> tuple[Scalar, ...]:
    """The numbers of a text such as "0.001, 0.01"; where the setting may be empty, also its word for that.

    Raises:
        ValueError: one of them is no number, or there is none.
    """
    values: list[Scalar] = []
    for token in filter(None, map(str.strip, re.split("[,;]", text))):
        if known.optional and token.casefold() == value_words(known.path, None).casefold():
            values.append(None)
            continue
        try:
            number = float(token)
            whole = number.is_integer()
        except (ValueError, OverflowError):
            whole, number = False, math.nan
        if not math.isfinite(number):
            raise ValueError(f"{known.label}: “{token[:40]}” is not a number.")
        if known.kind == "whole number" and not whole:
            raise ValueError(f"{known.label}: {token[:40]} is not a whole number.")
        values.append(int(number) if known.kind == "whole number" else number)
    if not values:
        raise ValueError(f"{known.label}: list at least one value.")
    return tuple(values)


# --- the whole --------------------------------------------------------------------------------------------------


def _how_they_run(method: Method, varied: list[str]) -> dict[str, int | bool | None]:
    """Ask for the fields of a `SweepConfig` that say how many trials there are, and how they are run."""
    options: dict[str, int | bool | None] = {}
    with st.grid("auto", min_column_width=170, vertical_alignment="bottom"):
        if method != "grid":
            options["trials"] = st.number_input(
                "Trials", 1, MAX_TRIALS, 20, step=1, key="sweep_trials", persist_state="session"
            )
        options["at_once"] = st.number_input(
            "Parallel trials",
            1,
            16,
            1,
            step=1,
            key="sweep_at_once",
            persist_state="session",
            help="How many trials are queued together. One machine trains one run at a time, because each run uses all "
            "cores. More than 1 helps on a cluster. Optuna learns from finished trials, so it chooses best with few "
            "in parallel.",
        )
        if method != "grid":
            options["seed"] = st.number_input(
                "Seed",
                0,
                2**31 - 1,
                42,
                step=1,
                key="sweep_seed",
                persist_state="session",
                help="Of the random choice of values.",
            )
        lengths_differ = "training.epochs" in varied
        options["prune"] = st.toggle(
            "Stop unpromising trials",
            not lengths_differ,
            wrap=True,
            key=f"sweep_prune-{lengths_differ}",
            persist_state="session",
            disabled=lengths_differ,
            help="Trials of different lengths cannot be compared before their end."
            if lengths_differ
            else "Stops a trial whose validation accuracy after an epoch is below the median of the earlier trials, "
            "once three have ended and a third of its epochs is over.",
        )
    return options


def _whole(
    base: RunConfig, method: Method, settings: list[Setting | None], options: dict[str, int | bool | None]
) -> SweepConfig | None:
    """Say what the sweep will be. None while something is impossible, which it then says, or is said above."""
    if not settings:
        st.info(f"Choose one to {MAX_SETTINGS} settings to vary.", icon=":material/tune:")
        return None
    empty = [name for name, value in options.items() if value is None]
    if empty:
        field = {"at_once": "Parallel trials"}.get(empty[0], empty[0].capitalize())
        st.error(f"{field}: enter a number.", icon=":material/block:")
        return None
    if None in settings:
        st.caption("Correct the values above first.")
        return None
    try:
        wanted = SweepConfig(base=base, method=method, settings=tuple(settings), **options)
    except ValidationError as error:
        st.error(shell.plain(explain(error)), icon=":material/block:")
        return None
    st.markdown(f"{_count(wanted)} {_time(wanted)}", width=shell.TEXT_WIDTH)
    return wanted


def _count(wanted: SweepConfig) -> str:
    """How many trials there will be, and why."""
    trials = f"**{counted(wanted.planned, 'trial')}**"
    if wanted.method == "grid":
        sizes = [str(len(setting.values)) for setting in wanted.settings]
        return f"{' × '.join(sizes)} = {trials}." if len(sizes) > 1 else f"{trials}."
    few = " There are no more combinations." if wanted.planned < wanted.trials else ""
    return f"{trials}.{few}"


def _time(wanted: SweepConfig) -> str:
    """How long all trials take, one after another, and how that is known."""
    own = wanted.base.data.classes
    images = own_datasets.training_images(wanted.base.data.dataset) if own else None
    one = estimates.estimate(wanted.base, shell.listed(), images)
    whole = time_needed.words(one._replace(seconds=one.seconds * wanted.planned)).capitalize()
    less = ", less where trials are stopped early" if wanted.prune else ""
    return (
        f"**{whole}** of training, one after another{less}, plus a few seconds to start each: {time_needed.source(one)}"
    )
