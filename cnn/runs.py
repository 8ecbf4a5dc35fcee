"""The run directory: where a training lives, and all that the dashboard and the trainer say to each other.

    runs/20261122-101530-fast/
      config.json      the RunConfig; written once, never changed
      label.json       name, tags and note that people gave the run, and whether it is hidden; changed at any time
      status.json      state, process, progress; replaced atomically by the trainer
      metrics.jsonl    one JSON object a line, appended by the trainer
      summary.json     what a list of runs shows of the metrics: best epoch and a short curve; replaced at each epoch
      log.txt          what the trainer printed, when the dashboard started it
      stop             exists once somebody has asked the trainer to stop
      requests.jsonl   what else the trainer is asked to do: pause, continue, make one step, change the learning rate
      checkpoint.npz   the whole state of the training, at most two minutes old; gone when the run has finished
      best.keras       with early stopping, the network of the best epoch; gone when the run has finished
      model.keras      the network after the last whole epoch, or the best one with early stopping; float32
      lapse/           each epoch's kernels, feature maps of one picture and confusion matrix, and its weights
      tensorboard/     the curves as event files, where the configuration asks for them
      evaluation.json  accuracy and loss on the test pictures
      examples.npz     some test pictures with the network's answers
      reference.npz    some training pictures, to compare others with
      pictures.npz     readings of labelled pictures of one's own, where some are mixed in
      environment.json versions and devices

Shipped models are directories of the same kind under `cnn/pretrained/`, read-only. Nothing here trains, draws or
imports TensorFlow; whoever reads a run that another program wrote badly gets a `Run` whose `problem` says so.
"""

import contextlib
import json
import math
import os
import re
import shutil
import socket
import stat
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import psutil
from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cnn.config import RunConfig, explain

State = Literal["queued", "starting", "training", "paused", "finished", "stopped", "failed", "interrupted", "damaged"]
ACTIVE: tuple[State, ...] = ("queued", "starting", "training", "paused")
Seconds = Annotated[float, Field(ge=0, le=1e11)]
RESUMABLE: tuple[State, ...] = ("stopped", "failed", "interrupted")
DEFAULT_ID = "wardrobe"
MAX_TAGS = 12  # of a run
MAX_TAG = 24  # characters
MAX_NOTE = 2000  # characters

_PROJECT = Path(__file__).resolve().parent.parent
_PRETRAINED = _PROJECT / "cnn" / "pretrained"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_LAUNCH_GRACE = 20.0  # seconds that a new process may take until it writes its own status
_HANGS = 120.0  # seconds without a heartbeat after which a living process is thought to hang
_SILENCE = 180.0  # seconds without a heartbeat after which a run on another machine counts as dead
_CURVE = 40  # points of a summary's curve, at most
_UNSETTLED = 2.0  # seconds in which a file may change without its time of change showing it, on some file systems


class UnknownRun(LookupError):
    """No run has this id, or the id is not one that a run can have."""


class RunExists(FileExistsError):
    """A run cannot take this place."""


@pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Status:
    """Where a run stands. Steps count from 1 within an epoch, epochs completed from 0; times in seconds."""

    state: State
    message: str = ""
    created: Seconds = 0.0  # when it was last put into the queue, which is served in this order
    heartbeat: Seconds = 0.0
    pid: PositiveInt | None = None
    pid_created: float | None = None  # since the start of the system
    host: str | None = None
    job: Annotated[str, Field(max_length=200)] | None = None  # of a cluster that trains it, or is to
    epoch: NonNegativeInt = 0  # whole epochs that are trained and saved
    step: NonNegativeInt = 0  # of the epoch now in training
    steps: NonNegativeInt = 0  # in an epoch
    images_per_second: Seconds | None = None
    seconds_left: Seconds | None = None
    learning_rate: Annotated[float, Field(ge=0)] | None = None  # of the last step
    seconds: Seconds = 0.0  # spent training, over all sessions of the run
    devices: str = ""
    precision: str = ""  # that its training computes in
    precision_trial: str = ""  # what was found when it was chosen by a trial
    waiting: Annotated[float, Field(ge=0, le=1)] | None = None  # share of the time in an epoch's batches, for data


Share = Annotated[float, Field(ge=0, le=1)]


@pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Summary:
    """What a list of runs shows of the metrics: of the whole epochs so far, on the validation pictures."""

    epoch: NonNegativeInt = 0  # the last one; 0 before the first has ended
    best_epoch: NonNegativeInt = 0  # the first of the highest accuracy
    best_accuracy: Share | None = None
    accuracy: Share | None = None  # of the last epoch
    loss: float | None = None
    curve: Annotated[list[Share], Field(max_length=_CURVE)] = field(default_factory=list)  # evenly chosen epochs


@dataclass(frozen=True)
class Run:
    """A run as it was when it was read. `problem` says what is wrong with a damaged directory."""

    id: str
    path: Path
    name: str
    status: Status
    config: RunConfig | None = None
    shipped: bool = False
    problem: str | None = None
    evaluation: dict[str, Any] | None = field(default=None, compare=False)
    tags: tuple[str, ...] = ()
    note: str = ""
    hidden: bool = False
    created: datetime | None = None  # local time, as the id says; else when it was last put into the queue
    parameters: int | None = None  # of the network
    size: int = field(default=0, compare=False)  # bytes on disk
    stored_summary: Summary | None = field(default=None, compare=False)  # see `summary`

    @property
    def state(self) -> State:
        return self.status.state

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def model_path(self) -> Path:
        return self.path / "model.keras"

    @property
    def network_key(self) -> tuple[str, int]:
        """For caches: another one for each network, as a run in training writes it anew after every epoch.

        Raises:
            OSError: there is no network.
        """
        return str(self.path), self.model_path.stat().st_mtime_ns

    @property
    def has_model(self) -> bool:
        return self.config is not None and self.model_path.is_file()

    @property
    def has_checkpoint(self) -> bool:
        """Whether its training can go on from where it was."""
        return (self.path / "checkpoint.npz").is_file()

    @property
    def is_silent(self) -> bool:
        """Whether its process is there, but has given no sign of life for so long that it may hang."""
        return self.active and self.status.pid is not None and abs(time.time() - self.status.heartbeat) > _HANGS

    @property
    def stop_requested(self) -> bool:
        return (self.path / "stop").exists()

    @property
    def progress(self) -> float:
        """Share of the whole training that is done, in [0, 1]."""
        if self.state == "finished":
            return 1.0
        if self.config is None or not self.status.steps:
            return 0.0
        epochs = self.status.epoch + min(self.status.step / self.status.steps, 1.0)
        return min(epochs / self.config.training.epochs, 1.0)


# --- finding and reading ----------------------------------------------------------------------------------------


def root() -> Path:
    """The folder that holds the user's runs: `$CNN_RUNS`, or `runs/` in the project."""
    return Path(os.environ.get("CNN_RUNS") or _PROJECT / "runs").expanduser().resolve()


def get(run: str | Path) -> Run:
    """Read one run by its id, the user's before a shipped one.

    Raises:
        UnknownRun: there is none, or the text is not an id. An id can never name a place outside the runs folder.
    """
    text = str(run)
    if not _ID.fullmatch(text):
        raise UnknownRun(f"{text[:80]!r} is not a run's id: ids have lower-case letters, digits and hyphens.")
    for folder in (root(), _PRETRAINED):
        if (folder / text).is_dir() and not (folder / text).is_symlink():
            return read(folder / text)
    raise UnknownRun(f"There is no run {text!r}; the runs folder is {root()}.")


def find(run: str) -> Run:
    """Read a run by id or by directory, for the command line.

    Raises:
        UnknownRun: neither an id nor a directory of a run.
    """
    try:
        return get(run)
    except UnknownRun:
        with contextlib.suppress(OSError, RuntimeError):  # a name too long for a file, "~nobody"
            path = Path(run).expanduser()
            if path.is_dir() and (path / "config.json").exists():
                return read(path.resolve())
        raise UnknownRun(
            f"There is no run {run!r}: give an id from {root()}, a run's directory, or one of "
            f"{', '.join(r.id for r in shipped())}."
        ) from None


def all_runs() -> list[Run]:
    """The user's runs, newest first."""
    return [read(path) for path in reversed(_directories(root()))]


def shipped() -> list[Run]:
    """The models that come with the project."""
    return [read(path) for path in _directories(_PRETRAINED)]


def listed() -> list[Run]:
    """What can be looked at: the user's runs, newest first, and the shipped ones whose ids no other run has taken."""
    own = all_runs()
    taken = {run.id for run in own}
    return [*own, *(run for run in shipped() if run.id not in taken)]


