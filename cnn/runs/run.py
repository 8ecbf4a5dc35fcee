"""A run as it was when it was read, with what follows from its files."""

import contextlib
import os
import time
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, NonNegativeInt
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cnn.config import RunConfig
from cnn.errors import AtelierError
from cnn.runs.status import ACTIVE, HANGS, Share, State, Status

CURVE_POINTS = 40  # points of a summary's curve, at most


class UnknownRun(AtelierError, LookupError):
    """No run has this id, or the id is not one that a run can have."""


class RunExists(AtelierError, FileExistsError):
    """A run cannot take this place."""


@pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Summary:
    """What a list of runs shows of the metrics: of the whole epochs so far, on the validation images."""

    epoch: NonNegativeInt = 0  # the last one; 0 before the first has ended
    best_epoch: NonNegativeInt = 0  # the first of the highest accuracy
    best_accuracy: Share | None = None
    accuracy: Share | None = None  # of the last epoch
    loss: float | None = None
    curve: Annotated[list[Share], Field(max_length=CURVE_POINTS)] = field(default_factory=list)  # evenly chosen epochs


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
    def model_size(self) -> int:
        """Bytes of the network's file as it is handed out: that of a shipped run may be compressed.

        Raises:
            OSError: there is no network.
        """
        size = self.model_path.stat().st_size
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(self.model_path) as file:
            size += sum(entry.file_size - entry.compress_size for entry in file.infolist())
        return size

    @property
    def network_key(self) -> tuple[str, int]:
        """For caches: another one for each network, as a run in training writes it again after every epoch.

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
        return self.active and self.status.pid is not None and abs(time.time() - self.status.heartbeat) > HANGS

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
