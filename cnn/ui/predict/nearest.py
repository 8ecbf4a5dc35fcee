"""Why the network predicts so: the training examples most like an image in the network's own features."""

from collections import Counter

import numpy as np
import streamlit as st
from PIL import Image

from cnn import data
from cnn.evaluation.examples import read_reference
from cnn.evaluation.out_of_distribution import Reference, nearest
from cnn.networks.predictor import Predictor
from cnn.ui import shell
from cnn.ui.predict.pictures import Picture, fitted

_NEAREST = 8
_EDGE = 84  # screen pixels


def show(picture: Picture, predictor: Predictor) -> None:
    """The nearest training examples in the network's own features."""
    place = st.expander(
        "Nearest training examples",
        icon=":material/image_search:",
        key="predict-nearest",
        on_change="rerun",
        bind="query-params",
    )
    if not place.open:
        return
    kept = _reference(*predictor.run.network_key, predictor)
    with place:
        if kept is None:
            st.caption("This run has no training examples to compare with. Runs that finish from now on keep some.")
            return
        reference, features = kept
        mine = predictor.features(picture.seen.pixels[None])[0]
        best, similarity = nearest(mine, features, _NEAREST)
        called = predictor.card.class_names
        names = Counter(shell.plain(called[label]) for label in reference.labels[best])
        st.caption(
            f"The {len(best)} of {len(reference.labels):,} training examples with the most similar features (the "
            f"{features.shape[1]} inputs of the last layer): "
            f"{', '.join(f'{count} {name}' for name, count in names.most_common())}. The number is the cosine "
            "similarity; 1 is the same direction."
        )
        with st.grid("auto", min_column_width=_EDGE, gap="small"):
            for index, value in zip(best, similarity, strict=True):
                name = called[reference.labels[index]]
                with st.container(gap="xsmall"):
                    shown = fitted(Image.fromarray(reference.images[index]), _EDGE)
                    st.image(shown, alt=f"A training example of class {name}, cosine similarity {value:.2f}.")
                    st.caption(f"{shell.plain(name)} {value:.2f}")


@st.cache_resource(max_entries=4, show_spinner="Searching the training examples…")
def _reference(path: str, written: int, _predictor: Predictor) -> tuple[Reference, np.ndarray] | None:
    """The training examples kept with the run, and their features (n, f)."""
    reference = read_reference(_predictor.run)
    if reference is None:
        return None
    if reference.features is not None:
        return reference, reference.features.astype(np.float32)
    starts = range(0, len(reference.labels), 250)
    batches = [_predictor.features(data.scaled(reference.images[start : start + 250])) for start in starts]
    return reference, np.concatenate(batches)
