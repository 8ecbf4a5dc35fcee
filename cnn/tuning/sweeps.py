"""Sweeps: many runs of one configuration that differ in one to three settings, and what became of them.

    runs/.sweeps/20261122-101530/
      sweep.json       the SweepConfig; written once, never changed
      status.json      as of a run: state, process, seconds spent
      trials.json      every trial so far: its values, its run, its curve; and how much each setting mattered
      journal.log      Optuna's own storage
      stop             exists once somebody has asked the sweep to stop
      log.txt          what its process printed

Each trial is an ordinary run in the runs folder. A process of its own, `cnn.sweep`, makes the runs, gives them to the
launcher and follows their metrics; what is here makes, starts, stops and reads sweeps. Trials are compared by their
accuracy on the validation images, never on the test images. Nothing here imports Optuna, TensorFlow or Streamlit.
"""

import contextlib
import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from filelock import FileLock, Timeout
from pydantic import (
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cnn import runs
from cnn.config import explain, versions
from cnn.errors import AtelierError
from cnn.runs import Run, Status, launchers
from cnn.tuning.hyperparameters import path_label, uncapitalised
from cnn.tuning.sweep_config import SweepConfig
from cnn.tuning.trials import Trial, TrialState

State = Literal["queued", "searching", "finished", "stopped", "failed", "interrupted"]
RESUMABLE: tuple[State, ...] = ("stopped", "failed", "interrupted")

_ID = re.compile(r"[0-9]{8}-[0-9]{6}(-[0-9]{1,3})?")


class UnknownSweep(AtelierError, LookupError):
    """No sweep has this id, or the id is not one that a sweep can have."""


class SweepBusy(AtelierError, RuntimeError):
    """What was asked for is not possible in the state that the sweep is in; the message says what to do."""


@dataclass(frozen=True)
class Sweep:
    """A sweep as it was when it was read.

    config: None where its folder is damaged; `message` then says how. trials: those so far, in the order in which they
    were made; of a grid all of them. importance: share of each setting, by its path, in how much the accuracy differed;
    empty until it is known. progress: share that is done, in [0, 1]. seconds: how long it has been going, over all
    sessions. seconds_left: None until it is known, and where it is not going.
    """

    id: str
    path: Path
    name: str
    state: State
    message: str = ""
    config: SweepConfig | None = None
    created: datetime | None = None  # local time
    trials: tuple[Trial, ...] = ()
    importance: dict[str, float] = field(default_factory=dict)
    progress: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None
    stop_requested: bool = False

    @property
    def active(self) -> bool:
        """Whether its process is there, or about to be."""
        return self.state in ("queued", "searching")

    @property
    def resumable(self) -> bool:
        return self.config is not None and self.state in RESUMABLE

    @property
    def tag(self) -> str:
        return self.config.tag if self.config else ""


def best(sweep: Sweep) -> Trial | None:
    """The trial of the highest accuracy on the validation images, the earlier of two; None before the first epoch."""
    measured = [trial for trial in sweep.trials if trial.accuracy is not None]
    return max(measured, key=lambda trial: trial.accuracy, default=None)


def root() -> Path:
    """The folder that holds the sweeps; it cannot be taken for a run."""
    return runs.root() / ".sweeps"


def get(sweep_id: str) -> Sweep:
    """Read one sweep by its id.

    Raises:
        UnknownSweep: there is none, or the text is not an id. An id can never name a place outside the folder.
    """
    found = read(root() / sweep_id) if _ID.fullmatch(sweep_id) else None
    if found is None:
        raise UnknownSweep(f"There is no sweep {sweep_id[:80]!r}: it was deleted, or the link is wrong.")
    return found


def all_sweeps() -> list[Sweep]:
    """Every sweep, newest first."""
    paths = sorted((path for path in root().glob("*/") if _ID.fullmatch(path.name)), reverse=True)
    return [sweep for path in paths if (sweep := read(path)) is not None]


def read(path: Path) -> Sweep | None:
    """A sweep as it stands; None if it is no longer there. Never raises for what is in its folder, and is quick."""
    if not path.is_dir():
        return None
    sweep = Sweep(path.name, path, path.name, "failed", created=runs.stamp(path.name))
    try:
        config = _config((path / "sweep.json").read_bytes())
        sweep = replace(sweep, config=config, name=config.name or path.name)
        stored, importance = _stored(path)
    except FileNotFoundError:
        return replace(sweep, message="It has no sweep.json.")
    except (runs.NotText, ValidationError) as error:
        return replace(sweep, config=None, message=f"It was not written by this program: {explain(error)}")
    except OSError as error:
        return replace(sweep, config=None, message=f"It cannot be read: {error.strerror}.")
    status = stored_status(path)
    folder = runs.root()
    trials = [*(_as_it_stands(trial, folder) for trial in stored), *_to_come(config, stored)]
    done = sum(1.0 if trial.ended else _share(trial, config) for trial in trials)
    sweep = replace(
        sweep,
        state=_STATES.get(status.state, "failed"),
        message=status.message,
        trials=tuple(trials),
        importance=importance,
        progress=min(done / config.planned, 1.0),
        seconds=status.seconds,
        stop_requested=(path / "stop").exists(),
    )
    if sweep.active and not runs.is_alive(status):
        sweep = replace(sweep, state="interrupted", message=_GONE)
    if sweep.state == "finished":
        return replace(sweep, progress=1.0)
    if sweep.state == "searching" and done >= 0.1:
        sweep = replace(sweep, seconds_left=max(status.seconds / done * (config.planned - done), 0.0))
    return sweep


_STATES: dict[str, State] = {
    "queued": "queued",
    "starting": "queued",
    "training": "searching",
    "finished": "finished",
    "stopped": "stopped",
}
_GONE = (
    "Its process is gone: killed, or the computer was switched off. What it had started to train goes on by itself "
    "where it can; Resume picks it up."
)


@lru_cache(maxsize=256)
def _config(content: bytes) -> SweepConfig:
    """Checking a grid takes a while, and a page reads once a second."""
    return SweepConfig.model_validate_json(runs.decoded(content))


@pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class _Stored:
    trials: tuple[Trial, ...] = ()
    importance: dict[str, Annotated[float, Field(ge=0)]] = field(default_factory=dict)


_STORED = TypeAdapter(_Stored)


def _stored(path: Path) -> tuple[tuple[Trial, ...], dict[str, float]]:
    try:
        content = (path / "trials.json").read_bytes()
    except FileNotFoundError:
        return (), {}
    stored = _STORED.validate_json(versions.renamed_paths(content))
    return stored.trials, dict(stored.importance)


def stored_trials(path: Path) -> list[Trial]:
    """The trials as the sweeper wrote them down last. For the sweeper.

    Raises:
        OSError, ValidationError: the file cannot be read, or is none of this program.
    """
    return list(_stored(path)[0])


def write_trials(path: Path, trials: Sequence[Trial], importance: dict[str, float]) -> None:
    """Replace what is known of the trials. For the sweeper."""
    runs.write_json(path / "trials.json", {"trials": [asdict(trial) for trial in trials], "importance": importance})


def stored_status(path: Path) -> Status:
    """The status as its process wrote it, whatever became of that."""
    try:
        return Status(**runs.read_json(path / "status.json"))
    except (ValidationError, TypeError):
        return Status("failed", "Its status.json is missing or broken.")


def run_of(trial: Trial) -> Run | None:
    """The run of a trial; None where it has none, not yet or not any more."""
    path = runs.root() / str(trial.run_id)
    return runs.read(path) if trial.run_id and path.is_dir() else None


def run_name(config: SweepConfig, trial: Trial) -> str:
    """What a trial's run is called: first what sets it apart, then its sweep. "lr 0.01 · BN off · Two rates"."""
    return runs.clean_name(f"{trial.label} · {config.name}").rstrip(" ·")


def is_named_by(run: Run, config: SweepConfig, trial: Trial) -> bool:
    """Whether a run has the name that the sweep gave it, now or in an earlier version, and nobody another."""
    earlier = run.name.startswith(f"{config.name}: ") and run.name.endswith(f" · #{trial.number}")
    return earlier or run.name == run_name(config, trial)


def rename_earlier_runs() -> None:
    """Name the runs of trials as they are named today, where an earlier version named them and nobody has since.

    Raises:
        OSError: the runs folder cannot be written.
    """
    for sweep in all_sweeps():
        for trial in sweep.trials:
            run = run_of(trial)
            if run is not None and sweep.config is not None and is_named_by(run, sweep.config, trial):
                name = run_name(sweep.config, trial)
                if run.name != name:
                    with contextlib.suppress(runs.UnknownRun):  # deleted in this moment
                        runs.relabel(run, name=name)


class Place(NamedTuple):
    """Where a run belongs: the sweep that made it, and what sets it apart there."""

    sweep_id: str
    sweep: str
    label: str


def places() -> dict[str, Place]:
    """Of every run that a sweep has made, by its id, where it belongs."""
    found: dict[str, Place] = {}
    for path in root().glob("*/"):
        if _ID.fullmatch(path.name):
            with contextlib.suppress(OSError, ValidationError):
                name = _config((path / "sweep.json").read_bytes()).name or path.name
                found |= {run_id: Place(path.name, name, label) for run_id, label in _labels(path).items()}
    return found


def _labels(path: Path) -> dict[str, str]:
    try:
        version = (path / "trials.json").stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _labels_read(path, version)


@lru_cache(maxsize=256)
def _labels_read(path: Path, version: int) -> dict[str, str]:
    """Checking two hundred trials takes a while, and a page reads at each click."""
    return {trial.run_id: trial.label for trial in _stored(path)[0] if trial.run_id}


def _as_it_stands(trial: Trial, folder: Path) -> Trial:
    """A stored trial with what its run has become since; a run that was deleted is not named."""
    if trial.ended:
        gone = trial.run_id is not None and not (folder / trial.run_id).is_dir()
        return replace(trial, run_id=None) if gone else trial
    run = run_of(trial)
    if run is None:
        return replace(trial, state="waiting", run_id=None)
    state: TrialState = "training" if run.state in ("starting", "training", "paused") else "waiting"
    return replace(
        trial,
        state="finished" if run.state == "finished" else state,
        curve=runs.validation_curve(run) or trial.curve,
        seconds=max(run.status.seconds, trial.seconds),
    )


def _to_come(config: SweepConfig, stored: Sequence[Trial]) -> list[Trial]:
    grid = config.grid()
    return [Trial(number, values) for number, values in enumerate(grid[len(stored) :], len(stored) + 1)]


def _share(trial: Trial, config: SweepConfig) -> float:
    """How much of a trial that has not ended is done, by whole epochs."""
    epochs = trial.values.get("training.epochs") or config.base.training.epochs
    return min(trial.epoch / int(epochs), 1.0)


# --- making and changing ----------------------------------------------------------------------------------------


def create(config: SweepConfig) -> Sweep:
    """Make the folder of a new sweep, queued but not started. It gets a name where it has none, and a tag of its own.

    Raises:
        OSError: the runs folder cannot be written.
    """
    labels = [uncapitalised(path_label(setting.path)) for setting in config.settings]
    name = config.name or runs.clean_name(", ".join(labels))[:60].strip().capitalize()
    config = config.model_copy(update={"name": name, "tag": config.tag or _new_tag(name)})
    path = runs.new_folder(root())
    runs.write_json(path / "sweep.json", config.model_dump(mode="json"))
    runs.write_status(path, _queued(Status("queued")))
    return _known_sweep(path)


def start(config: SweepConfig) -> Sweep:
    """Make a sweep and start it in a process of its own.

    Raises:
        OSError: the runs folder cannot be written.
    """
    sweep = create(config)
    launchers.spawn("cnn.sweep", sweep.path)
    return sweep


def resume(sweep: Sweep) -> Sweep:
    """Let a sweep that was stopped, failed or interrupted go on where it was, with the runs that it left unfinished.

    Raises:
        SweepBusy: it is going already, has finished, or is damaged.
        UnknownSweep: it was deleted in the meantime.
        OSError: its folder cannot be written.
    """
    now = _known_sweep(sweep.path)  # it may have changed since the page was drawn
    if not now.resumable:
        reason = now.message if now.config is None else f"It is {now.state}."
        raise SweepBusy(f"{now.name} cannot be resumed. {reason}")
    (sweep.path / "log.txt").open("ab").close()  # where that is impossible, nothing has been changed yet
    (sweep.path / "stop").unlink(missing_ok=True)
    runs.write_status(sweep.path, _queued(stored_status(sweep.path)))
    launchers.spawn("cnn.sweep", sweep.path)
    return _known_sweep(sweep.path)


def stop(sweep: Sweep) -> None:
    """Ask a sweep to stop, with the runs that it is training; nothing of them is lost, and `resume` goes on.

    Where its process is gone, its runs are asked directly.

    Raises:
        OSError: a folder cannot be written.
    """
    now = read(sweep.path)
    if now is None:
        return
    (sweep.path / "stop").touch()
    if not now.active:
        for trial in now.trials:
            run = run_of(trial)
            if run is not None and run.active and not trial.ended:
                launchers.launcher().stop(run)


def delete(sweep: Sweep, with_runs: bool) -> None:
    """Move a sweep to the bin, from which `restore` brings it back. Its runs stay, or go into theirs.

    Raises:
        SweepBusy: it is still going.
        RunExists: with_runs, and one of its runs is still in training. Nothing was deleted.
        OSError: the runs folder cannot be written.
    """
    now = read(sweep.path)
    if now is None:
        return
    busy = SweepBusy(f"{now.name} is still going: stop it first. Nothing was deleted.")
    if now.active:
        raise busy
    try:
        with FileLock(now.path / ".lock", timeout=0):  # a sweeper that has not written its status yet
            made = [run for trial in now.trials if (run := run_of(trial)) is not None] if with_runs else []
            if made:
                runs.delete(*made)
            _bin().put([now.path])
    except Timeout:
        raise busy from None
    purge()


def deleted() -> list[tuple[Sweep, datetime]]:
    """The sweeps in the bin and when each was deleted, local time; the last first. Their folders are in the bin."""
    found = []
    for entry in _bin().entries():
        if (sweep := read(entry.path)) is not None:
            named = entry.id if sweep.name == entry.path.name else sweep.name
            found.append((replace(sweep, id=entry.id, name=named), datetime.fromtimestamp(entry.time)))
    return found


def is_in_bin(sweep_id: str) -> bool:
    """Whether `restore` can bring the sweep back."""
    return bool(_ID.fullmatch(sweep_id)) and _bin().can_restore(sweep_id)


def restore(sweep_id: str) -> Sweep:
    """Take a sweep back from the bin. Its runs, if they were deleted too, `runs.restore` brings back.

    Raises:
        UnknownSweep: it is no longer there.
        OSError: the runs folder cannot be written.
    """
    missing = UnknownSweep(f"The sweep {sweep_id[:80]!r} is no longer in the bin, or another has taken its place.")
    if not is_in_bin(sweep_id):
        raise missing
    try:
        return _known_sweep(_bin().restore(sweep_id))
    except FileNotFoundError:
        raise missing from None


def erase(*ids: str) -> None:
    """Delete sweeps in the bin for good.

    Raises:
        OSError: the runs folder cannot be written.
    """
    _bin().erase(ids)


def purge() -> None:
    """Delete for good the sweeps that have been in the bin for `runs.DAYS_IN_BIN`."""
    _bin().purge()


def _bin() -> runs.Bin:
    return runs.Bin(root())


def _known_sweep(path: Path) -> Sweep:
    sweep = read(path)
    if sweep is None:
        raise UnknownSweep(f"The sweep {path.name!r} is no longer here: it was deleted in another window.")
    return sweep


def _queued(status: Status) -> Status:
    return replace(runs.closed(status, "queued", "Starting"), created=time.time())


def _new_tag(name: str) -> str:
    """A tag that no run and no sweep has: by it, the Runs page finds the runs of this sweep."""
    taken = {tag for run in runs.all_runs() for tag in run.tags} | {sweep.tag for sweep in all_sweeps()}
    for count in itertools.count(1):
        end = f" {count}" if count > 1 else ""
        tag = runs.clean_name(f"sweep {name}"[: runs.MAX_TAG - len(end)]) + end
        if tag not in taken:
            return tag
    raise AssertionError
