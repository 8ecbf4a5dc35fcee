"""What a run is made of, as plain values: layers and their arithmetic, data, training, presets, words for people.

Knows pydantic and integers; knows no image, no file, no network and no framework.
"""

from cnn.config.built_in_presets import presets
from cnn.config.datasets import CLASS_NAMES, DATASET_CARDS, INPUT_SHAPE, STAND_IN, DatasetCard, datasets_help
from cnn.config.preset_cards import PRESET_CARDS, Measured, PresetCard, preset_title
from cnn.config.run_config import MAX_LEARNING_RATE, Data, Resources, RunConfig, Training, Transfer
from cnn.config.words import counted, duration, empty_word, explain, field_label

__all__ = [
    "CLASS_NAMES",
    "DATASET_CARDS",
    "INPUT_SHAPE",
    "MAX_LEARNING_RATE",
    "PRESET_CARDS",
    "STAND_IN",
    "Data",
    "DatasetCard",
    "Measured",
    "PresetCard",
    "Resources",
    "RunConfig",
    "Training",
    "Transfer",
    "counted",
    "datasets_help",
    "duration",
    "empty_word",
    "explain",
    "field_label",
    "preset_title",
    "presets",
]
