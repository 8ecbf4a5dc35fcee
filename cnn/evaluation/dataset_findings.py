"""What was found out at some length about the images of a dataset, kept beside the runs and shared by all of them.

    runs/.found/dataset.<name>.<digest>/
      duplicates.npz     pairs that are alike, see `cnn.evaluation.duplicates`
      folds-<digest>/    predictions out of fold, see `cnn.training.cross_validation`

The digest is that of all pixels and labels: whoever changes an image, or trains on fewer, has another folder. Knows no
network.
"""

import contextlib
import hashlib
import re
from pathlib import Path

import numpy as np

from cnn import data, runs
from cnn.config import Data
from cnn.evaluation import pixels
from cnn.evaluation.duplicates import SPLITS, Pairs

_DUPLICATES = "duplicates.npz"


def folder(config: Data, splits: data.Splits) -> Path:
    """Where what is found about these images is kept; it may not be there yet."""
    digest = hashlib.sha256()
    for name in SPLITS:
        split = getattr(splits, name)
        digest.update(pixels.digest(split.images).encode())
        digest.update(repr(split.labels.shape).encode() + np.ascontiguousarray(split.labels).tobytes())
    title = re.sub(r"[^\w-]+", "-", config.card.title)[:40]  # of a folder of your own, anything
    return runs.root() / ".found" / f"dataset.{title}.{digest.hexdigest()[:16]}"


def keep_pairs(place: Path, pairs: Pairs, near: float) -> None:
    """Keep the pairs that are closer than `near`. Where nothing can be written, they are found again the next time."""
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        runs.write_npz(
            place / _DUPLICATES,
            np.savez_compressed,
            first=pairs.first,
            second=pairs.second,
            distance=pairs.distance,
            mirrored=pairs.mirrored,
            count=np.array(pairs.count),
            near=np.array(near),
        )


def kept_pairs(place: Path, near: float) -> Pairs | None:
    """The pairs that were kept, if they were searched for up to the same distance."""
    try:
        with np.load(place / _DUPLICATES, allow_pickle=False) as file:
            if float(file["near"]) != near:
                return None
            first, second, distance, mirrored, count = (
                file[name] for name in ("first", "second", "distance", "mirrored", "count")
            )
            return Pairs(first, second, distance, mirrored, int(count))
    except Exception:  # zip, deflate and NumPy's format each raise their own kinds
        return None
