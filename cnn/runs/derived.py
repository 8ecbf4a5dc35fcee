"""What was found out at some length about a run's network, kept beside it until the network changes."""

import contextlib
from pathlib import Path

import numpy as np

from cnn import disk
from cnn.errors import AtelierError
from cnn.runs.directory import root
from cnn.runs.files import write_npz
from cnn.runs.run import Run


class NetworkChanged(AtelierError, RuntimeError):
    """A run's network was written again while something was found out about it."""


def require_unchanged(run: Run, since: tuple[str, int]) -> None:
    """Raises NetworkChanged where a run has another network by now than when its `network_key` was `since`."""
    if run.network_key != since:
        raise NetworkChanged(f"{run.name} has trained on meanwhile: do this again when it is finished.")


def write_found(run: Run, name: str, since: tuple[str, int] | None = None, /, **arrays: np.ndarray) -> None:
    """Keep what was found out about a run's network at some length: in the run, or beside the runs if it is shipped.

    A full disk or a folder that cannot be written is no trouble: it is then found out again.

    Args:
        run: whose network it is. name: of the file, without its ending.
        since: the run's `network_key` before the network was read. Where it is another by now, nothing is kept: a
            training writes the network again after each epoch.
        arrays: what was found.
    """
    with contextlib.suppress(OSError):
        if since is not None and run.network_key != since:
            return
        folder = found_folder(run)
        version = _network_version(run)
        folder.mkdir(parents=True, exist_ok=True)
        write_npz(folder / f"{name}.npz", np.savez_compressed, version=version, **arrays)


def read_found(run: Run, name: str) -> dict[str, np.ndarray] | None:
    """What `write_found` kept; None where there is nothing, it is damaged, or the network has changed since then."""
    found = _arrays(found_folder(run) / f"{name}.npz")
    with contextlib.suppress(OSError):
        if found is not None and np.array_equal(found.pop("version", None), _network_version(run)):
            return found
    # What a network is shipped with belongs to it: nobody writes that network again.
    shipped = _arrays(run.path / "found" / f"{name}.npz") if run.shipped else None
    return {key: array for key, array in shipped.items() if key != "version"} if shipped else None


def _arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a file; None where there is none, or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except Exception:  # zip, deflate and NumPy's format each raise their own kinds
        return None


def keep_file(run: Run, name: str, content: bytes) -> Path:
    """Keep a file of any format beside what `write_found` keeps; what that keeps says to which network it belongs.

    Args:
        run: whose network it was made of.
        name: of the file, with the folder within `found_folder` that it lies in.
        content: replaces what was there, in one step.

    Raises:
        OSError: the run is gone, the disk is full, or the folder cannot be written.
    """
    run.model_path.stat()  # or the folder of a deleted run would be there again
    path = found_folder(run) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    disk.write_bytes(path, content)
    return path


def found_folder(run: Run) -> Path:
    """Where `write_found` and `keep_file` keep their files."""
    return root() / ".found" / run.id if run.shipped else run.path / "found"


def _network_version(run: Run) -> np.ndarray:
    """Another one after each writing of the network."""
    now = run.model_path.stat()
    return np.array([now.st_size, now.st_mtime_ns])
