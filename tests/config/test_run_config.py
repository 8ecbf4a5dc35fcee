"""Configurations: presets, ranges with readable refusals, and the way to disk and back."""

import json
import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from cnn.config import PRESET_CARDS, Data, RunConfig, Training, explain, preset_title, presets
from cnn.config.layers import KINDS, Convolution, Dropout, Flatten, Pooling, SkipConnection


def values(**changes) -> dict:
    """A valid configuration as plain data, with some top-level values replaced."""
    return {"layers": [{"kind": "flatten"}], **changes}


def refusal(**changes) -> str:
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate(values(**changes))
    return explain(caught.value)


@pytest.mark.parametrize("name", presets())
def test_presets_survive_the_way_to_disk_and_back(name):
    config = presets()[name]
    text = json.dumps(config.model_dump(mode="json"))
    assert config.preset == name and name in PRESET_CARDS
    assert RunConfig.model_validate_json(text) == config
    assert json.loads(text)["version"] == 2


def test_every_layer_survives_the_way_to_disk_and_back():
    stack = (
        Convolution(filters=6, kernel=2, dilation=3, activation="gelu", batch_normalisation=True),
        Pooling(mode="average", size=3, stride=1, padding="same"),
        Pooling(mode="depthwise max", size=3),
        Dropout(rate=0.25),
        SkipConnection(over=1),
        Flatten(),
        KINDS["dense"](units=7, activation="tanh"),
    )
    config = RunConfig(
        layers=stack,
        data=Data(
            limit=700,
            flip=True,
            shift=3,
            random_affine=0.5,
            random_erasing=0.2,
            style_augmentation=0.1,
            outlier_exposure=0.1,
            own_images=0.25,
        ),
        training=Training(precision="mixed_bfloat16", calibrate=True),
    )
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_the_lectures_settings_are_the_defaults():
    training = presets()["lecture"].training
    assert training == Training()
    assert (training.optimizer, training.batch_size, training.epochs) == ("adam", 32, 10)
    assert (training.learning_rate, training.schedule, training.precision) == (0.001, "constant", "float32")
    assert not training.calibrate
    assert presets()["lecture"].data == Data() == Data(dataset="fashion-mnist", limit=None, flip=False, shift=0)
    nothing = ("random_affine", "random_erasing", "style_augmentation", "outlier_exposure", "own_images")
    assert Data() == Data(**dict.fromkeys(nothing, 0)), "nothing but the dataset"


def test_the_wardrobe_is_shown_what_people_bring():
    wardrobe = presets()["wardrobe"]
    assert min(wardrobe.data.style_augmentation, wardrobe.data.outlier_exposure, wardrobe.data.own_images) > 0
    assert wardrobe.data.flip and wardrobe.data.random_affine > 0 and wardrobe.training.calibrate
    assert wardrobe.data.dataset == "fashion-mnist"


def test_configurations_from_before_there_were_mixtures_are_read_as_without():
    """A run's config.json is never changed, so that an older one must stay readable."""
    old = values(data={"dataset": "fashion-mnist", "limit": None, "flip": True, "shift": 2}, training={"seed": 1})
    config = RunConfig.model_validate(old)
    assert config.data == Data(flip=True, shift=2) and not config.training.calibrate


@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.01), (0.5, 0.0, 0.41), (0.7, 0.0, 0.5)])
def test_fractions_leave_room_for_the_datasets_images(fractions):
    styles, outliers, own = fractions
    sentence = refusal(data={"style_augmentation": styles, "outlier_exposure": outliers, "own_images": own})
    assert "fill more than 90% of a batch" in sentence and sentence.endswith(".")


@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.0), (0.4, 0.0, 0.5), (0.3, 0.1, 0.5), (0.6, 0.2, 0.1)])
def test_they_may_take_nine_tenths(fractions):
    styles, outliers, own = fractions
    assert Data(style_augmentation=styles, outlier_exposure=outliers, own_images=own).own_images == own


