"""Images of a dataset that are there twice, or nearly: how many, where, with which labels, and what they change."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from cnn.config import counted
from cnn.data import Splits
from cnn.evaluation import dataset_findings, duplicates, scores
from cnn.evaluation.duplicates import SPLITS, Everything, Pairs
from cnn.runs import Run
from cnn.ui import background_work, csv, fragments, links, shell
from cnn.ui.evaluate import gallery, measured
from cnn.ui.predict import pictures

_THUMB = 84  # screen pixels of one of a pair
_PAGE = 24  # pairs
_TRAIN, _VALIDATION, _TEST = range(len(SPLITS))
_KINDS = {  # by the splits of both, int (m,) each; the first comes before the second
    "All": lambda one, two: one >= 0,
    "Train and test": lambda one, two: (one == _TRAIN) & (two == _TEST),
    "Validation and others": lambda one, two: (one != two) & ((one == _VALIDATION) | (two == _VALIDATION)),
    "Within a split": lambda one, two: one == two,
}


def show(run: Run, splits: Splits, place: Path) -> None:
    """Draw the part. place: where what is found about these images is kept."""
    of = _everything(str(place), splits)
    name = f"duplicates-{place.name}"
    pairs = background_work.result(name) or dataset_findings.kept_pairs(place, duplicates.SEARCHED)
    if pairs is None:
        _search(name, of, place)
        return
    near = links.slider(
        "dataset-near",
        "Distance below (grey levels)",
        1.0,
        duplicates.SEARCHED,
        duplicates.NEAR,
        step=0.5,
        width=320,
        help="The root mean square of the differences of two images' pixels, from 0, the same pixels, to 255. The "
        "second image may be mirrored.",
    )
    if of.reduced:
        size = "×".join(str(edge) for edge in of.images.shape[1:3])
        st.caption(f"The images are compared in {size} pixels, so that small differences do not count.")
    if pairs.count > len(pairs):
        st.caption(f"{pairs.count:,} pairs are close; the closest {len(pairs):,} are listed.")
    pairs = pairs.within(near)
    _counted(pairs, of)
    _twins(run, pairs, of)
    fragments.fragment(_pairs)(run, pairs, of)


@st.cache_resource(max_entries=2, show_spinner=False)
def _everything(place: str, _splits: Splits) -> Everything:
    return duplicates.everything(_splits)


def _search(name: str, of: Everything, place: Path) -> None:
    """Progress, or what the search does and the button that begins it."""
    if background_work.is_running(name):
        background_work.follow(
            name,
            f"Comparing {len(of.labels):,} images with one another",
            lambda found: dataset_findings.keep_pairs(place, found, duplicates.SEARCHED),
        )
        return
    with st.container(border=True):
        st.markdown(
            f"**Which images are there twice?** All {len(of.labels):,} images are compared with one another, also "
            "mirrored: a test image whose twin is among the training images tests nothing. The result is kept for "
            "every run on these images.",
            width=shell.TEXT_WIDTH,
        )
        st.button(
            "Compare all images",
            icon=":material/play_arrow:",
            type="primary",
            key="find_duplicates",
            on_click=background_work.begin,
            args=(name, lambda: duplicates.finding(of.images)),
        )


def _counted(pairs: Pairs, of: Everything) -> None:
    """How many pairs there are, by kind."""
    rows = [
        {
            "pairs": f"within {one}" if one == two else f"{one} and {two}",
            "same pixels": counts.exact,
            "nearly the same": counts.near,
            "of these, with different labels": counts.other_label,
        }
        for (one, two), counts in duplicates.counts(pairs, of).items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="duplicate_counts", width=640)


def _twins(run: Run, pairs: Pairs, of: Everything) -> None:
    """What the duplicates across splits do to this run's accuracy."""
    exact, near = duplicates.twins(pairs, of, exact=True), duplicates.twins(pairs, of)
    text = (
        f"**{_have(len(exact), 'test image')}** a twin of the same pixels among the training or validation images. "
        f"**{_have(len(near) - len(exact), 'other')}** one that is nearly the same."
    )
    found = measured.kept(run, "test")
    if len(near) and found is not None and len(found) == int((of.split == _TEST).sum()):
        have = np.zeros(len(found), bool)
        have[near] = True
        text += (
            f" {shell.plain(run.name)} is right for {_rate(found.right[have])} of those with a twin and for "
            f"{_rate(found.right[~have])} of the others."
        )
    st.markdown(text, width=shell.TEXT_WIDTH)


