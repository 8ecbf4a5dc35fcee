"""Why the network predicts so: the training examples most like an image in the network's own features."""

from collections import Counter

import numpy as np
import streamlit as st

from cnn.config import CLASS_NAMES
from cnn.evaluation.examples import read_reference
from cnn.evaluation.out_of_distribution import Reference, nearest
from cnn.networks.predictor import Predictor
from cnn.ui.predict.pictures import Picture, magnified

_NEAREST = 8
_FACTOR = 3  # screen pixels for each of the network's


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
        names = Counter(CLASS_NAMES[label] for label in reference.labels[best])
        st.caption(
            f"The {_NEAREST} of {len(reference.labels):,} training examples with the most similar features (the "
            f"{features.shape[1]} inputs of the last layer): "
            f"{', '.join(f'{count} {name}' for name, count in names.most_common())}. The number is the cosine "
            "similarity; 1 is the same direction."
        )
        with st.grid("auto", min_column_width=28 * _FACTOR, gap="small"):
            for index, value in zip(best, similarity, strict=True):
                name = CLASS_NAMES[reference.labels[index]]
                with st.container(gap="xsmall"):
                    large = magnified(reference.images[index], _FACTOR)
                    st.image(large, alt=f"A training example of class {name}, cosine similarity {value:.2f}.")
                    st.caption(f"{name} {value:.2f}")


@st.cache_resource(max_entries=4, show_spinner="Searching the training examples…")
def _reference(path: str, written: int, _predictor: Predictor) -> tuple[Reference, np.ndarray] | None:
    """The training examples kept with the run, and their features (n, f)."""
    reference = read_reference(_predictor.run)
    if reference is None:
        return None
    pixels = reference.images[..., None].astype(np.float32) / 255
    batches = [_predictor.features(pixels[start : start + 250]) for start in range(0, len(pixels), 250)]
    return reference, np.concatenate(batches)