@pytest.mark.parametrize(
    ("section", "name", "value", "bound"),
    [
        ("data", "limit", 1, "2"),
        ("data", "limit", 1_000_001, "1000000"),
        ("data", "shift", 7, "6"),
        ("data", "shift", -1, "0"),
        ("data", "random_affine", 2.1, "2"),
        ("data", "random_erasing", 1.1, "1"),
        ("data", "random_erasing", -0.1, "0"),
        ("data", "random_affine", -0.1, "0"),
        ("data", "style_augmentation", 0.71, "0.7"),
        ("data", "outlier_exposure", 0.21, "0.2"),
        ("data", "own_images", 0.51, "0.5"),
        ("data", "own_images", -0.1, "0"),
        ("training", "learning_rate", 0.0, "0.000001"),
        ("training", "learning_rate", 11.0, "10"),
        ("training", "batch_size", 0, "1"),
        ("training", "batch_size", 4097, "4096"),
        ("training", "epochs", 0, "1"),
        ("training", "epochs", 501, "500"),
        ("training", "seed", -1, "0"),
        ("training", "seed", 2**31, "2147483647"),
    ],
)
def test_numbers_out_of_range_are_refused_readably(section, name, value, bound):
    sentence = refusal(**{section: {name: value}})
    assert sentence.startswith(f"{name.replace('_', ' ')} ({section} > {name}): ")
    assert f"than or equal to {bound}" in sentence
    assert f"it is '{value}'" in sentence
    assert sentence.endswith(".") and "\n" not in sentence and "pydantic" not in sentence


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("skip connection", "over", 0),
        ("skip connection", "over", 17),
        ("convolution", "filters", 0),
        ("convolution", "filters", 2049),
        ("convolution", "kernel", 32),
        ("convolution", "stride", 9),
        ("convolution", "dilation", 0),
        ("convolution", "padding", "full"),
        ("convolution", "activation", "swish"),
        ("pooling", "size", 1),
        ("pooling", "stride", 0),
        ("pooling", "mode", "min"),
        ("global pooling", "mode", "sum"),
        ("dense", "units", 4097),
        ("dropout", "rate", 1.0),
        ("dropout", "rate", -0.1),
    ],
)
def test_layers_out_of_range_are_refused_by_name(kind, name, value):
    sentence = refusal(layers=[{"kind": kind, name: value}, {"kind": "flatten"}])
    assert sentence.startswith(f"{name} (layers > ") and f"{kind} > {name})" in sentence
    assert f"it is '{value}'" in sentence


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"data": {"dataset": "cifar-100"}}, "cifar-100"),
        ({"training": {"optimizer": "lion"}}, "lion"),
        ({"training": {"epochs": "many"}}, "many"),
        ({"layers": []}, "There is no layer before the output layer: add at least one"),
        ({"training": {"learning_rate": math.nan}}, "(training > learning_rate): the value is not a number"),
        ({"training": {"learning_rate": math.inf}}, "learning rate (training > learning_rate): the value is infinite"),
        ({"training": {"learning_rate": -math.inf}}, "learning rate (training > learning_rate): the value is infinite"),
        ({"layers": [{"kind": "skip connection"}]}, "is the first layer, so there is none for it to skip"),
        ({"layers": [{"kind": "dense"}]}, "needs a vector, but gets 1 feature map of 28×28"),
        ({"layers": [{"kind": "flatten"}] * 65}, "at most 64 items"),
        ({"layers": [{"kind": "attention"}]}, "attention"),
        ({"layers": [{"filters": 3}]}, "kind"),
        ({"layers": 3}, "it is '3'"),
        ({"version": 3}, "This configuration was written by a newer version of the program: its format is version 3"),
        ({"preset": "x" * 81}, "at most 80 characters"),
    ],
)
def test_other_mistakes_are_named(changes, expected):
    assert expected in refusal(**changes)


@pytest.mark.parametrize("name", ["a\0b", "my\nnet", "my\tnet", "\x7f", "\x85"])
def test_a_name_with_a_control_character_is_refused(name):
    sentence = refusal(preset=name)
    assert sentence.startswith(f"The name of the preset, {name!r}, contains a control character")
    assert sentence.endswith("leave it out.")


@pytest.mark.parametrize("name", ["", "my net", "übung", "网络", "_x", "net:1", "a/b", "100% 😀", "'\"", "\\"])
def test_any_other_name_can_be_given(name):
    assert RunConfig(layers=(Flatten(),), preset=name).preset == name


def test_a_missing_value_is_named():
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate({})
    assert explain(caught.value) == "layers: field required."


@pytest.mark.parametrize(
    "changes",
    [
        {"command": "rm"},
        {"data": {"url": "http://example.org"}},
        {"training": {"momentum": 0.5}},
        {"layers": [{"kind": "flatten", "name": "x"}]},
    ],
)
def test_unknown_keys_are_refused(changes):
    assert "extra inputs are not permitted" in refusal(**changes)


