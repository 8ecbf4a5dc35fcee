"""The learning curve of a dataset: how accurate networks get with so many images of each class."""

from pathlib import Path

import pandas as pd
import streamlit as st

from cnn.charts.learning_curve import CurvePoint, learning_curve
from cnn.config import RunConfig, counted
from cnn.config.backbones import BACKBONES, EFFICIENTNET_LITE2
from cnn.config.run_config import Data
from cnn.config.transfer_learning import on_backbone
from cnn.runs import Run
from cnn.training import learning_curve as curves
from cnn.training.learning_curve import DRAWS, Kind, Mean, Progress
from cnn.ui import csv, figures, fragments, shell
from cnn.ui.evaluate import measured

_TICK = 1.0  # seconds between two looks
_NAMES: dict[Kind, str] = {"transfer": "Transfer learning", "scratch": "From scratch"}


def show(run: Run, place: Path) -> None:
    """Draw the part. place: where what is found about the dataset is kept."""
    config = _transfer(run)
    path = curves.folder(place, config)
    progress = curves.read(path)
    if progress.active:
        fragments.fragment(_follow, run_every=_TICK)(path, config)
        return
    if progress.state != "finished":
        _begin(place, config, progress)
    if progress.points:
        _curve(progress, config)


def _transfer(run: Run) -> RunConfig:
    """What begins with learned weights: the run itself if it did, else a head on the backbone that is always here."""
    if run.config.transfer.source and run.config.transfer.frozen:
        return run.config
    of = {name: getattr(run.config.data, name) for name in ("dataset", "classes")}
    return on_backbone(EFFICIENTNET_LITE2.name, Data(**of, image_size=EFFICIENTNET_LITE2.input_shape[:2], channels=3))


def _title(config: RunConfig) -> str:
    """What the networks begin with, in words."""
    source = config.transfer.source
    return BACKBONES[source].title if source in BACKBONES else f"the run {shell.plain(source)}"


def _begin(place: Path, config: RunConfig, progress: Progress) -> None:
    """What will be measured, and the button that starts it or goes on."""
    if progress.state in ("failed", "interrupted"):
        st.error(f"The learning curve ended early. {shell.plain(progress.message)}", icon=":material/error:")
    with st.container(border=True):
        if not progress.points:
            st.markdown(
                "**Would more images help, and what does transfer learning buy?** Networks learn from 1, 5, 10, 20, 40 "
                f"and all images of each class: some begin with the weights of {_title(config)}, others, small ones, "
                f"with random weights. Each is measured on images that it has not seen, in {DRAWS} random draws. It "
                "runs in the background, and the result is kept.",
                width=shell.TEXT_WIDTH,
            )
        if st.button(
            "Resume" if progress.points else "Measure the learning curve",
            icon=":material/play_arrow:",
            type="primary",
            key="start_curve",
        ):
            with shell.show_errors():
                curves.start(place, config)
                st.rerun()


def _follow(path: Path, config: RunConfig) -> None:
    """What moves while the networks are trained. Its end redraws the page."""
    progress = curves.read(path)
    measured.follow(progress, path, key="stop_curve")
    if progress.points:
        _curve(progress, config)


def _curve(progress: Progress, config: RunConfig) -> None:
    """The figure, what it says in a sentence, and its numbers."""
    classes = len(config.data.card.class_names)
    means = {kind: curves.means(progress.points, kind) for kind in curves.KINDS}
    lines = {_NAMES[kind]: [_point(mean) for mean in of] for kind, of in means.items() if of}
    figures.show(
        learning_curve(lines, classes),
        key="learning_curve",
        title="Learning curve",
        alt="Balanced accuracy over the training images of each class. "
        + " ".join(
            f"{name}: {', '.join(f'{point.label} {point.mean:.0%}' for point in of)}." for name, of in lines.items()
        ),
    )
    if said := _said(means["transfer"], means["scratch"]):
        st.markdown(said, width=shell.TEXT_WIDTH)
    st.caption(
        f"Means of {DRAWS} draws; the bands go from the worst draw to the best. Every draw measures on another fifth "
        "of the images; near duplicates are never on both sides. Balanced accuracy is the mean of the classes' "
        "recalls. From scratch: the layers of the preset Fast on images of 64×64. The dotted line is guessing.",
        width=shell.TEXT_WIDTH,
    )
    csv.download(lambda: csv.to_csv(_table(progress)), "learning-curve.csv", key="curve_csv")


def _table(progress: Progress) -> pd.DataFrame:
    rows = [
        (_NAMES[point.kind], point.per_class or "all", point.draw + 1, point.images, point.accuracy, point.seconds)
        for point in progress.points
    ]
    columns = ["begins with", "images per class", "draw", "training images", "balanced accuracy", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def _point(mean: Mean) -> CurvePoint:
    label = "all" if mean.per_class is None else str(mean.per_class)
    return CurvePoint(label, mean.images, mean.accuracy, mean.low, mean.high)


def _said(transfer: list[Mean], scratch: list[Mean]) -> str:
    """What the curves come to: how few images transfer learning needs for what the others do with all."""
    if not transfer or not scratch:
        return ""
    best = scratch[-1]
    enough = next((mean for mean in transfer if mean.accuracy >= best.accuracy), None)
    if enough is None or enough.images >= best.images:
        return f"With {_each(transfer[-1])}, transfer learning reaches {transfer[-1].accuracy:.1%}."
    return (
        f"With {_each(enough)}, transfer learning reaches **{enough.accuracy:.1%}**; from scratch, {_each(best)} give "
        f"{best.accuracy:.1%}. With {_each(transfer[-1])}, transfer learning reaches **{transfer[-1].accuracy:.1%}**."
    )


def _each(mean: Mean) -> str:
    """5 images of each class"""
    if mean.per_class is None:
        return f"all {mean.images:,.0f} images"
    return f"{counted(mean.per_class, 'image')} of each class"
