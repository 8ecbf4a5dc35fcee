"""Deleting runs and taking that back: the bin keeps those that were deleted last."""

import shutil

from cnn.runs.directory import ID, check_own, get, gone, read, root
from cnn.runs.run import Run, RunExists, UnknownRun


def delete(*listed: Run) -> list[Run]:
    """Move runs to the bin: all of them, or none. The bin keeps those of the last call, so that `restore` can undo it.

    Returns:
        those that were still there.

    Raises:
        RunExists: one of them is in training, or comes with the project.
        UnknownRun: none of them is there any more.
        OSError: the runs folder cannot be written.
    """
    for run in listed:
        check_own(run)
    here = [run for run in listed if run.path.is_dir()]
    for run in here:
        if read(run.path).active:  # it may have been resumed since `run` was read
            raise RunExists(f"{run.name} is still in training: stop it first. Nothing was deleted.")
    bin_ = root() / ".deleted"
    if here:  # what another window has just deleted stays in the bin
        shutil.rmtree(bin_, ignore_errors=True)
    moved: list[Run] = []
    try:
        for run in here:
            bin_.mkdir(parents=True, exist_ok=True)
            try:
                run.path.replace(bin_ / run.id)
            except FileNotFoundError:
                if run.path.is_dir():
                    raise
                continue
            moved.append(run)
    except OSError:
        for run in moved:
            (bin_ / run.id).replace(run.path)
        raise
    if not moved:
        raise gone(*listed)
    return moved


def is_in_bin(run_id: str) -> bool:
    """Whether `restore` can bring the run back."""
    return bool(ID.fullmatch(run_id)) and (root() / ".deleted" / run_id).is_dir() and not (root() / run_id).exists()


def restore(*ids: str) -> list[Run]:
    """Take runs that were deleted last back from the bin: all of them, or none.

    Raises:
        UnknownRun: one of them is no longer there.
    """
    for run_id in ids:
        if not is_in_bin(run_id):
            raise UnknownRun(f"The run {run_id[:80]!r} is no longer in the bin, or another has taken its place.")
    for run_id in ids:
        try:
            (root() / ".deleted" / run_id).replace(root() / run_id)
        except FileNotFoundError:
            raise UnknownRun(f"The run {run_id!r} is no longer in the bin: another window was faster.") from None
    return [get(run_id) for run_id in ids]
