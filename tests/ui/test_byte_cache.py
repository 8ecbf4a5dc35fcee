"""What visitors share stays within a number of bytes."""

import numpy as np

from cnn.ui.byte_cache import ByteCache


def test_the_longest_unasked_goes_first_and_the_latest_stays():
    cache, made = ByteCache(250), []

    def values(size: int):
        made.append(size)
        return {"values": np.zeros(size, np.uint8)}

    for key in ("a", "b", "a"):
        cache.get(key, lambda: values(100))
    assert made == [100, 100], "what is kept is not computed again"
    cache.get("c", lambda: values(100))  # "b" was not asked for longest
    assert cache.size == 200
    cache.get("a", lambda: values(7))
    cache.get("b", lambda: values(60))
    assert made == [100, 100, 100, 60] and cache.size == 160
    cache.get("large", lambda: values(1000))
    assert cache.size == 1000
