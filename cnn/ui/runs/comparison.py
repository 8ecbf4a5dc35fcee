"""Several runs side by side: their curves in one chart, and a table of only the settings that differ between them."""

from typing import Any

import pandas as pd
import streamlit as st

from cnn import charts, runs
from cnn.config import counted, duration
from cnn.runs import Run

_TICK = 5.0  # seconds between two looks while one of them is in training


def show(selected: list[Run]) -> None:
    """Compare two runs or more, as many as the palette has colours for. They become part of the link."""
    compared = selected if 2 <= len(selected) <= charts.MAX_OVERLAY else []
    link = ",".join(run.id for run in compared)
    if link:
        st.query_params["compare"] = link
    else:
        st.query_params.pop("compare", None)
    if len(selected) > charts.MAX_OVERLAY:
        st.info(
            f"{len(selected)} runs are selected: {charts.MAX_OVERLAY} at most can be compared.",
            icon=":material/stacked_line_chart:",
        )
    if not compared:
        return
    st.subheader("Comparison", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = st.segmented_control(
            "Over", ["epochs", "time"], default="epochs", required=True, key="compare_axis", persist_state="session"
        )
        training = st.toggle("Training curves too", key="compare_training", persist_state="session")
    active = any(run.active for run in compared)
    names = labels(compared)
    st.fragment(_curves, run_every=_TICK if active else None)(compared, names, axis == "time", training)
    _settings(compared, names)


def labels(listed: list[Run]) -> list[str]:
    """Their names, numbered where two have the same."""
    names = [run.name for run in listed]
    numbers = [names[:place].count(name) + 1 for place, name in enumerate(names)]
    return [f"{name} ({n})" if names.count(name) > 1 else name for name, n in zip(names, numbers, strict=True)]


def _curves(compared: list[Run], names: list[str], over_time: bool, training: bool) -> None:
    curves = [[r for r in runs.read_metrics(run) if r["kind"] == "epoch"] for run in compared]
    if not any(curves):
        st.caption("None of them has finished an epoch yet: the curves begin with the first.")
        return
    named = list(zip(names, curves, strict=True))
    for column, metric in zip(st.columns(2), charts.METRICS, strict=True):
        with column:
            st.markdown(f"**{metric.capitalize()}**")
            st.plotly_chart(
                charts.overlay(named, metric, over_time, training),
                key=f"overlay-{metric}",
                config={"displayModeBar": False},
                alt=f"{metric.capitalize()} on the validation pictures of {len(compared)} runs.",
            )
    both = "Solid lines: validation. Dotted lines: training." if training else "On the validation pictures."
    st.caption(f"{both} A click on a name in the legend hides its run.")


def _settings(compared: list[Run], names: list[str]) -> None:
    settings = differences(compared)
    table = pd.DataFrame({**settings, **results(compared)}, index=names).T
    st.markdown("**Settings that differ, and results**")
    st.dataframe(
        table,
        height="content",
        row_height=35,
        alt="The settings that differ between the compared runs, and their results.",
        column_config={"_index": st.column_config.TextColumn("", width=180)},
    )
    if not settings:
        st.caption("All their settings are the same, the seed too.")
    else:
        same = len(flattened(compared[0])) - len(settings) if compared[0].config else 0
        st.caption(
            f"{counted(len(settings), 'setting')} {'differs' if len(settings) == 1 else 'differ'}."
            + (f" {same} are the same and not shown." if same > 0 else "")
        )


def flattened(run: Run) -> dict[str, Any]:
    """Every setting of a run by a name of its own: data, training, and each layer as its text."""
    if run.config is None:
        return {}
    layers = {f"layer {number}": str(layer) for number, layer in enumerate(run.config.layers, 1)}
    named = {name.replace("_", " "): value for name, value in run.config.data.model_dump().items()}
    named |= {name.replace("_", " "): value for name, value in run.config.training.model_dump().items()}
    return {**named, "parameters": run.parameters, **layers}


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


def results(listed: list[Run]) -> dict[str, list[str]]:
    """What came out, as texts in the order of the runs."""
    summaries = [runs.summary(run) for run in listed]
    changes = [runs.learning_rate_changes(runs.read_metrics(run)) for run in listed]
    rows: dict[str, list[str]] = {
        "learning rate by hand": [
            ", ".join(f"×{factor:.3g} in epoch {epoch + 1}" for epoch, _, factor in made) or "–" for made in changes
        ],
        "state": [run.state for run in listed],
        "best validation accuracy": [
            f"{summary.best_accuracy:.2%} in epoch {summary.best_epoch}" if summary.epoch else "–"
            for summary in summaries
        ],
        "test accuracy": [f"{run.evaluation['accuracy']:.2%}" if run.evaluation else "–" for run in listed],
        "time trained": [duration(run.status.seconds) for run in listed],
        "size on disk": [f"{run.size / 1e6:,.1f} MB" for run in listed],
        "id": [run.id for run in listed],
    }
    return rows if any(changes) else {name: row for name, row in rows.items() if name != "learning rate by hand"}


def _text(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
    return str(value)
