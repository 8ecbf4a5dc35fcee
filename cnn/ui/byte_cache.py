"""Results that visitors share, kept as long as they are small together: of large networks fewer than of small ones."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock

import numpy as np

Arrays = Mapping[str, np.ndarray]


class ByteCache:
    """Arrays by key; what was not asked for longest goes first.

    Args:
        most: bytes of all together; the latest entry stays whatever its size.
    """

    def __init__(self, most: int):
        self._most = most
        self._kept: OrderedDict[Hashable, Arrays] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, compute: Callable[[], Arrays]) -> Arrays:
        """What is kept under a key, else what is computed now."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = compute()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > 1 and self.size > self._most:
                self._kept.popitem(last=False)
        return found

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        return sum(array.nbytes for arrays in self._kept.values() for array in arrays.values())
