"""How a run was made, in words, and how to make it again: its settings beside the preset's, and a command line."""

from typing import NamedTuple

from cnn.config import RunConfig, field_label, presets
from cnn.config.run_config import not_for
from cnn.tuning import value_words

_OWN_IMAGES = 0.15  # what `cnn.train --pictures` sets where a preset has none


class Setting(NamedTuple):
    """A setting in words; `usual` is the preset's where that is another, else None."""

    name: str
    value: str
    usual: str | None


def preset_of(config: RunConfig) -> RunConfig | None:
    """The program's preset that a configuration started from; None for others."""
    return presets().get(config.preset or "")


def settings(config: RunConfig) -> list[Setting]:
    """All settings but the layers in words, marked where they differ from the preset's."""
    preset = preset_of(config)
    found = []
    for section in ("data", "training"):
        usual = getattr(preset, section).model_dump() if preset else {}
        for name, value in getattr(config, section).model_dump().items():
            differs = preset is not None and usual[name] != value
            found.append(
                Setting(
                    field_label(name), value_words(name, value), value_words(name, usual[name]) if differs else None
                )
            )
    return found


def other_layers(config: RunConfig) -> bool:
    """Whether its layers are others than those of the preset that it names."""
    preset = preset_of(config)
    return preset is not None and preset.layers != config.layers


def command(config: RunConfig) -> str | None:
    """The command line that trains a network with the same configuration; None where only its file does."""
    preset = preset_of(config)
    if preset is None:
        return None
    base, given = preset.model_dump(), config.model_dump()
    words = ["python -m cnn.train --preset", str(config.preset)]
    for section, name in (("data", "dataset"), ("data", "limit"), ("training", "epochs"), ("training", "seed")):
        if base[section][name] != given[section][name] is not None:
            words.append(f"--{name} {given[section][name]}")
            base[section][name] = given[section][name]
    if base["data"]["dataset"] != preset.data.dataset:
        base["data"] |= dict.fromkeys(not_for(config.data.card), 0.0)  # as the command does
    if config.data.own_images:
        words.append("--pictures FOLDER")
        base["data"]["own_images"] = base["data"]["own_images"] or _OWN_IMAGES
    same = all(base[section] == given[section] for section in ("data", "layers", "training"))
    return " ".join(words) if same else None
