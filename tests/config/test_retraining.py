"""The two steps of transfer learning as configurations: which layers begin with what, and which are trained."""

import pytest

from cnn.config import Data, RunConfig, Training, Transfer, presets
from cnn.config.backbones import BACKBONES
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Pooling
from cnn.config.transfer_learning import extractor, fine_tuning, first_fine_tuned, on_backbone, on_run

OWN = Data(dataset="Hats", classes=("hat", "cap", "scarf"), image_size=(96, 64), channels=3)


@pytest.mark.parametrize("name", BACKBONES)
def test_only_the_new_output_layer_is_trained_on_a_backbone(name):
    config = on_backbone(name, OWN)
    trained = [row for row in config.rows() if row.trainable]
    assert [row.layer for row in trained] == [len(config.layers)]
    assert trained[0].output_shape == (3,) and trained[0].parameters == (BACKBONES[name].features + 1) * 3
    assert config.data == OWN and config.transfer.source == name and not config.transfer.output


def test_the_preset_is_that_and_needs_no_images_of_your_own():
    preset = presets()["transfer"]
    assert preset == on_backbone("efficientnet-lite2", preset.data, "transfer")
    assert preset.data.card.input_shape == (288, 288, 3) and preset.training.class_weights


def test_a_new_head_on_a_run_has_its_layers_and_its_size():
    config = on_run("lecture", presets()["lecture"], OWN)
    assert config.layers == presets()["lecture"].layers and config.data.card.input_shape == (28, 28, 1)
    assert config.data.card.class_names == OWN.classes and config.rows()[-1].output_shape == (3,)
    assert config.transfer == Transfer(source="lecture", layers=13, frozen=9)
    assert [type(config.layers[row.layer]) for row in config.rows()[:-1] if row.trainable] == [Dense, Dense]


def test_fine_tuning_trains_the_last_layers_with_filters_and_the_output_at_a_low_rate():
    first = on_backbone("efficientnet-lite2", OWN)
    second = fine_tuning("20261128-101530-hats", first)
    assert (second.layers, second.data) == (first.layers, first.data)
    assert second.transfer.layers == len(first.layers) and second.transfer.output
    assert second.training.learning_rate < first.training.learning_rate / 5
    trained = {row.layer for row in second.rows() if row.trainable}
    assert min(trained) == second.transfer.frozen == first_fine_tuned(first.layers) == 16
    assert sum(row.trainable for row in first.rows()) < sum(row.trainable for row in second.rows())
    assert not any(row.trainable for row in second.rows() if row.type == "BatchNormalization")


@pytest.mark.parametrize(
    ("layers", "up_to", "first"),
    [
        ((Flatten(), Dense(), Dropout()), 1, 0),
        ((Convolution(), Pooling(), Convolution(), Pooling(), Convolution(), GlobalPooling(), Dense()), 6, 4),
        ((Convolution(), Flatten()), 2, 0),
    ],
)
def test_what_sees_the_image_and_what_fine_tuning_trains(layers, up_to, first):
    assert (extractor(layers), first_fine_tuned(layers)) == (up_to, first)


def test_what_is_only_for_fashion_mnist_is_refused_with_its_sentence_in_another_size():
    config = RunConfig(data=Data(), layers=(Flatten(),), training=Training())
    with pytest.raises(ValueError, match="28×28 and grey"):
        on_run("x", config.model_copy(update={"data": OWN}), Data(own_images=0.2))