def _directories(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = [e.name for e in os.scandir(folder) if _ID.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    return [folder / name for name in sorted(found)]


def read(path: Path) -> Run:
    """Read a run directory. Never raises for what is in it: a bad one comes back as damaged, with its problem.

    What was read stays in memory as long as no file of it changes: a page lists a thousand runs at each click.
    """
    files = _files(path)
    versions = tuple(_version(files.get(name)) for name in _READ)
    run = _unless_unsettled(_read, versions)(path, path.parent == _PRETRAINED, versions)
    if run.active and not is_alive(run.status):
        message = "The training process is gone: killed, out of memory, or the computer was switched off."
        run = replace(run, status=replace(run.status, state="interrupted", message=message))
    return replace(run, size=_size(path, files))


_READ = ("config.json", "label.json", "status.json", "evaluation.json", "summary.json", "model.keras")
Version = tuple[int, int, int]  # time of change in nanoseconds, size in bytes, and which file it is on the disk


def _files(folder: Path) -> dict[str, os.stat_result]:
    """What is in a folder; nothing where there is none. A file that goes away in this moment is not there."""
    found = {}
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                found[entry.name] = entry.stat()
    return found


def _version(file: os.stat_result | None) -> Version | None:
    return (file.st_mtime_ns, file.st_size, file.st_ino) if file and stat.S_ISREG(file.st_mode) else None


def _unless_unsettled(cached, versions: Iterable[Version | None]):
    """A cached function; or what is behind the cache, where a file changed so recently that it may change unnoticed."""
    now = time.time_ns()
    settled = all(abs(now - version[0]) > _UNSETTLED * 1e9 for version in versions if version)
    return cached if settled else cached.__wrapped__


@lru_cache(maxsize=4096)
def _read(path: Path, shipped_: bool, versions: tuple[Version | None, ...]) -> Run:
    """The run as its files have it, whatever became of its process."""
    label = read_json(path / "label.json")
    run = Run(
        path.name,
        path,
        clean_name(str(label.get("name") or "")) or path.name,
        Status("damaged"),
        shipped=shipped_,
        tags=clean_tags(label.get("tags")),
        note=clean_note(label.get("note")),
        hidden=label.get("hidden") is True,
        created=_stamp(path.name),
    )
    try:
        config, parameters = _config((path / "config.json").read_bytes())
    except FileNotFoundError:
        return _damaged(run, "It has no config.json.")
    except ValidationError as error:
        return _damaged(run, f"Its config.json is not one of this program: {explain(error)}")
    except OSError as error:
        return _damaged(run, f"Its config.json cannot be read: {error.strerror}.")

    evaluation = read_json(path / "evaluation.json")
    measured = all(type(evaluation.get(key)) in (int, float) for key in ("n", "accuracy", "loss"))
    summary_ = _checked(Summary, read_json(path / "summary.json"))
    run = replace(run, config=config, parameters=parameters, stored_summary=summary_)
    status = _checked(Status, read_json(path / "status.json"))
    if status is None or status.state == "damaged":
        return _damaged(run, "Its status.json is missing or broken.")
    if status.state == "finished" and versions[_READ.index("model.keras")] is None:
        return _damaged(run, "Its model.keras is missing.")
    created = run.created or (datetime.fromtimestamp(status.created) if status.created else None)
    return replace(run, status=status, evaluation=evaluation if measured else None, created=created)


def _stamp(run_id: str) -> datetime | None:
    with contextlib.suppress(ValueError):
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S")
    return None


@lru_cache(maxsize=4096)
def _config(content: bytes) -> tuple[RunConfig, int]:
    """The configuration and the parameters of its network. Most runs share a few of them."""
    config = RunConfig.model_validate_json(content)
    return config, sum(row.parameters for row in config.rows())


def _damaged(run: Run, problem: str) -> Run:
    return replace(run, status=Status("damaged", message=problem), problem=problem)


def _checked(kind, values: dict[str, Any]):
    """The values as an object of this kind; None where they are not those of one."""
    try:
        return kind(**values) if values else None
    except (ValidationError, TypeError):
        return None


def _size(path: Path, files: dict[str, os.stat_result]) -> int:
    """Bytes of all files in a run directory, of which `files` are on its first level."""
    folders = {name: file for name, file in files.items() if stat.S_ISDIR(file.st_mode)}
    # A training writes its status whenever it writes anything: a folder whose files grow alone would look unchanged.
    versions = (_version(files.get("status.json")), *(file.st_mtime_ns for file in folders.values()))
    inside = _inside(path, tuple(folders), versions) if folders else 0
    return inside + sum(file.st_size for name, file in files.items() if name not in folders)


@lru_cache(maxsize=4096)
def _inside(path: Path, folders: tuple[str, ...], versions: tuple) -> int:
    """Bytes of all files in some folders of a run directory."""
    total = 0
    for folder in folders:
        for place, _, names in os.walk(path / folder):
            for name in names:
                with contextlib.suppress(OSError):
                    total += (Path(place) / name).lstat().st_size
    return total


def is_alive(status: Status) -> bool:
    """Whether the process that wrote this status still runs. A reused process id or a zombie does not count."""
    silence = abs(time.time() - status.heartbeat)  # a clock that was set back must not keep a dead run alive
    if status.pid is None:
        # A job may wait in its cluster for hours: only who can ask the cluster knows that it is gone.
        return status.job is not None or silence < _LAUNCH_GRACE
    if not is_here(status):
        return silence < _SILENCE
    try:
        process = psutil.Process(status.pid)
        same = status.pid_created is None or abs(_since_boot(process) - status.pid_created) < 2.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _since_boot(process: psutil.Process) -> float:
    """Seconds from the start of the system to that of a process: setting the clock does not change them."""
    return process.create_time() - psutil.boot_time()


def is_here(status: Status) -> bool:
    """Whether the process that wrote this status ran on this machine."""
    return status.host == socket.gethostname()


def metrics(run: Run) -> list[dict[str, Any]]:
    """Every whole line of metrics.jsonl; lines that are half-written or not JSON objects are passed over."""
    try:
        content = (run.path / "metrics.jsonl").read_bytes()
    except OSError:
        return []
    return [record for record in json_objects(content) if _is_metric(record)]


def json_objects(lines: bytes) -> list[dict[str, Any]]:
    """The lines that are JSON objects; others, such as one that is half written, are passed over."""
    found = []
    for line in lines.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


_METRICS = {
    "batch": ("epoch", "step", "steps", "loss", "accuracy"),
    "epoch": ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"),
    "event": ("epoch", "step", "steps"),  # and "what": somebody paused it, changed the learning rate, ...
}


def _is_metric(record: dict[str, Any]) -> bool:
    """Whether a line holds all the finite numbers that its kind promises."""
    names = _METRICS.get(str(record.get("kind")))
    if names is None:
        return False
    values = [record.get(name) for name in names]
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return False
    if record["kind"] == "event" and not isinstance(record.get("what"), str):
        return False
    return record["kind"] == "epoch" or record["steps"] > 0


def summary(run: Run) -> Summary:
    """The summary that the trainer left; where there is none, as in runs of an older version, that of the metrics."""
    if run.stored_summary is not None:
        return run.stored_summary
    try:
        version = _version((run.path / "metrics.jsonl").stat())
    except OSError:
        return Summary()
    return _unless_unsettled(_summarised, [version])(run.path, version)


@lru_cache(maxsize=4096)
def _summarised(path: Path, version: Version | None = None) -> Summary:
    """The summary of a run's metrics. Most lines are of batches: those are not even parsed."""
    try:
        lines = (path / "metrics.jsonl").read_bytes().splitlines()
    except OSError:
        return Summary()
    records = json_objects(b"\n".join(line for line in lines if b'"val_accuracy"' in line))
    epochs = [record for record in records if _is_metric(record) and record["kind"] == "epoch"]
    if not epochs:
        return Summary()
    curve = [float(record["val_accuracy"]) for record in epochs]
    best = curve.index(max(curve))
    chosen = [round(place) for place in np.linspace(0, len(curve) - 1, min(len(curve), _CURVE))]
    values = {
        "epoch": epochs[-1]["epoch"],
        "best_epoch": epochs[best]["epoch"],
        "best_accuracy": curve[best],
        "accuracy": curve[-1],
        "loss": float(epochs[-1]["val_loss"]),
        "curve": [curve[place] for place in chosen],
    }
    return _checked(Summary, values) or Summary()


def write_summary(path: Path) -> None:
    """Bring summary.json up to the metrics. For the trainer, after each epoch."""
    write_json(path / "summary.json", asdict(_summarised.__wrapped__(path)))


def learning_rate_changes(records: list[dict[str, Any]]) -> list[tuple[int, int, float]]:
    """The changes of the learning rate made by hand, as a training replays them: (epoch, step, factor on the schedule).

    Each holds once `step` steps of the epoch (counted from 0) are done. The records stand in the order in which they
    were made: who changes the rate of a resumed run before an earlier change has come up again takes that one back.
    """
    changes: list[tuple[int, int, float]] = []
    for record in records:
        if record["kind"] == "event" and record["what"] == "learning rate" and type(record.get("factor")) is float:
            place = (record["epoch"], record["step"])
            changes = [change for change in changes if change[:2] <= place] + [(*place, record["factor"])]
    return changes


def log_tail(run: Run, lines: int = 30) -> str:
    """The end of what the trainer printed; empty where nothing was kept."""
    try:
        with (run.path / "log.txt").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 20_000))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    # A progress bar overwrites its line with carriage returns and backspaces: keep what stood there last.
    return "\n".join(line.rsplit("\r", 1)[-1].replace("\b", "") for line in text.rstrip("\n").split("\n")[-lines:])


