"""Several runs side by side: results, curves in one chart, the settings that differ, and predictions image by image."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from cnn import charts, runs
from cnn.config import counted, field_label
from cnn.evaluation import latency
from cnn.runs import Run, estimates
from cnn.ui import csv, figures, fragments, links, shell
from cnn.ui.runs import table

_TICK = 5.0  # seconds between two looks while one of them is in training
_ROW = 35  # pixels
_FEW = 6  # settings that are shown at once; more are folded


def show(selected: list[Run]) -> None:
    """Compare two runs or more below the table, as many as the palette has colours for."""
    if len(selected) > charts.MAX_OVERLAY:
        _too_many(selected)
    elif len(selected) > 1:
        names = labels(selected)
        st.subheader("Comparison", anchor=False)
        _results(selected, names)
        _trainings(selected, names)


def show_whole(selected: list[Run]) -> None:
    """The view of a comparison: all that `show` draws, and the runs' predictions on the same images."""
    if len(selected) > charts.MAX_OVERLAY:
        _too_many(selected)
    elif len(selected) > 1:
        names = labels(selected)
        _results(selected, names)
        from cnn.ui.runs import predictions  # loads what only this view needs

        predictions.show(selected, names)
        st.subheader("Trainings", anchor=False)
        _trainings(selected, names)
    else:
        ticked = f"Only {shell.plain(selected[0].name)} is ticked" if selected else "No run is ticked"
        st.info(f"{ticked}. Tick two or more in the table, and press Compare.", icon=":material/compare:")
        st.button("Choose runs", icon=":material/table_rows:", key="choose_runs", on_click=table.open_view)


def _too_many(selected: list[Run]) -> None:
    st.info(
        f"{len(selected)} runs are selected. At most {charts.MAX_OVERLAY} can be compared.",
        icon=":material/stacked_line_chart:",
    )


