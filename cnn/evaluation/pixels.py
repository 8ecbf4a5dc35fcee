"""What tells a split's images apart by their pixels, worked out once for as long as they are in use.

Images may lie on disk and be more than fit into memory: they are read a few at a time. Knows no network.
"""

import hashlib
import weakref
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

import numpy as np

_T = TypeVar("_T")
_LARGE = 2**20  # bytes, from which on a result is remembered
_AT_ONCE = 256  # images that are read
_known: dict[tuple[str, int], tuple[weakref.ref, Any]] = {}
_lock = Lock()


def digest(images: np.ndarray) -> str:
    """A SHA-256 of the shape and all pixels of a split's images, uint8 (n, ...), in hexadecimal."""
    return once("digest", images, _digest)


def once(what: str, images: np.ndarray, compute: Callable[[np.ndarray], _T]) -> _T:
    """What is computed of a split's images, the same for the same array: nobody changes it while it is in use.

    Args:
        what: the name of the result. images: uint8 (n, ...).
    """
    if images.nbytes < _LARGE:
        return compute(images)
    place = what, id(images)
    with _lock:
        reference, found = _known.get(place, (None, None))
    if reference is not None and reference() is images:
        return found
    found = compute(images)
    with _lock:
        _known[place] = weakref.ref(images, lambda _: _known.pop(place, None)), found
    return found


def _digest(images: np.ndarray) -> str:
    found = hashlib.sha256(repr(images.shape).encode())
    for start in range(0, len(images), _AT_ONCE):
        found.update(np.ascontiguousarray(images[start : start + _AT_ONCE]).data)
    return found.hexdigest()