# --- making and changing ----------------------------------------------------------------------------------------


def create(config: RunConfig, name: str = "") -> Run:
    """Make the directory of a new run, queued but not started.

    Raises:
        OSError: the runs folder cannot be written.
    """
    name = clean_name(name) or config.preset or "run"
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    path = new_folder(root(), slug)
    write_json(path / "config.json", config.model_dump(mode="json"))
    write_json(path / "label.json", {"name": name})
    now = time.time()
    write_status(path, Status("queued", created=now, heartbeat=now))
    return read(path)


def new_folder(parent: Path, slug: str = "") -> Path:
    """Make a folder named by the present second, local time, and by `slug`; with a number where that is taken.

    Raises:
        RunExists: a thousand were made in this second.
        OSError: the parent, which is made where it is missing, cannot be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for count in range(1, 1000):
        path = parent / "-".join(filter(None, [stamp, slug, str(count) if count > 1 else ""]))
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
    raise RunExists(f"Too many were made in one second in {parent}.")


def clean_name(name: str) -> str:
    """A name on one line, at most 80 characters, that any file and any browser can hold."""
    return " ".join(name.encode("utf-8", "replace").decode().split())[:80]


def clean_tags(tags: Any) -> tuple[str, ...]:
    """Short texts, each of them once; what is no text, and what is too many, is passed over."""
    texts = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list | tuple) else []
    cleaned = dict.fromkeys(clean_name(tag)[:MAX_TAG].strip() for tag in texts)
    return tuple(tag for tag in cleaned if tag)[:MAX_TAGS]


def clean_note(note: Any) -> str:
    """A text of several lines, at most MAX_NOTE characters."""
    lines = note.encode("utf-8", "replace").decode().splitlines() if isinstance(note, str) else []
    return "\n".join(line.rstrip() for line in lines).strip()[:MAX_NOTE]


def relabel(
    run: Run,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    note: str | None = None,
    hidden: bool | None = None,
) -> None:
    """Change what people say about a run, at any time. What is None stays as it is, and so does an empty name.

    Raises:
        UnknownRun: it was deleted in the meantime.
        RunExists: it comes with the project.
    """
    _check_own(run)
    now = read(run.path)  # another window may have changed what this one leaves
    label = {
        "name": clean_name(name or "") or now.name,
        "tags": list(now.tags if tags is None else clean_tags(tags)),
        "note": now.note if note is None else clean_note(note),
        "hidden": now.hidden if hidden is None else hidden,
    }
    try:
        write_json(run.path / "label.json", label)
    except FileNotFoundError:
        raise _gone(run) from None


def request_stop(run: Run) -> None:
    """Ask the trainer to stop after the batch that it is working on."""
    _check_own(run)
    (run.path / "stop").touch()


Request = Literal["pause", "continue", "step", "learning rate"]


def ask(run: Run, what: Request, value: float | None = None) -> None:
    """Ask the trainer for something. It answers after its present batch, by an event in the run's metrics.

    Args:
        run: a run in training, or one that is about to be.
        what: "step" trains one batch and pauses again; "learning rate" goes on at `value` from there.
        value: the learning rate, above 0.
    """
    _check_own(run)
    with (run.path / "requests.jsonl").open("a", encoding="utf-8") as file:  # short lines are appended whole
        file.write(json.dumps({"what": what, "value": value}) + "\n")


def requests(path: Path, start: int) -> tuple[list[dict[str, Any]], int]:
    """The requests from byte `start` on, and where the next ones will begin."""
    try:
        with (path / "requests.jsonl").open("rb") as file:
            file.seek(start)
            whole = file.read().rpartition(b"\n")[0]
    except OSError:
        return [], start
    return json_objects(whole), start + len(whole) + bool(whole)


def forget_requests(path: Path) -> None:
    """What was asked of an earlier session does not count for the next one."""
    for name in ("stop", "requests.jsonl"):
        (path / name).unlink(missing_ok=True)


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
        _check_own(run)
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
        raise _gone(*listed)
    return moved


def is_in_bin(run_id: str) -> bool:
    """Whether `restore` can bring the run back."""
    return bool(_ID.fullmatch(run_id)) and (root() / ".deleted" / run_id).is_dir() and not (root() / run_id).exists()


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


def _gone(*listed: Run) -> UnknownRun:
    those = f"{listed[0].name} is" if len(listed) == 1 else f"These {len(listed)} runs are"
    return UnknownRun(f"{those} no longer here: deleted in another window, or by another program.")


def _check_own(run: Run) -> None:
    if run.shipped:
        raise RunExists(f"{run.name} comes with the project and cannot be changed.")


def write_status(path: Path, status: Status) -> None:
    write_json(path / "status.json", _known(status))


def overwrite_status(path: Path, status: Status) -> None:
    """Write a status into the file that is there, for a full disk: it takes no space, but may be seen half."""
    with (path / "status.json").open("r+b") as file:
        file.write(json.dumps(_known(status)).encode())
        file.truncate()


def _known(status: Status) -> dict[str, Any]:
    return {key: value for key, value in asdict(status).items() if value is not None}


def signed(status: Status, state: State, message: str = "") -> Status:
    """The status with this process's name on it, by which others can tell whether it still runs."""
    me = psutil.Process()
    process = {"pid": me.pid, "pid_created": _since_boot(me), "host": socket.gethostname()}
    return replace(status, state=state, message=message, heartbeat=time.time(), **process)


