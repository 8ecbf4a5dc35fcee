"""What was found out at some length about a run's network, kept beside it until the network changes."""

import contextlib
import os
import threading
from pathlib import Path

import numpy as np

from cnn.runs.directory import root
from cnn.runs.files import write_npz
from cnn.runs.run import Run


def write_found(run: Run, name: str, **arrays: np.ndarray) -> None:
    """Keep what was found out about a run's network at some length: in the run, or beside the runs if it is shipped.

    A full disk or a folder that cannot be written is no trouble: it is then found out again.
    """
    with contextlib.suppress(OSError):
        folder = found_folder(run)
        version = _network_version(run)
        folder.mkdir(parents=True, exist_ok=True)
        write_npz(folder / f"{name}.npz", np.savez_compressed, version=version, **arrays)


def read_found(run: Run, name: str) -> dict[str, np.ndarray] | None:
    """What `write_found` kept; None where there is nothing, it is damaged, or the network has changed since then."""
    try:
        with np.load(found_folder(run) / f"{name}.npz", allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
        version = found.pop("version")
        return found if np.array_equal(version, _network_version(run)) else None
    except Exception:  # zip, deflate and NumPy's format each raise their own kinds
        return None


def keep_file(run: Run, name: str, content: bytes) -> Path:
    """Keep a file of any format beside what `write_found` keeps; what that keeps says to which network it belongs.

    Args:
        run: whose network it was made of.
        name: of the file, with the folder within `found_folder` that it lies in.
        content: replaces what was there, in one step.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    path = found_folder(run) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{threading.get_ident()}.{path.name}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def found_folder(run: Run) -> Path:
    """Where `write_found` and `keep_file` keep their files."""
    return root() / ".found" / run.id if run.shipped else run.path / "found"


def _network_version(run: Run) -> np.ndarray:
    """Another one after each writing of the network."""
    now = run.model_path.stat()
    return np.array([now.st_size, now.st_mtime_ns])
