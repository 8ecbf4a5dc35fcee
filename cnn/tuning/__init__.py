"""Hyperparameters: sweeps over several of them, and the search for a learning rate.

Makes ordinary runs and reads what became of them; trains no run itself and draws nothing.
"""

from cnn.tuning.hyperparameters import (
    WIDTH,
    Hyperparameter,
    Scalar,
    apply,
    hyperparameters_of,
    path_label,
    short_label,
    uncapitalised,
    value_words,
)
from cnn.tuning.sweep_config import MAX_SETTINGS, MAX_TRIALS, Method, Setting, SweepConfig
from cnn.tuning.trials import Trial, undominated

__all__ = [
    "MAX_SETTINGS",
    "MAX_TRIALS",
    "WIDTH",
    "Hyperparameter",
    "Method",
    "Scalar",
    "Setting",
    "SweepConfig",
    "Trial",
    "apply",
    "hyperparameters_of",
    "path_label",
    "short_label",
    "uncapitalised",
    "undominated",
    "value_words",
]
