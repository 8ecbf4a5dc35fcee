"""Labels that may be wrong: of training images by networks that have not learned them, of test images by agreement.

Loads TensorFlow only to measure networks; the cross-validation trains in a process of its own.
"""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from cnn.config import RunConfig, counted, duration, explain, presets
from cnn.config.datasets import FASHION_MNIST
from cnn.config.run_config import not_for
from cnn.data import Split, Splits, soft_labels
from cnn.evaluation import label_errors, predictions
from cnn.evaluation.label_errors import AGREEING, Suspects
from cnn.evaluation.predictions import Predictions
from cnn.runs import Run, estimates
from cnn.training import cross_validation
from cnn.ui import background_work, csv, fragments, links, preload, shell, state, time_needed
from cnn.ui.evaluate import gallery, measured
from cnn.ui.evaluate.gallery import Together
from cnn.ui.evaluate.open_image import explain_link
from cnn.ui.predict import pictures

_SHIPPED, _FAST, _OWN = "Soft labels", "Fast preset", "This run's"
_ANY = "Any"
_FEW = 50  # images a class, of which fewer teach a network too little to doubt labels
_TICK = 1.0  # seconds between two looks at a cross-validation
_LARGE = 180  # screen pixels of an opened image
_SUSPECTS = (
    "These are suspects, not errors: a hard or unusual image with the right label looks the same to a network. Look at "
    "each before you believe it."
)
_ORDER = (
    "An image is suspect if another class reaches at least the mean probability that images of that class have for it; "
    "the order is by the probability of the label less the highest of the others: confident learning (Northcutt, "
    "Jiang, Chuang 2021)."
)


@dataclass(frozen=True, eq=False)
class _Named:
    """Images with what they are called.

    images, labels: of all. split: the name of each one's split. index: int (n,), within it.
    """

    images: Together
    labels: np.ndarray
    split: np.ndarray
    index: np.ndarray


def _named(**splits: Split) -> _Named:
    """The images of some splits, in this order."""
    sizes = [len(split.labels) for split in splits.values()]
    return _Named(
        Together([split.images for split in splits.values()]),
        np.concatenate([split.labels for split in splits.values()]).astype(np.int64),
        np.repeat(np.array(list(splits), object), sizes),
        np.concatenate([np.arange(size) for size in sizes]),
    )


# ---------------------------------------------------------------- labels of training images


