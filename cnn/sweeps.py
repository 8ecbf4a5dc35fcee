"""Sweeps: many runs of one configuration that differ in one to three settings, and what became of them.

    runs/.sweeps/20261122-101530/
      sweep.json       the SweepConfig; written once, never changed
      status.json      as of a run: state, process, seconds spent
      trials.json      every trial so far: its values, its run, its curve; and how much each setting mattered
      journal.log      Optuna's own storage
      stop             exists once somebody has asked the sweep to stop
      log.txt          what its process printed

Each trial is an ordinary run in the runs folder. A process of its own, `cnn.sweeper`, makes the runs, gives them to the
launcher and follows their metrics; what is here makes, starts, stops and reads sweeps. Trials are compared by their
accuracy on the validation pictures, never on the test pictures. Nothing here imports Optuna, TensorFlow or Streamlit.
"""

import contextlib
import itertools
import math
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from filelock import FileLock, Timeout
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo

from cnn import jobs, runs
from cnn.config import Data, RunConfig, Training, empty_word, explain, field_label
from cnn.layers import KINDS, Convolution
from cnn.runs import Run, Seconds, Share, Status

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr | None
Method = Literal["grid", "random", "optuna"]
State = Literal["queued", "searching", "finished", "stopped", "failed", "interrupted"]
TrialState = Literal["waiting", "training", "finished", "stopped early", "failed", "stopped"]
ENDED: tuple[TrialState, ...] = ("finished", "stopped early", "failed", "stopped")
RESUMABLE: tuple[State, ...] = ("stopped", "failed", "interrupted")
MAX_SETTINGS = 3
MAX_TRIALS = 200
MAX_VALUES = 50  # of one setting
WIDTH = "layers.width"  # the path of the factor on the filters of all convolutions

_ID = re.compile(r"[0-9]{8}-[0-9]{6}(-[0-9]{1,3})?")
_SAME_FOR_ALL = ("dataset", "own", "calibrate", "tensorboard")  # no trials could be compared, or nothing would differ
_LOGARITHMIC = ("learning_rate", "batch_size", "limit", "filters", "units", "width", "weight_decay")
_PLURALS = {"convolution": "convolutions", "skip connection": "skip connections"}  # others: "dense layers"
_WIDTH_FIELD = FieldInfo(
    annotation=float,
    description="Multiplies the filters of every convolution: 0.5 makes a network of half the width.",
    ge=0.05,
    le=20.0,
)
_FROZEN = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class UnknownSweep(LookupError):
    """No sweep has this id, or the id is not one that a sweep can have."""


class SweepBusy(RuntimeError):
    """What was asked for is not possible in the state that the sweep is in; the message says what to do."""


# --- what can be varied -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hyperparameter:
    """A setting of a configuration that a sweep can vary.

    path: "training.learning_rate", "layers.0.filters" (layers count from 0), "layers.convolution.kernel" (of all
    layers of that kind), or WIDTH. label: in words, as in the form. group: what it belongs to, for a menu. help: what
    the form says about it. kind: which values it can have. choices: all of them, of a choice. low, high: its bounds, of
    a number; whole numbers are int. present: its value in the configuration; None also where layers differ. optional:
    whether None is a value, see `value_words`. logarithmic: whether its values are best spread on a logarithmic scale.
    usual: a range around its present value that is worth trying first, of a number.
    """

    path: str
    label: str
    group: str
    help: str
    kind: Literal["whole number", "number", "choice"]
    choices: tuple[Scalar, ...]
    low: float | None
    high: float | None
    present: Scalar
    optional: bool
    logarithmic: bool
    usual: tuple[float, float] | None


