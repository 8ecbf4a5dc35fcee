"""How large a network is, and how good: of one, or of two with what differs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from cnn.config.totals import Totals, totals
from cnn.runs import Run
from cnn.ui import shell


class _Figure(NamedTuple):
    """A number of a network: its label, itself, how it is written, and what it is."""

    label: str
    value: float
    written: Callable[[float], str]
    help: str


def size(count: float) -> str:
    """Bytes in words: 200704 -> 200.7 kB; 1204224 -> 1.2 MB"""
    if abs(count) < 1_000:
        return f"{count:.0f} B"
    return f"{count / 1e6:,.1f} MB" if abs(count) >= 1e6 else f"{count / 1e3:,.1f} kB"


def show(run: Run) -> None:
    """The numbers of one network, in a line."""
    figures = _figures(run)
    with st.grid(len(figures), min_column_width=130):
        for figure in figures:
            st.metric(figure.label, figure.written(figure.value), border=True, help=figure.help)


def show_both(run: Run, other: Run) -> None:
    """The numbers of two networks below each other, and how the second's differ."""
    names = [shell.labels().get(one.id, one.name) for one in (run, other)]
    st.dataframe(
        compared(run, other, names),
        hide_index=True,
        height="content",
        alt=f"The sizes of {names[0]} and of {names[1]}, and the difference.",
    )


def compared(run: Run, other: Run, names: Sequence[str]) -> pd.DataFrame:
    """A row for each network and one for the difference, a column for each number that both have."""
    theirs = {figure.label: figure.value for figure in _figures(other)}
    columns = {"network": [*names, "difference"]}
    for figure in _figures(run):
        if figure.label in theirs:
            second = theirs[figure.label]
            columns[figure.label] = [figure.written(figure.value), figure.written(second), _difference(figure, second)]
    return pd.DataFrame(columns)


def _difference(figure: _Figure, second: float) -> str:
    if second == figure.value:
        return "none"
    if figure.value <= 1:  # a fraction, or nothing to compare with
        points = (second - figure.value) * 100
        written = f"{points:+.2f} points" if second <= 1 else f"+{figure.written(second)}"
    else:
        sign = "+" if second > figure.value else "-"
        change = second / figure.value
        relative = f"{change - 1:+.1%}" if change < 10 else f"×{change:,.0f}"
        written = f"{sign}{figure.written(abs(second - figure.value))} ({relative})"
    return written.replace("-", "−")


def _figures(run: Run) -> list[_Figure]:
    found: Totals = totals(run.config.rows(), run.config.data.card.input_shape)
    figures = [
        _Figure("Parameters", found.parameters, lambda n: f"{n:,.0f}", f"{found.trainable:,} of them are trained."),
        _Figure(
            "Non-trainable",
            found.parameters - found.trainable,
            lambda n: f"{n:,.0f}",
            "The moving means and variances of batch normalisation, and the weights of frozen layers.",
        ),
        _Figure("MACs", found.macs, lambda n: f"{n / 1e6:,.1f} M", "Multiply-accumulates for one image."),
        _Figure(
            "Activations",
            found.memory,
            size,
            "Memory of the outputs of all layers for one image, in float32: what a training keeps for its gradients.",
        ),
        _Figure(
            "Peak memory",
            found.peak,
            size,
            f"The most that must lie in memory at one time to predict one image, at {found.peak_at}: its output and "
            "those that it or a later layer still takes, in float32. Weights and buffers of the library come on top.",
        ),
    ]
    if run.evaluation:
        figures.append(
            _Figure(
                "Test accuracy" + shell.synthetic_note(run),
                run.evaluation["accuracy"],
                lambda part: f"{part:.2%}",
                f"On {run.evaluation['n']:,} images that it has not seen, in a single forward pass. Predict uses "
                "test-time augmentation, which is usually a little better.",
            )
        )
    return figures