def _have(count: int, noun: str) -> str:
    """ "No test image has", "2 test images have"."""
    subject = counted(count, noun) if count else f"No {noun}"
    return f"{subject} {'have' if count > 1 else 'has'}"


def _rate(right: np.ndarray) -> str:
    if not len(right):
        return "none"
    low, high = scores.interval(int(right.sum()), len(right))
    return f"{right.mean():.1%} ({low:.1%} to {high:.1%}, {counted(len(right), 'image')})"


def _pairs(run: Run, pairs: Pairs, of: Everything) -> None:
    """The pairs side by side, the closest first."""
    names = run.config.data.card.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = links.choice("dataset-pairs", "Pairs", list(_KINDS))
        one, two = of.split[pairs.first], of.split[pairs.second]
        chosen = _KINDS[kind](one, two)
        if links.switch("dataset-differ", "Different labels only"):
            chosen &= of.labels[pairs.first] != of.labels[pairs.second]
        pairs = pairs.only(chosen)
        if len(pairs):
            table = _pairs_table(pairs, of, names)
            csv.download(partial(csv.to_csv, table), "duplicates.csv", key="duplicates_csv")
    if not len(pairs):
        st.info("No pair is like that.", icon=":material/check_circle:")
        return
    first = 0
    if (pages := -(-len(pairs) // _PAGE)) > 1:
        first = (links.number("dataset-pairs-page", f"Page (of {pages})", 1, pages, width=140) - 1) * _PAGE
    st.caption(f"{counted(len(pairs), 'pair')}, the closest first.")
    with st.grid("auto", min_column_width=2 * _THUMB + 40, gap="small"):
        for row in range(first, min(first + _PAGE, len(pairs))):
            _pair(pairs, row, of, names)


def _pair(pairs: Pairs, row: int, of: Everything, names: Sequence[str]) -> None:
    both = (int(pairs.first[row]), int(pairs.second[row]))
    said = [f"{SPLITS[of.split[place]]} {of.index[place]:,}" for place in both]
    labels = [shell.plain(names[of.labels[place]]) for place in both]
    tiles = gallery.thumbnails(of.images[list(both)])
    factor = max(1, _THUMB // max(tiles.shape[1:3]))
    gap = np.full((tiles.shape[1] * factor, 6, 3), 128, np.uint8)
    left, right = (pictures.magnified(tile, factor) for tile in tiles)
    with st.container(border=True, gap="xsmall"):
        st.image(np.concatenate([left, gap, right], axis=1), alt=f"{said[0]} beside {said[1]}.")
        st.markdown(f":small[{said[0]} · {said[1]}]")
        label = labels[0] if labels[0] == labels[1] else f":red[{labels[0]} or {labels[1]}?]"
        distance = "same pixels" if pairs.exact[row] else f"distance {pairs.distance[row]:.1f}"
        st.markdown(f":small[{label} · {distance}{', mirrored' if pairs.mirrored[row] else ''}]")


def _pairs_table(pairs: Pairs, of: Everything, names: Sequence[str]) -> pd.DataFrame:
    columns: dict[str, np.ndarray | list] = {}
    for which, places in (("first", pairs.first), ("second", pairs.second)):
        columns[f"{which} split"] = np.array(SPLITS, object)[of.split[places]]
        columns[f"{which} index"] = of.index[places]
        columns[f"{which} label"] = np.array(names, object)[of.labels[places]]
    return pd.DataFrame({**columns, "distance": pairs.distance.round(3), "mirrored": pairs.mirrored})
