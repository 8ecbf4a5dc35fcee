"""What a sweep is made of: the configuration it starts from, the settings it varies, and how trials are chosen."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    field_validator,
    model_validator,
)

from cnn import runs
from cnn.config import RunConfig, explain, versions
from cnn.tuning.hyperparameters import (
    Hyperparameter,
    Scalar,
    _places,
    apply,
    hyperparameters_of,
    listed_values,
    path_label,
    value_words,
)

Method = Literal["grid", "random", "optuna"]
MAX_SETTINGS = 3
MAX_TRIALS = 200
MAX_VALUES = 50  # of one setting
FROZEN = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# --- the configuration of a sweep -------------------------------------------------------------------------------


class Setting(BaseModel):
    """What a sweep varies: a list of values, or a range that its method draws from."""

    model_config = FROZEN

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


def _by_todays_name(setting: Any, version: int) -> Any:
    """What a file says of a setting, with the path that it has today; a path of an old name is refused in new files."""
    if not isinstance(setting, dict) or not isinstance(setting.get("path"), str):
        return setting
    if version == versions.VERSION:
        versions.refuse_old_path(setting["path"])
    return {**setting, "path": versions.renamed_path(setting["path"])}


class SweepConfig(BaseModel):
    """A whole sweep. `start` gives it a name and a tag where they are empty."""

    model_config = FROZEN

    version: Literal[2] = versions.VERSION
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

    @model_validator(mode="before")
    @classmethod
    def _brought_up_to_date(cls, contents: Any) -> Any:
        """Settings have the names of the sweep's version; where it has none, of the version of its configuration."""
        if not isinstance(contents, dict):
            return contents
        base = contents["base"] if isinstance(contents.get("base"), dict) else {}
        version = contents.get("version", base.get("version", versions.VERSION))
        versions.check_version(version, "sweep")
        settings = contents.get("settings")
        if isinstance(settings, list | tuple):
            contents = {**contents, "settings": [_by_todays_name(setting, version) for setting in settings]}
        return {**contents, "version": versions.VERSION}

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
            raise ValueError(f"{label}: list some of {listed_values(known)}, it has no range.")
        for value in setting.values or (setting.low, setting.high):
            said = f"{label}: {value_words(setting.path, value) if value is not None else 'empty'}"
            if value is None:
                if not known.optional:
                    raise ValueError(f"{label}: a value is missing.")
            elif known.kind == "choice":
                if not any(value is choice or (value == choice and type(value) is str) for choice in known.choices):
                    raise ValueError(f"{said} is not one of {listed_values(known)}.")
            elif isinstance(value, bool | str):
                raise ValueError(f"{said} is no number.")
            elif known.kind == "whole number" and not isinstance(value, int):
                raise ValueError(f"{said} is no whole number.")
            elif not known.low <= value <= known.high:
                raise ValueError(f"{said} is outside its bounds, {known.low:g} and {known.high:g}.")

    def _known(self, setting: Setting) -> Hyperparameter:
        return next(known for known in hyperparameters_of(self.base) if known.path == setting.path)

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
