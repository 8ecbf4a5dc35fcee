"""What is kept beside a network: never of another one, never half of it, and not of a run that is gone."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnn import runs


def test_what_was_found_of_the_network_before_is_not_kept(own_tiny):
    since = own_tiny.network_key
    runs.require_unchanged(own_tiny, since)
    os.utime(own_tiny.model_path, (1, 1))
    runs.write_found(own_tiny, "something", since, numbers=np.arange(3))
    assert runs.read_found(own_tiny, "something") is None
    with pytest.raises(runs.NetworkChanged, match=f"{own_tiny.name} has trained on meanwhile"):
        runs.require_unchanged(own_tiny, since)


def test_a_deleted_run_gets_no_folder_again(own_tiny):
    shutil.rmtree(own_tiny.path)
    with pytest.raises(OSError):
        runs.keep_file(own_tiny, "exports/network.onnx", b"of a network that is gone")
    runs.write_found(own_tiny, "something", numbers=np.arange(3))
    assert not own_tiny.path.exists()


def test_visitors_who_keep_the_same_at_once_leave_a_whole_file(own_tiny):
    def keep(seed: int) -> list[bool]:
        numbers = np.random.default_rng(seed).random(20_000)
        found = []
        for _ in range(8):
            runs.write_found(own_tiny, "something", numbers=numbers)
            found.append(runs.read_found(own_tiny, "something") is not None)
        return found

    with ThreadPoolExecutor(3) as pool:
        assert all(all(found) for found in pool.map(keep, range(3)))
    assert [file.name for file in (own_tiny.path / "found").glob(".*")] == []


def test_what_a_network_is_shipped_with_is_read_until_it_is_found_again(runs_folder):
    shipped = runs.get(runs.COLOUR_ID)
    found = runs.read_found(shipped, "predictions-test")
    assert set(found) == {"labels", "logits", "penalty"} and len(found["labels"]) == shipped.evaluation["n"]
    runs.write_found(shipped, "predictions-test", labels=np.arange(3))
    assert runs.read_found(shipped, "predictions-test")["labels"].tolist() == [0, 1, 2]
    assert runs.read_found(shipped, "something else") is None