def _trainings(compared: list[Run], names: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        axis = links.choice("runs-over", "Over", ["Epochs", "Time"], label_visibility="collapsed")
        training = links.switch("runs-training", "Training curves")
    active = any(run.active for run in compared)
    fragments.fragment(_curves, run_every=_TICK if active else None)(compared, names, axis == "Time", training)
    _settings(compared, names)


def labels(listed: list[Run]) -> list[str]:
    """Their names, without the sweep's if they are of one, and numbered where two have the same."""
    sweeps = {table.sweep_of(listed).get(run.id) for run in listed}
    names = table.short_names(listed) if len(sweeps) == 1 else [run.name for run in listed]
    numbers = [names[:place].count(name) + 1 for place, name in enumerate(names)]
    return [f"{name} ({n})" if names.count(name) > 1 else name for name, n in zip(names, numbers, strict=True)]


# --- what came out ----------------------------------------------------------------------------------------------


def _results(compared: list[Run], names: list[str]) -> None:
    column = st.column_config
    percent = partial(column.NumberColumn, format="%.2f%%")
    found = results(compared, names)
    st.dataframe(
        found,
        hide_index=True,
        row_height=_ROW,
        placeholder="–",
        alt="The results of the compared runs.",
        column_config={
            "Run": column.TextColumn(width="medium"),
            "Best val. accuracy": percent(help="Of the best epoch, on the validation images."),
            "Test accuracy": percent(help="On the test images, measured once, at the end."),
            "Training time": column.NumberColumn(format="compact"),
            "Parameters": column.NumberColumn(format="localized"),
            "MACs": column.NumberColumn(format="compact", help="Multiply-accumulates for one image."),
            "Latency (ms)": column.NumberColumn(format="%.2f", help="Of one image alone, on this machine."),
            "Size on disk": column.NumberColumn(format="bytes"),
        },
    )
    timed = [found for run in compared if (found := latency.kept(run))]
    said = "MACs: multiply-accumulates for one image."
    if timed:
        said += f" Latency: the median of {latency.PASSES} passes of one image alone on this machine "
        said += f"({shell.plain(timed[0].machine)}), without a GPU."
    st.caption(said)


def results(listed: list[Run], names: list[str]) -> pd.DataFrame:
    """What came out, a row for each run. A column in which no run has anything is left out."""
    summaries = [runs.summary(run) for run in listed]
    changes = [runs.learning_rate_changes(runs.read_metrics(run)) for run in listed]
    timed = [latency.kept(run) for run in listed]
    columns = {
        "Run": names,
        "Best val. accuracy": [100 * s.best_accuracy if s.epoch else None for s in summaries],
        "Best epoch": [s.best_epoch or None for s in summaries],
        "Test accuracy": [100 * run.evaluation["accuracy"] if run.evaluation else None for run in listed],
        "Training time": pd.to_timedelta([round(run.status.seconds) or None for run in listed], unit="s"),
        "Parameters": [run.parameters for run in listed],
        "MACs": [estimates.macs(run.config) if run.config else None for run in listed],
        "Latency (ms)": [1000 * found.median if found else None for found in timed],
        "State": [run.state if any(run.state != "finished" for run in listed) else None for run in listed],
        "Manual changes": [_changes(made) for made in changes],
        "Size on disk": [run.size for run in listed],
    }
    return pd.DataFrame(columns).dropna(axis="columns", how="all")


def _changes(made: list[tuple[int, int, float]]) -> str | None:
    return ", ".join(f"learning rate ×{factor:.3g} in epoch {epoch + 1}" for epoch, _, factor in made) or None


# --- the curves -------------------------------------------------------------------------------------------------


def _curves(compared: list[Run], names: list[str], over_time: bool, training: bool) -> None:
    curves = [[r for r in runs.read_metrics(run) if r["kind"] == "epoch"] for run in compared]
    if not any(curves):
        st.caption("No run has finished an epoch yet. The curves begin with the first.")
        return
    named = list(zip(names, curves, strict=True))
    for column, metric in zip(st.columns(2), charts.METRICS, strict=True):
        with column:
            figures.show(
                charts.overlay(named, metric, over_time, training),
                key=f"overlay-{metric}",
                alt=f"{metric.capitalize()} on the validation images of {len(compared)} runs.",
                title=metric.capitalize(),
            )
    both = "Solid lines: validation. Dotted lines: training." if training else "On the validation images."
    st.caption(f"{both} Click a name in the legend to hide its run.")


# --- the settings -----------------------------------------------------------------------------------------------


def _settings(compared: list[Run], names: list[str]) -> None:
    settings = differences(compared)
    if not settings:
        st.caption("All settings are the same, including the seed.")
        return
    differ = f"{counted(len(settings), 'setting')} {'differs' if len(settings) == 1 else 'differ'}"
    found = pd.DataFrame(
        {"Setting": list(settings), **dict(zip(names, zip(*settings.values(), strict=True), strict=True))}
    )
    with st.expander(differ, expanded=len(settings) <= _FEW, icon=":material/tune:"):
        st.dataframe(
            found,
            hide_index=True,
            height="content",
            row_height=_ROW,
            alt="The settings that differ between the compared runs.",
            column_config={"Setting": st.column_config.TextColumn(width="medium")},
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            same = len(flattened(compared[0])) - len(settings) if compared[0].config else 0
            if same > 0:
                st.caption(
                    f"{counted(same, 'other setting')} {'is' if same == 1 else 'are'} the same.", width="content"
                )
            csv.download(partial(csv.to_csv, found), "settings.csv", key="settings_csv")


def flattened(run: Run) -> dict[str, Any]:
    """Every setting of a run as the form names it: data, training, and each layer as its text."""
    if run.config is None:
        return {}
    layers = {f"Layer {number}": str(layer) for number, layer in enumerate(run.config.layers, 1)}
    parts = {**run.config.data.model_dump(), **run.config.training.model_dump()}
    return {**{field_label(name): value for name, value in parts.items()}, **layers}


def differences(listed: list[Run]) -> dict[str, list[str]]:
    """The settings in which not all of them agree, as texts in the order of the runs."""
    all_settings = [flattened(run) for run in listed]
    names = dict.fromkeys(name for settings in all_settings for name in settings)
    found = {}
    for name in names:
        values = [settings.get(name, "–") for settings in all_settings]
        if any(value != values[0] for value in values):
            found[name] = [_text(value) for value in values]
    return found


def _text(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "on" if value else "off"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
    return str(value)
