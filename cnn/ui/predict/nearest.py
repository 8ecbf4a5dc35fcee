"""Why the network says so: the training pictures most like a picture, and whether it knows any like it."""

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


def warn(picture: Picture, predictor: Predictor) -> None:
    """Say so, where the network has learned nothing like this picture."""
    threshold = predictor.threshold
    if threshold is None:
        return
    found = predictor.energy((picture.chosen,) if picture.chosen else picture.readings)
    if found < threshold:
        st.warning(
            "**Unlike anything it was trained on.** The answer below is the least wrong of ten classes, not a "
            f"recognition. (Familiarity {found:.1f}; of the dataset's garments that it had never seen, 98% reach "
            f"{threshold:.1f}.)",
            icon=":material/help:",
        )


def show(picture: Picture, predictor: Predictor) -> None:
    """The nearest training pictures in the network's own features."""
    kept = _reference(*predictor.run.network_key, predictor)
    with st.expander("Nearest training pictures", icon=":material/image_search:"):
        if kept is None:
            st.caption("This run kept no training pictures to compare with: runs that finish from now on do.")
            return
        reference, features = kept
        mine = predictor.features(picture.seen.pixels[None])[0]
        best, similarity = nearest(mine, features, _NEAREST)
        names = Counter(CLASS_NAMES[label] for label in reference.labels[best])
        st.caption(
            f"Of {len(reference.labels):,} training pictures, those whose features (the {features.shape[1]} numbers "
            "that the last layer decides by) point most nearly the same way: "
            f"{', '.join(f'{count} {name}' for name, count in names.most_common())}. 1 is the same direction."
        )
        with st.grid("auto", min_column_width=28 * _FACTOR, gap="small"):
            for index, value in zip(best, similarity, strict=True):
                name = CLASS_NAMES[reference.labels[index]]
                with st.container(gap="xsmall"):
                    large = magnified(reference.images[index], _FACTOR)
                    st.image(large, alt=f"A training picture of class {name}, cosine similarity {value:.2f}.")
                    st.caption(f"{name} {value:.2f}")


@st.cache_resource(max_entries=4, show_spinner="Looking at training pictures…")
def _reference(path: str, written: int, _predictor: Predictor) -> tuple[Reference, np.ndarray] | None:
    """The training pictures kept with the run, and their features (n, f)."""
    reference = read_reference(_predictor.run)
    if reference is None:
        return None
    pixels = reference.images[..., None].astype(np.float32) / 255
    batches = [_predictor.features(pixels[start : start + 250]) for start in range(0, len(pixels), 250)]
    return reference, np.concatenate(batches)
