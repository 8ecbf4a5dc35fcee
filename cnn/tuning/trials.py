"""A trial of a sweep, as it was when it was read, and which trials no other beats."""

from collections.abc import Sequence
from typing import Literal

from pydantic import (
    ConfigDict,
    NonNegativeInt,
    PositiveInt,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cnn.runs import Seconds, Share
from cnn.tuning.hyperparameters import Scalar, path_label, short_label, uncapitalised, value_words

TrialState = Literal["waiting", "training", "finished", "stopped early", "failed", "stopped"]
ENDED: tuple[TrialState, ...] = ("finished", "stopped early", "failed", "stopped")


# --- what became of it ------------------------------------------------------------------------------------------


@pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Trial:
    """One run of a sweep, as it was when it was read.

    number: from 1. values: of each varied setting, by its path. state: "waiting" has not begun, or waits for its turn;
    "stopped early" was unpromising; "stopped" was stopped or deleted by hand. run_id: None where it has none, not yet
    or not any more. curve: the accuracy on the validation images after each epoch. seconds: spent training. message:
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
        """On the validation images, of the best epoch so far, in [0, 1]."""
        return max(self.curve, default=None)

    @property
    def label(self) -> str:
        """Its values in short: "lr 0.01 · batch 64"."""
        return short_label(self.values)

    @property
    def words(self) -> str:
        """Its values in words: "learning rate 0.01, batch size 64"."""
        return ", ".join(f"{uncapitalised(path_label(path))} {value_words(path, v)}" for path, v in self.values.items())


def undominated(trials: Sequence[Trial]) -> list[Trial]:
    """The trials to which no other is at once as fast and better, or as good and faster; the fastest first."""
    front: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (trial.seconds, -(trial.accuracy or 0.0))):
        if trial.accuracy is not None and (not front or trial.accuracy > front[-1].accuracy):
            front.append(trial)
    return front