def of_training(run: Run, splits: Splits, place: Path) -> None:
    """Draw the part on training and validation images. place: where what is found about them is kept."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            "Training and validation labels that are contradicted by networks which have **not** learned them.",
            width="stretch",
        )
        which, config, folds = _asked(run)
    if which == _SHIPPED:
        _by_soft_labels(run, splits)
        return
    if config is None:
        return
    path = cross_validation.folder(place, config, folds)
    progress = cross_validation.read(path)
    if progress.active:
        fragments.fragment(_follow, run_every=_TICK)(path)
        return
    if progress.state != "finished":
        _begin(run, splits, place, config, folds, progress)
        return
    whole = _training_images(str(place), splits)
    suspects = _out_of_fold(str(path), whole.labels, len(run.config.data.card.class_names))
    if suspects is None:
        st.error("What was kept of the folds is damaged. Delete it, and start again.", icon=":material/broken_image:")
        st.code(str(path), language=None)
        return
    _count(suspects, f"{len(whole.labels):,} images")
    _listed(run, suspects, whole, "training")
    st.caption(
        f"{folds} networks ({_words(run, config)}), each trained on all folds but one and asked about that one. "
        f"{_ORDER}",
        width=shell.TEXT_WIDTH,
    )


def _by_soft_labels(run: Run, splits: Splits) -> None:
    """The suspects of predictions that need no training here, of the training images alone."""
    with shell.show_errors():
        labels = np.asarray(splits.train.labels)
        suspects = label_errors.out_of_fold(soft_labels.out_of_fold()[: len(labels)], labels)
        _count(suspects, f"{len(labels):,} training images")
        _listed(run, suspects, _named(train=splits.train), "training")
        st.caption(
            "Predicted by the soft labels that come with the program: means of several networks, each trained on some "
            "of the images and asked about others. Settings lets networks of your own judge, validation images too. "
            f"{_ORDER}",
            width=shell.TEXT_WIDTH,
        )


def _asked(run: Run) -> tuple[str, RunConfig | None, int]:
    """By which networks; and the settings of their cross-validation, None where there are none. In the link, too."""
    data = run.config.data
    shipped = [_SHIPPED] * (not data.classes and data.card.name == FASHION_MNIST.name)
    with st.popover("Settings", icon=":material/tune:"):
        which = links.choice("dataset-network", "Network", (*shipped, _FAST, _OWN))
        if which == _SHIPPED:
            st.caption("Nothing has to be trained for these. The other two train networks on this machine.")
            return which, None, 0
        preset = presets()["fast"] if which == _FAST else run.config
        folds = links.number("dataset-folds", "Folds", cross_validation.FEWEST, cross_validation.MOST, 3)
        epochs = links.number("dataset-epochs", "Epochs", 1, 50, 3)
        st.caption(
            "More folds leave more images to learn from, and each costs another training. Images that a run mixes "
            "in are left out."
        )
    mine = run.config.data
    own = {name: getattr(mine, name) for name in ("dataset", "classes", "image_size", "channels", "limit")}
    varied = preset.data.model_dump() if mine.card.reading == "garment" and not mine.card.own else {}
    varied |= dict.fromkeys(not_for(mine.card), 0.0)
    kept: dict[str, dict] = {"transfer": {}} if which == _FAST else {}
    try:  # the preset must fit images of this size
        config = RunConfig(**{**preset.model_dump(), **kept, "data": {**varied, **own}})
    except ValueError as error:
        st.error(shell.plain(explain(error)), icon=":material/error:")
        return which, None, folds
    return which, cross_validation.settings(config, epochs), folds


def _words(run: Run, config: RunConfig) -> str:
    fast = config.layers == presets()["fast"].layers
    network = "the Fast preset" if fast else f"the layers of {shell.plain(run.name)}"
    return f"{network}, {counted(config.training.epochs, 'epoch')}"


def _begin(
    run: Run, splits: Splits, place: Path, config: RunConfig, folds: int, progress: cross_validation.Progress
) -> None:
    """What a cross-validation does, how long it takes, and the button that starts it or goes on."""
    count = len(splits.train.labels) + len(splits.validation.labels)
    if progress.state in ("failed", "interrupted"):
        st.error(f"The cross-validation ended early. {shell.plain(progress.message)}", icon=":material/error:")
    with st.container(border=True):
        if progress.finished:
            st.markdown(f"Stopped: {progress.finished} of {folds} folds are done and kept.")
        else:
            if count < _FEW * len(run.config.data.card.class_names):
                st.warning(
                    f"With {count:,} images for {len(run.config.data.card.class_names)} classes the networks learn "
                    "little, and what they suspect is mostly their own mistake. Add images first.",
                    icon=":material/photo_library:",
                )
            st.markdown(
                f"**Which labels may be wrong?** The {count:,} training and validation images are divided into {folds} "
                f"folds. For each fold a new network ({_words(run, config)}) learns all the others and then predicts "
                "this one: no image is judged by a network that has learned its label. Where it predicts another class "
                "with confidence, the label is suspect. It runs in the background, and the result is kept for every "
                "run on these images.",
                width=shell.TEXT_WIDTH,
            )
        all_images = config.data.model_copy(update={"limit": config.data.limit or len(splits.train.labels)})
        training = estimates.estimate(config.model_copy(update={"data": all_images}), shell.listed())
        fraction = count * (1 - 1 / folds) / max(1, len(splits.train.labels))
        seconds = training.seconds * (folds - progress.finished) * fraction
        st.caption(f"Takes about {duration(seconds)}. A training of this network: {time_needed.source(training)}")
        if st.button(
            "Resume" if progress.finished else "Find suspects",
            icon=":material/play_arrow:",
            type="primary",
            key="start_folds",
        ):
            with shell.show_errors():
                cross_validation.start(place, config, folds)
                st.rerun()


def _follow(path: Path) -> None:
    """What moves while the networks are trained. Its end redraws the page."""
    progress = cross_validation.read(path)
    measured.follow(progress, path, key="stop_folds")


@st.cache_resource(max_entries=4, show_spinner=False)
def _out_of_fold(path: str, _labels: np.ndarray, classes: int) -> Suspects | None:
    probabilities = cross_validation.probabilities(Path(path), len(_labels), classes)
    return None if probabilities is None else label_errors.out_of_fold(probabilities, _labels)


@st.cache_resource(max_entries=2, show_spinner=False)
def _training_images(place: str, _splits: Splits) -> _Named:
    return _named(train=_splits.train, validation=_splits.validation)


# ---------------------------------------------------------------- labels of test images


def of_test(run: Run, splits: Splits) -> None:
    """Draw the part on test images."""
    known, unknown = _networks(run, splits.test)
    st.markdown(
        "Test labels that are contradicted by several networks. None of them has learned these images.",
        width=shell.TEXT_WIDTH,
    )
    _measure_others(unknown, len(known))
    if len(known) < 2:
        st.info("At least two networks must have predicted the test images.", icon=":material/groups:")
        return
    suspects = label_errors.agreement([found for _, found in known])
    needed = f"At least {AGREEING} of {len(known)}" if len(known) > AGREEING else f"All {len(known)}"
    agree = f"{needed} networks predict the same other class, and more than predict the label. "
    _count(suspects, f"{len(splits.test.labels):,} images", agree)
    _listed(run, suspects, _named(test=splits.test), "test")
    st.caption(
        f"Networks: {', '.join(shell.plain(one.name) for one, _ in known)}. The order is by the normalised margin of "
        "their mean probabilities: that of the label less the highest of the others.",
        width=shell.TEXT_WIDTH,
    )


def _networks(run: Run, test: Split) -> tuple[list[tuple[Run, Predictions]], list[Run]]:
    """The runs that have predicted these test images, and those that have not yet; of equal configurations, one."""
    labels = np.asarray(test.labels)
    known: dict[str, tuple[Run, Predictions]] = {}
    unknown: dict[str, Run] = {}
    for one in shell.listed():
        if not one.has_model or one.problem or one.active or not _same_dataset(one, run):
            continue
        what = one.config.model_dump_json(exclude={"preset", "resources"})
        found = measured.kept(one, "test")
        if found is None:
            unknown.setdefault(what, one)
        elif np.array_equal(found.labels, labels):
            known.setdefault(what, (one, found))
    return list(known.values()), [one for what, one in unknown.items() if what not in known]


def _same_dataset(one: Run, other: Run) -> bool:
    """Whether the test images are the same, in whatever size."""
    cards = [run.config.data.card for run in (one, other)]
    return len({(card.name, card.class_names) for card in cards}) == 1


def _measure_others(unknown: list[Run], known: int) -> None:
    """Offer to let the other networks predict, too."""
    name = f"agreement-{[one.network_key for one in unknown]}"
    if not unknown:
        return
    if background_work.is_running(name):
        background_work.follow(name, f"Predicting the test images with {counted(len(unknown), 'network')}")
        return
    if problem := background_work.problem(name):
        st.error(shell.plain(problem), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{counted(known, 'network')} on this dataset {'has' if known == 1 else 'have'} predicted the test images, "
            f"{len(unknown)} not yet.",
            width="stretch",
        )
        st.button(
            "Measure the other networks",
            icon=":material/play_arrow:",
            key="measure_others",
            type="primary" if known < 2 else "secondary",
            on_click=background_work.begin,
            args=(name, lambda: _predicting(unknown)),
        )


def _predicting(unknown: list[Run]) -> Generator[float, None, bool]:
    preload.tensorflow()
    for place, one in enumerate(unknown):
        steps = predictions.measuring_run(one, "test")
        with suppress(StopIteration):
            while True:
                yield (place + next(steps)) / len(unknown)
    return True


# ---------------------------------------------------------------- a list of suspects


def _count(suspects: Suspects, images: str, how: str = "") -> None:
    """How many there are among so many images, how they were found, and what they are not."""
    st.markdown(
        f"**{counted(len(suspects), 'suspect')}** among {images}, the clearest first. {how}{_SUSPECTS}",
        width=shell.TEXT_WIDTH,
    )


def _listed(run: Run, suspects: Suspects, images: _Named, key: str) -> None:
    """Filters, gallery, the opened image and the table.

    Args:
        run: whose network explains an image. suspects: places among the images.
        images: all that were looked at. key: of the list, within the names of its controls.
    """
    fragments.fragment(_list)(run, suspects, images, key)


def _list(run: Run, suspects: Suspects, images: _Named, key: str) -> None:
    names = run.config.data.card.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for what, label in (("given", "Given label"), ("suggested", "Suggested label")):
            wanted = links.menu(f"dataset-{key}-{what}", label, (_ANY, *names), width=160)
            if wanted != _ANY:
                suspects = suspects.only(getattr(suspects, what) == names.index(wanted))
        table = _as_table(suspects, names, images)
        if len(suspects):
            csv.download(partial(csv.to_csv, table), f"label-suspects-{key}.csv", key=f"{key}_suspects_csv")
    if not len(suspects):
        st.info("No image is like that.", icon=":material/check_circle:")
        return
    kept = st.session_state.get(state.OPENED_SUSPECT)
    opened = kept[1] if kept and kept[0] == key and kept[1] in suspects.index else int(suspects.index[0])
    shown, details = st.columns([6, 4], gap="large")
    with shown:
        said = zip(table["split"], table["index"], table["given label"], table["suggested label"], strict=True)
        gallery.show(
            images.images,
            suspects.index.tolist(),
            [f"{split} {number}: {given}, suggested {suggested}" for split, number, given, suggested in said],
            f"dataset-{key}-page",
            f"{len(suspects)} images whose label is suspected.",
            opened=opened,
            on_open=lambda place: st.session_state.update({state.OPENED_SUSPECT: (key, place)}),
        )
        st.caption(f"{counted(len(suspects), 'image')}. Point at one to read both labels; click it to see it large.")
    with details:
        row = int(np.flatnonzero(suspects.index == opened)[0])
        _details(run, table.iloc[row], images, opened)
    st.dataframe(
        table,
        hide_index=True,
        key=f"dataset-{key}-table",
        height=300,
        column_config={
            name: st.column_config.NumberColumn(format="percent")
            for name in ("confidence in suggested", "confidence in given")
        },
    )


def _as_table(suspects: Suspects, names: Sequence[str], images: _Named) -> pd.DataFrame:
    """A row for each suspect, with the reason in words."""
    words = np.array(names, object)
    return pd.DataFrame(
        {
            "split": images.split[suspects.index],
            "index": images.index[suspects.index],
            "given label": words[suspects.given],
            "suggested label": words[suspects.suggested],
            "confidence in suggested": suspects.confidence.round(4),
            "confidence in given": suspects.self_confidence.round(4),
            "margin": suspects.margin.round(4),
            "reason": [_reason(suspects, row, names) for row in range(len(suspects))],
        }
    )


def _reason(suspects: Suspects, row: int, names: Sequence[str]) -> str:
    """ "3 networks agree on Coat, mean confidence 97%"."""
    suggested, confidence = names[suspects.suggested[row]], _percent(suspects.confidence[row])
    if suspects.networks == 1:
        own = f"{names[suspects.given[row]]} {_percent(suspects.self_confidence[row])}"
        return f"A network that has not learned it predicts {suggested} {confidence}, {own}"
    return f"{suspects.agreeing[row]} networks agree on {suggested}, mean confidence {confidence}"


def _percent(probability: float) -> str:
    """In whole per cent; never 0% or 100%, of which no network is."""
    return "over 99%" if probability >= 0.995 else "under 1%" if probability < 0.005 else f"{probability:.0%}"


def _details(run: Run, row: pd.Series, images: _Named, place: int) -> None:
    image = images.images[place]
    with st.container(border=True, horizontal=True, gap="medium"):
        factor = max(1, 2 * _LARGE // max(image.shape[:2]))  # enough pixels that each stays a square
        st.image(
            pictures.magnified(image, factor),
            alt=f"The {row['split']} image {row['index']}, labelled {row['given label']}.",
            width=gallery.width_within(image, _LARGE),
        )
        with st.container(width="stretch", gap="xsmall"):
            st.markdown(f"**{row['split'].capitalize()} image {row['index']:,}**")
            st.markdown(f"Given label: {shell.plain(row['given label'])}")
            st.markdown(f"Suggested: :red[{shell.plain(row['suggested label'])}]")
            st.caption(shell.plain(row["reason"]) + ".")
            if row["split"] != "train":
                explain_link(run, row["split"], images.labels[images.split == row["split"]], int(row["index"]))