@lru_cache(maxsize=64)
def hyperparameters(base: RunConfig) -> tuple[Hyperparameter, ...]:
    """Everything that a sweep can vary in a configuration: of the training, of the data, of the layers."""
    found = []
    for group, model in (("training", Training), ("data", Data)):
        for name, info in model.model_fields.items():
            if name not in _SAME_FOR_ALL:
                present = getattr(getattr(base, group), name)
                found.append(_hyperparameter(f"{group}.{name}", group.capitalize(), info, present))
    if any(isinstance(layer, Convolution) for layer in base.layers):
        found.append(_hyperparameter(WIDTH, "All convolutions", _WIDTH_FIELD, 1.0))
    for kind, model in KINDS.items():
        alike = [layer for layer in base.layers if layer.kind == kind]
        for name, info in model.model_fields.items() if len(alike) > 1 else ():
            if name != "kind":
                values = {getattr(layer, name) for layer in alike}
                present = values.pop() if len(values) == 1 else None
                found.append(_hyperparameter(f"layers.{kind}.{name}", f"All {_plural(kind)}", info, present))
    for index, layer in enumerate(base.layers):
        for name, info in type(layer).model_fields.items():
            if name != "kind":
                group = f"Layer {index + 1} · {layer}"
                found.append(_hyperparameter(f"layers.{index}.{name}", group, info, getattr(layer, name)))
    return tuple(found)


def path_label(path: str) -> str:
    """A setting in words, as in the form: "Learning rate", "Filters of layer 4", "Kernel size of all convolutions"."""
    if path == WIDTH:
        return "Width"
    *middle, name = path.split(".")[1:] or [path]
    label = field_label(name)
    if not middle:
        return label
    return f"{label} of layer {int(middle[0]) + 1}" if middle[0].isdigit() else f"{label} of all {_plural(middle[0])}"


def value_words(path: str, value: Scalar) -> str:
    """A value of a setting in words: "0.01", "on", "all" (of no limit)."""
    if value is None:
        return empty_word(path.rpartition(".")[2])
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def apply(base: RunConfig, values: dict[str, Scalar]) -> RunConfig:
    """The configuration of a trial.

    Args:
        base: the configuration that all trials share.
        values: a value for each path that differs from it.

    Raises:
        ValueError: it is no valid configuration (pydantic's ValidationError is one), or has no such setting.
    """
    contents = base.model_dump()
    contents["layers"] = list(contents["layers"])
    for path, value in values.items():
        for *way, name in _places(base, path):
            place: Any = contents
            for step in way:
                place = place[step]
            place[name] = max(1, round(place[name] * value)) if path == WIDTH else value
    return RunConfig.model_validate(contents)


def _places(base: RunConfig, path: str) -> list[tuple[str | int, ...]]:
    """The places in a configuration's contents that a path stands for."""
    if path not in {known.path for known in hyperparameters(base)}:
        raise ValueError(f"This configuration has no setting {path[:80]!r} that a sweep can vary.")
    if path == WIDTH:
        path = "layers.convolution.filters"
    section, *middle, name = path.split(".")
    if not middle:
        return [(section, name)]
    which = middle[0]
    indices = [int(which)] if which.isdigit() else [i for i, layer in enumerate(base.layers) if layer.kind == which]
    return [("layers", index, name) for index in indices]


def _plural(kind: str) -> str:
    return _PLURALS.get(kind, f"{kind} layers")


def _hyperparameter(path: str, group: str, info: FieldInfo, present: Scalar) -> Hyperparameter:
    """What the field of a pydantic model says about a setting."""
    name = path.rpartition(".")[2]
    type_ = info.annotation
    optional = NoneType in get_args(type_)
    if optional:
        type_ = next(part for part in get_args(type_) if part is not NoneType)
    words = (path, path_label(path), group, info.description or "")
    if type_ is bool or get_origin(type_) is Literal:
        choices = (False, True) if type_ is bool else get_args(type_)
        return Hyperparameter(*words, "choice", choices, None, None, present, optional, False, None)
    limits = {type(part).__name__: part for part in info.metadata}
    low, high = type_(limits["Ge"].ge), type_(limits["Le"].le)
    logarithmic = name in _LOGARITHMIC
    usual = _usual(low, high, present, logarithmic, type_ is int, path == WIDTH)
    kind = "whole number" if type_ is int else "number"
    return Hyperparameter(*words, kind, (), low, high, present, optional, logarithmic, usual)


