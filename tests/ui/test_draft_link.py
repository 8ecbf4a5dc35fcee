"""The settings of a new network in a link: there and back, short enough, and never a crash."""

import base64
import json
import random
import zlib

import pytest

from cnn.config import presets
from cnn.config.layers import KINDS, Convolution, Dense, Flatten, SkipConnection
from cnn.ui import draft_link

DEFAULTS = {name: section().model_dump() for name, section in draft_link.SECTIONS.items()}


def packed(contents: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(contents).encode())).decode().rstrip("=")


@pytest.mark.parametrize("name", presets())
def test_every_preset_goes_there_and_back_in_a_short_link(name):
    config = presets()[name]
    sections = {part: getattr(config, part).model_dump() for part in draft_link.SECTIONS}
    text = draft_link.encode(name, sections, list(config.layers))
    assert draft_link.decode(text) == (name, sections, list(config.layers))
    assert len(text) < 600 and set(text) <= set(base64.urlsafe_b64encode(bytes(range(256))).decode() + "-_")


def test_settings_that_are_invalid_together_go_there_and_back():
    sections = {**DEFAULTS, "data": {**DEFAULTS["data"], "style_augmentation": 0.7, "own_images": 0.5}}
    layers = [Dense(), Flatten(), SkipConnection(over=9)]
    assert draft_link.decode(draft_link.encode(None, sections, layers)) == (None, sections, layers)


def test_the_longest_network_is_short_enough_for_a_link():
    draw = random.Random(1)
    layers = [
        Convolution(
            filters=draw.randint(1, 1024),
            kernel=draw.randint(1, 31),
            stride=draw.randint(1, 8),
            dilation=draw.randint(1, 8),
            padding=draw.choice(["same", "valid"]),
            activation=draw.choice(["gelu", "tanh", "sigmoid"]),
            batch_normalisation=draw.choice([True, False]),
            l2=draw.random(),
        )
        for _ in range(64)
    ]
    assert len(draft_link.encode("x" * 80, DEFAULTS, layers)) < 4000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "copy the whole link"),
        ("nonsense!", "copy the whole link"),
        ("ü", "copy the whole link"),
        (packed([1, 2]), "copy the whole link"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}]})[:-6], "copy the whole link"),
        (base64.urlsafe_b64encode(zlib.compress(b" " * 10_000_000)).decode(), "copy the whole link"),
        (packed({"layers": [{"kind": "flatten"}]}), "version"),
        (packed({"version": 3, "layers": [{"kind": "flatten"}]}), "newer version"),
        (packed({"version": 2}), "1 to 64 layers"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}] * 65}), "1 to 64 layers"),
        (packed({"version": 2, "layers": [{"kind": "attention"}]}), "'attention'"),
        (packed({"version": 2, "layers": [{"kind": ["dense"]}]}), "There is no layer"),
        (packed({"version": 2, "layers": ["flatten"]}), "There is no layer"),
        (packed({"version": 2, "layers": [{"kind": "dense", "units": "64"}]}), "units"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}], "training": {"epochs": 0}}), "epochs"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}], "data": {"flip": 1}}), "flip"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}], "data": {"warp": 0.1}}), "'warp'"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}], "data": []}), "data"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}], "preset": "a\nb"}), "control character"),
        (packed({"version": 2, "layers": [{"kind": "flatten"}], "other": 1}), "other"),
    ],
)
def test_what_is_no_link_is_said_in_a_sentence(text, words):
    with pytest.raises(draft_link.BadLink, match=words.replace("'", ".")):
        draft_link.decode(text)


def test_every_kind_of_layer_can_stand_in_a_link():
    layers = [kind() for kind in KINDS.values()]
    assert draft_link.decode(draft_link.encode(None, DEFAULTS, layers))[2] == layers
