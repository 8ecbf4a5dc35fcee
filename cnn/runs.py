"""The run directory: where a training lives, and all that the dashboard and the trainer say to each other.

    runs/20261122-101530-fast/
      config.json      the RunConfig; written once, never changed
      label.json       what people call the run; may be changed at any time
      status.json      state, process, progress; replaced atomically by the trainer
      metrics.jsonl    one JSON object a line, appended by the trainer
      log.txt          what the trainer printed, when the dashboard started it
      stop             exists once somebody has asked the trainer to stop
      checkpoint.keras network, optimizer and seed state after the last whole epoch; gone when the run has finished
      model.keras      the network after the last whole epoch, float32, without optimizer
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
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cnn.config import RunConfig, explain

State = Literal["queued", "starting", "training", "paused", "finished", "stopped", "failed", "interrupted", "damaged"]
ACTIVE: tuple[State, ...] = ("queued", "starting", "training", "paused")
Seconds = Annotated[float, Field(ge=0, le=1e11)]
RESUMABLE: tuple[State, ...] = ("stopped", "failed", "interrupted")
DEFAULT_ID = "wardrobe"

_PROJECT = Path(__file__).resolve().parent.parent
_PRETRAINED = _PROJECT / "cnn" / "pretrained"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_LAUNCH_GRACE = 20.0  # seconds that a new process may take until it writes its own status
_SILENCE = 180.0  # seconds without a heartbeat after which a run on another machine counts as dead


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
    pid_created: float | None = None
    host: str | None = None
    epoch: NonNegativeInt = 0  # whole epochs that are trained and saved
    step: NonNegativeInt = 0  # of the epoch now in training
    steps: NonNegativeInt = 0  # in an epoch
    images_per_second: Seconds | None = None
    seconds_left: Seconds | None = None
    learning_rate: Annotated[float, Field(ge=0)] | None = None  # of the last step
    seconds: Seconds = 0.0  # spent training, over all sessions of the run
    devices: str = ""
    precision: str = ""  # that its training computes in


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
    def has_model(self) -> bool:
        return self.config is not None and self.model_path.is_file()

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
    return [read(path) for path in sorted(_directories(root()), reverse=True)]


def shipped() -> list[Run]:
    """The models that come with the project."""
    return [read(path) for path in sorted(_directories(_PRETRAINED))]


def _directories(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [Path(e.path) for e in os.scandir(folder) if _ID.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]


def read(path: Path) -> Run:
    """Read a run directory. Never raises for what is in it: a bad one comes back as damaged, with its problem."""
    shipped_ = path.parent == _PRETRAINED
    name = clean_name(str(_read_json(path / "label.json").get("name") or "")) or path.name
    try:
        config = _config((path / "config.json").read_bytes())
    except FileNotFoundError:
        return _damaged(path, name, shipped_, "It has no config.json.")
    except ValidationError as error:
        return _damaged(path, name, shipped_, f"Its config.json is not one of this program: {explain(error)}")
    except OSError as error:
        return _damaged(path, name, shipped_, f"Its config.json cannot be read: {error.strerror}.")

    status = _status(_read_json(path / "status.json"))
    if status is None:
        return _damaged(path, name, shipped_, "Its status.json is missing or broken.", config)
    if status.state in ACTIVE and not _alive(status):
        status = replace(
            status,
            state="interrupted",
            message="The training process is gone: killed, out of memory, or the computer was switched off.",
        )
    if status.state == "finished" and not (path / "model.keras").is_file():
        return _damaged(path, name, shipped_, "Its model.keras is missing.", config)
    evaluation = _read_json(path / "evaluation.json")
    measured = all(type(evaluation.get(key)) in (int, float) for key in ("n", "accuracy", "loss"))
    return Run(path.name, path, name, status, config, shipped_, evaluation=evaluation if measured else None)


@lru_cache(maxsize=4096)
def _config(content: bytes) -> RunConfig:
    """A page lists every run, and most of them share a few configurations."""
    return RunConfig.model_validate_json(content)


def _damaged(path: Path, name: str, shipped_: bool, problem: str, config: RunConfig | None = None) -> Run:
    return Run(path.name, path, name, Status("damaged", message=problem), config, shipped_, problem)


def _status(values: dict[str, Any]) -> Status | None:
    try:
        status = Status(**values)
    except (ValidationError, TypeError):
        return None
    return status if status.state != "damaged" else None


def _alive(status: Status) -> bool:
    """Whether the process that wrote this status still runs. A reused process id or a zombie does not count."""
    if status.pid is None:
        return time.time() - status.heartbeat < _LAUNCH_GRACE
    if not is_here(status):
        return time.time() - status.heartbeat < _SILENCE
    try:
        process = psutil.Process(status.pid)
        same = status.pid_created is None or abs(process.create_time() - status.pid_created) < 2.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def is_here(status: Status) -> bool:
    """Whether the process that wrote this status ran on this machine."""
    return status.host == socket.gethostname()


def metrics(run: Run) -> list[dict[str, Any]]:
    """Every whole line of metrics.jsonl; lines that are half-written or not JSON objects are passed over."""
    try:
        lines = (run.path / "metrics.jsonl").read_bytes().splitlines()
    except OSError:
        return []
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and _is_metric(record):
            records.append(record)
    return records


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
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = root()
    folder.mkdir(parents=True, exist_ok=True)
    for count in range(1, 1000):
        path = folder / "-".join(filter(None, [stamp, slug, str(count) if count > 1 else ""]))
        try:
            path.mkdir()
            break
        except FileExistsError:
            continue
    else:
        raise RunExists(f"Too many runs were made in one second in {folder}.")
    write_json(path / "config.json", config.model_dump(mode="json"))
    write_json(path / "label.json", {"name": name})
    now = time.time()
    write_status(path, Status("queued", created=now, heartbeat=now))
    return read(path)


def clean_name(name: str) -> str:
    """A name on one line, at most 80 characters, that any file and any browser can hold."""
    return " ".join(name.encode("utf-8", "replace").decode().split())[:80]


def rename(run: Run, name: str) -> None:
    """Give the run another name; its id and directory stay."""
    _check_own(run)
    if cleaned := clean_name(name):
        write_json(run.path / "label.json", {"name": cleaned})


def request_stop(run: Run) -> None:
    """Ask the trainer to stop after the batch that it is working on."""
    _check_own(run)
    (run.path / "stop").touch()


def delete(run: Run) -> None:
    """Move a run to the bin. The bin keeps one run, the last that was deleted, so that `restore` can undo this."""
    _check_own(run)
    if read(run.path).active:  # it may have been resumed since `run` was read
        raise RunExists(f"{run.name} is still in training: stop it first.")
    bin_ = root() / ".deleted"
    shutil.rmtree(bin_, ignore_errors=True)
    bin_.mkdir(parents=True, exist_ok=True)
    run.path.replace(bin_ / run.id)


def is_in_bin(run_id: str) -> bool:
    """Whether `restore` can bring the run back."""
    return bool(_ID.fullmatch(run_id)) and (root() / ".deleted" / run_id).is_dir() and not (root() / run_id).exists()


def restore(run_id: str) -> Run:
    """Take the run that was deleted last back from the bin.

    Raises:
        UnknownRun: it is no longer there.
    """
    if not is_in_bin(run_id):
        raise UnknownRun(f"The run {run_id[:80]!r} is no longer in the bin, or another has taken its place.")
    (root() / ".deleted" / run_id).replace(root() / run_id)
    return get(run_id)


def _check_own(run: Run) -> None:
    if run.shipped:
        raise RunExists(f"{run.name} comes with the project and cannot be changed.")


def write_status(path: Path, status: Status) -> None:
    write_json(path / "status.json", {key: value for key, value in asdict(status).items() if value is not None})


def signed(status: Status, state: State, message: str = "") -> Status:
    """The status with this process's name on it, by which others can tell whether it still runs."""
    me = psutil.Process()
    process = {"pid": me.pid, "pid_created": me.create_time(), "host": socket.gethostname()}
    return replace(status, state=state, message=message, heartbeat=time.time(), **process)


def closed(status: Status, state: State, message: str = "") -> Status:
    """The last status that a process writes; it names no process any more."""
    process = {"pid": None, "pid_created": None, "host": None, "images_per_second": None, "seconds_left": None}
    return replace(status, state=state, message=message, heartbeat=time.time(), **process)


def write_json(path: Path, value: Any) -> None:
    """Replace a file by the JSON of `value` in one step: a reader sees the old file or the new one, never a half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