def _usual(
    low: float, high: float, present: Scalar, logarithmic: bool, whole: bool, is_width: bool
) -> tuple[float, float]:
    """A range within the bounds: a factor of ten around a rate, of four around a count, else from low to the double."""
    middle = float(present or (high if logarithmic else (low + high) / 2))
    factor = (4.0 if whole else 10.0) if logarithmic and not is_width else 2.0
    begin, end = (max(low, middle / factor) if logarithmic else low), min(high, middle * factor)
    if whole:
        begin, end = round(begin), max(round(end), round(begin) + 1)
    return begin, end


# --- the configuration of a sweep -------------------------------------------------------------------------------


class Setting(BaseModel):
    """What a sweep varies: a list of values, or a range that its method draws from."""

    model_config = _FROZEN

    path: str = Field(max_length=80, description="As in `Hyperparameter`.")
    values: tuple[Scalar, ...] = Field((), description="The values to try, in this order.")
    low: StrictInt | StrictFloat | None = Field(None, description="The lowest value of a range.")
    high: StrictInt | StrictFloat | None = Field(None, description="The highest value of a range.")
    log: bool = Field(False, description="Whether a range is drawn from on a logarithmic scale.")

    @model_validator(mode="after")
    def _is_list_or_range(self) -> Self:
        label = path_label(self.path)
        if bool(self.values) == (self.low is not None or self.high is not None):
            raise ValueError(f"{label}: give either a list of values, or a lowest and a highest one.")
        if self.values:
            if len(self.values) > MAX_VALUES:
                raise ValueError(f"{label}: {len(self.values)} values are more than a sweep takes ({MAX_VALUES}).")
            for value in self.values:
                if self.values.count(value) > 1:
                    raise ValueError(f"{label}: {value_words(self.path, value)} is listed twice.")
            return self
        if self.low is None or self.high is None:
            raise ValueError(f"{label}: a range needs a lowest and a highest value.")
        if self.low >= self.high:
            raise ValueError(f"{label}: the lowest value ({self.low:g}) must be below the highest ({self.high:g}).")
        if self.log and self.low <= 0:
            raise ValueError(f"{label}: a logarithmic range begins above 0, but its lowest value is {self.low:g}.")
        return self

    @property
    def is_range(self) -> bool:
        return not self.values