def test_every_mistake_gets_its_own_sentence():
    sentences = refusal(data={"shift": 9}, training={"epochs": 0, "seed": -5})
    assert [name in sentences for name in ("shift (data", "epochs (training", "seed (training")] == [True] * 3
    assert sentences.count(". ") == 2


def test_a_stack_that_does_not_fit_is_refused_in_the_layers_own_words():
    sentence = refusal(layers=[{"kind": "dense", "units": 5}])
    assert sentence.startswith("Layer 1 (Dense 5 relu) needs a vector") and "add a flatten" in sentence


def test_a_long_value_is_cut_short():
    assert len(refusal(training={"epochs": "9" * 5000})) < 250


def test_a_configuration_cannot_be_changed():
    config = presets()["tiny"]
    with pytest.raises(ValidationError):
        config.training = Training(epochs=1)
    with pytest.raises(ValidationError):
        config.layers[0].filters = 3


def test_an_error_that_has_its_sentence_keeps_it():
    assert explain(ValueError("Choose at least one value.")) == "Choose at least one value."


def test_every_figure_of_a_preset_stands_in_the_benchmarks():
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for name, card in PRESET_CARDS.items():
        for figure in (card.measured.accuracy, card.measured.averaged):
            assert figure is None or f"{figure:.2%}" in text, (name, figure)
        seconds = card.measured.seconds
        assert seconds is None or f"{seconds:,g} " in text or f"{seconds / 60:g} min" in text, (name, seconds)


def test_presets_have_titles_and_saved_ones_their_names():
    assert [preset_title(name) for name in ("lenet5", "dense", "my-net")] == ["LeNet-5", "Dense baseline", "my-net"]
    assert preset_title(None) == "Custom settings"


OWN = {"dataset": "Hats and skirts", "classes": ["hat", "skirt"]}


def test_a_dataset_of_your_own_brings_its_classes_and_its_size():
    config = RunConfig.model_validate({"layers": [{"kind": "flatten"}], "data": {**OWN, "image_size": [20, 30]}})
    card = config.data.card
    assert (card.own, card.class_names, card.input_shape, card.reading) == (
        True,
        ("hat", "skirt"),
        (20, 30, 3),
        "photo",
    )
    assert config.rows()[-1].output_shape == (2,)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_a_built_in_dataset_can_be_brought_to_another_size_and_to_colour():
    data = Data(image_size=(64, 48), channels=3)
    assert data.card.input_shape == (64, 48, 3) and data.card.class_names == Data().card.class_names
    assert data.card.reading == "garment", "its training images are bright on black, too"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"dataset": "Hats"}, "no dataset 'Hats'"),
        ({**OWN, "classes": ["hat"]}, "at least two"),
        ({**OWN, "classes": ["hat", "hat"]}, "Two classes are called 'hat'"),
        ({**OWN, "classes": ["hat", " "]}, "1 to 80 characters"),
        ({**OWN, "classes": ["hat", "a\nb"]}, "control character"),
        ({**OWN, "classes": [str(number) for number in range(201)]}, "at most 200"),
        ({**OWN, "dataset": "mnist"}, "cannot be called 'mnist'"),
        ({**OWN, "style_augmentation": 0.1}, "28×28 and grey"),
        ({"outlier_exposure": 0.1, "channels": 3}, "28×28 and grey"),
        ({"image_size": (15, 30)}, "greater than or equal to 16"),
    ],
)
def test_an_impossible_dataset_is_refused_readably(data, words):
    assert words in refusal(data=data)


@pytest.mark.parametrize(
    ("transfer", "words"),
    [
        ({"layers": 1}, "a network to take them from"),
        ({"source": "lecture"}, "transfer at least one"),
        ({"source": "lecture", "layers": 1, "frozen": 2}, "must be trained"),
        ({"source": "lecture", "layers": 50}, "there are only"),
    ],
)
def test_an_impossible_transfer_is_refused_readably(transfer, words):
    assert words in refusal(transfer=transfer)


def test_frozen_layers_are_not_trained_and_transferred_normalisations_keep_their_statistics():
    layers = [{"kind": "convolution", "batch_normalisation": True}] * 3 + [{"kind": "global pooling"}]
    transfer = {"source": "lecture", "layers": 2, "frozen": 1}
    rows = RunConfig.model_validate({"layers": layers, "transfer": transfer}).rows()
    trained = [(row.layer, row.type) for row in rows if row.trainable]
    assert trained == [(1, "Conv2D"), (2, "Conv2D"), (2, "BatchNormalization"), (4, "Dense")]