def closed(status: Status, state: State, message: str = "") -> Status:
    """The last status that a process writes; it names no process and no job any more."""
    process = {"pid": None, "pid_created": None, "host": None, "job": None}
    pace = {"images_per_second": None, "seconds_left": None}
    return replace(status, state=state, message=message, heartbeat=time.time(), **process, **pace)


def write_json(path: Path, value: Any) -> None:
    """Replace a file by the JSON of `value` in one step: a reader sees the old file or the new one, never a half."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """The text that `write_json` writes."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text, as `write_json` does."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_npz(path: Path, how, **arrays: np.ndarray) -> None:
    """Write arrays with `how` (`np.savez` or `np.savez_compressed`) in one step, and leave no half of it behind."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        with temporary.open("wb") as file:
            how(file, **arrays)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # on a full disk the half of it would be in the way


def write_found(run: Run, name: str, **arrays: np.ndarray) -> None:
    """Keep what was found out about a run's network at some length: in the run, or beside the runs if it is shipped.

    A full disk or a folder that cannot be written is no trouble: it is then found out again.
    """
    with contextlib.suppress(OSError):
        folder = _found_folder(run)
        version = _network_version(run)
        folder.mkdir(parents=True, exist_ok=True)
        write_npz(folder / f"{name}.npz", np.savez_compressed, version=version, **arrays)


def read_found(run: Run, name: str) -> dict[str, np.ndarray] | None:
    """What `write_found` kept; None where there is nothing, it is damaged, or the network has changed since then."""
    try:
        with np.load(_found_folder(run) / f"{name}.npz", allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
        version = found.pop("version")
        return found if np.array_equal(version, _network_version(run)) else None
    except Exception:  # zip, deflate and NumPy's format each raise their own kinds
        return None


def _found_folder(run: Run) -> Path:
    return root() / ".found" / run.id if run.shipped else run.path / "found"


def _network_version(run: Run) -> np.ndarray:
    """Another one after each writing of the network."""
    now = run.model_path.stat()
    return np.array([now.st_size, now.st_mtime_ns])


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