class SweepConfig(BaseModel):
    """A whole sweep. `start` gives it a name and a tag where they are empty."""

    model_config = _FROZEN

    version: Literal[1] = 1
    name: str = Field("", max_length=60, description="What the sweep is called.")
    tag: str = Field("", max_length=runs.MAX_TAG, description="The tag that all its runs carry.")
    base: RunConfig = Field(description="What all trials share.")
    method: Method = Field(
        "optuna",
        description="grid: every combination of the values. random: values drawn independently. "
        "optuna: values drawn near those that did well so far (tree-structured Parzen estimator).",
    )
    settings: tuple[Setting, ...] = Field(description="What differs between the trials.")
    trials: int = Field(20, ge=1, le=MAX_TRIALS, description="How many runs; a grid has as many as combinations.")
    at_once: int = Field(1, ge=1, le=16, description="How many runs are started before one of them has ended.")
    prune: bool = Field(
        True,
        description="Stop a run early whose validation accuracy stays below the median of the runs before it.",
    )
    seed: int = Field(42, ge=0, le=2**31 - 1, description="Start of the random choice of values.")

    @field_validator("name", "tag")
    @classmethod
    def _clean(cls, text: str) -> str:
        return runs.clean_name(text)

    @model_validator(mode="after")
    def _can_be_tried(self) -> Self:
        if not 1 <= len(self.settings) <= MAX_SETTINGS:
            raise ValueError(f"A sweep varies one to {MAX_SETTINGS} settings, not {len(self.settings)}.")
        taken: dict[tuple, str] = {}
        for setting in self.settings:
            for place in _places(self.base, setting.path):
                if place in taken:
                    one, two = path_label(taken[place]), path_label(setting.path)
                    both = f"{one} is listed twice" if one == two else f"{one} and {two} change the same thing"
                    raise ValueError(f"{both}: leave one of them out.")
                taken[place] = setting.path
            self._check_values(setting)
        if self.prune and any(setting.path == "training.epochs" for setting in self.settings):
            raise ValueError(
                "Runs of different lengths cannot be compared before their end: do not vary the epochs, or do not "
                "stop runs early."
            )
        if self.method == "grid":
            for setting in self.settings:
                if setting.is_range:
                    raise ValueError(f"{path_label(setting.path)}: a grid needs a list of values, not a range.")
            if (count := math.prod(len(setting.values) for setting in self.settings)) > MAX_TRIALS:
                raise ValueError(f"The grid has {count} combinations, more than {MAX_TRIALS}: try fewer values.")
        for values in self._corners():
            try:
                apply(self.base, values)
            except ValidationError as error:
                words = ", ".join(f"{path_label(path)} {value_words(path, value)}" for path, value in values.items())
                raise ValueError(f"{words} cannot be trained. {explain(error)}") from None
        return self

    def _check_values(self, setting: Setting) -> None:
        """Raises ValueError where a value is none that its setting can have."""
        known, label = self._known(setting), path_label(setting.path)
        if setting.is_range and known.kind == "choice":
            raise ValueError(f"{label}: list some of {_listed(known)}, it has no range.")
        for value in setting.values or (setting.low, setting.high):
            said = f"{label}: {value_words(setting.path, value) if value is not None else 'empty'}"
            if value is None:
                if not known.optional:
                    raise ValueError(f"{label}: a value is missing.")
            elif known.kind == "choice":
                if not any(value is choice or (value == choice and type(value) is str) for choice in known.choices):
                    raise ValueError(f"{said} is not one of {_listed(known)}.")
            elif isinstance(value, bool | str):
                raise ValueError(f"{said} is no number.")
            elif known.kind == "whole number" and not isinstance(value, int):
                raise ValueError(f"{said} is no whole number.")
            elif not known.low <= value <= known.high:
                raise ValueError(f"{said} is outside its bounds, {known.low:g} and {known.high:g}.")

    def _known(self, setting: Setting) -> Hyperparameter:
        return next(known for known in hyperparameters(self.base) if known.path == setting.path)

    def _corners(self) -> Iterator[dict[str, Scalar]]:
        """What is checked beforehand: every combination of values and ends; each alone where these are too many."""
        choices = {setting.path: setting.values or (setting.low, setting.high) for setting in self.settings}
        if math.prod(map(len, choices.values())) <= MAX_TRIALS:
            for values in itertools.product(*choices.values()):
                yield dict(zip(choices, values, strict=True))
            return
        for path, values in choices.items():
            yield from ({path: value} for value in values)

    @property
    def planned(self) -> int:
        """How many trials there will be: no more than there are different ones."""
        if self.method == "grid":
            return len(self.grid())
        sizes = []
        for setting in self.settings:
            if setting.values:
                sizes.append(len(setting.values))
            elif self._known(setting).kind == "whole number":
                sizes.append(int(setting.high) - int(setting.low) + 1)
            else:
                return self.trials
        return min(self.trials, math.prod(sizes))

    def grid(self) -> list[dict[str, Scalar]]:
        """The trials of a grid, in their order; empty for other methods."""
        return list(self._corners()) if self.method == "grid" else []

    def is_whole(self, setting: Setting) -> bool:
        """Whether a range holds whole numbers only."""
        return self._known(setting).kind == "whole number"


def _listed(known: Hyperparameter) -> str:
    return ", ".join(value_words(known.path, choice) for choice in known.choices)


# --- what became of it ------------------------------------------------------------------------------------------


@pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Trial:
    """One run of a sweep, as it was when it was read.

    number: from 1. values: of each varied setting, by its path. state: "waiting" has not begun, or waits for its turn;
    "stopped early" was unpromising; "stopped" was stopped or deleted by hand. run_id: None where it has none, not yet
    or not any more. curve: the accuracy on the validation pictures after each epoch. seconds: spent training. message:
    why it failed or was stopped.
    """

    number: PositiveInt
    values: dict[str, Scalar]
    state: TrialState = "waiting"
    run_id: str | None = None
    curve: tuple[Share, ...] = ()
    seconds: Seconds = 0.0
    message: str = ""
    asked: NonNegativeInt | None = None  # Optuna's number of it
    unpromising: bool = False  # it has been asked to stop early
    restarts: NonNegativeInt = 0  # after its process was lost

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def epoch(self) -> int:
        """Whole epochs so far."""
        return len(self.curve)

    @property
    def best_epoch(self) -> int:
        """The first epoch of the highest accuracy, from 1; 0 before the first has ended."""
        return self.curve.index(max(self.curve)) + 1 if self.curve else 0

    @property
    def accuracy(self) -> float | None:
        """On the validation pictures, of the best epoch so far, in [0, 1]."""
        return max(self.curve, default=None)

    @property
    def words(self) -> str:
        """Its values in words: "learning rate 0.01, batch size 64"."""
        return ", ".join(f"{uncapitalised(path_label(path))} {value_words(path, v)}" for path, v in self.values.items())


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
    """The trial of the highest accuracy on the validation pictures, the earlier of two; None before the first epoch."""
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
    sweep = Sweep(path.name, path, path.name, "failed", created=_stamp(path.name))
    try:
        config = _config((path / "sweep.json").read_bytes())
        sweep = replace(sweep, config=config, name=config.name or path.name)
        stored, importance = _stored(path)
    except FileNotFoundError:
        return replace(sweep, message="It has no sweep.json.")
    except ValidationError as error:
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
    return SweepConfig.model_validate_json(content)


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
    stored = _STORED.validate_json(content)
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


def validation_curve(run: Run) -> tuple[float, ...]:
    """The accuracy on the validation pictures after each whole epoch of a run. Lines of batches are not even parsed."""
    try:
        lines = (run.path / "metrics.jsonl").read_bytes().splitlines()
    except OSError:
        return ()
    records = runs.json_objects(b"\n".join(line for line in lines if b'"val_accuracy"' in line))
    values = [record["val_accuracy"] for record in records if record.get("kind") == "epoch"]
    return tuple(float(value) for value in values if type(value) in (int, float) and 0 <= value <= 1)


def run_of(trial: Trial) -> Run | None:
    """The run of a trial; None where it has none, not yet or not any more."""
    path = runs.root() / str(trial.run_id)
    return runs.read(path) if trial.run_id and path.is_dir() else None


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
        curve=validation_curve(run) or trial.curve,
        seconds=max(run.status.seconds, trial.seconds),
    )


def _to_come(config: SweepConfig, stored: Sequence[Trial]) -> list[Trial]:
    grid = config.grid()
    return [Trial(number, values) for number, values in enumerate(grid[len(stored) :], len(stored) + 1)]


def _share(trial: Trial, config: SweepConfig) -> float:
    """How much of a trial that has not ended is done, by whole epochs."""
    epochs = trial.values.get("training.epochs") or config.base.training.epochs
    return min(trial.epoch / int(epochs), 1.0)


def _stamp(sweep_id: str) -> datetime | None:
    with contextlib.suppress(ValueError):
        return datetime.strptime(sweep_id[:15], "%Y%m%d-%H%M%S")
    return None


def uncapitalised(label: str) -> str:
    """A label within a sentence."""
    return label[:1].lower() + label[1:]


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
    jobs.spawn("cnn.sweeper", sweep.path)
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
    jobs.spawn("cnn.sweeper", sweep.path)
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
                jobs.launcher().stop(run)


def delete(sweep: Sweep, with_runs: bool) -> None:
    """Delete a sweep for good. Its runs stay, or go into the bin, from which `runs.restore` brings them back.

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
            shutil.rmtree(now.path)
    except Timeout:
        raise busy from None


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
