"""The forward pass against Keras's own, begun, ended and changed anywhere."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnn import data
from cnn.config import INPUT_SHAPE, RunConfig, Transfer, presets
from cnn.config.layers import Convolution, GlobalPooling, InvertedResidual, Pooling, Rescaling, SkipConnection
from cnn.data import synthetic
from cnn.networks.build import build
from cnn.networks.forward import INPUT, PREACTIVATION, Forward

SKIPPING = RunConfig(
    layers=(
        Convolution(filters=4, batch_normalisation=True),
        Convolution(filters=4, dilation=2, activation="tanh"),
        Convolution(filters=4, kernel=5),
        SkipConnection(over=2),
        Pooling(mode="average"),
        GlobalPooling(),
    )
)
FROZEN = RunConfig(
    layers=(
        Rescaling(),
        Convolution(filters=4, stride=2, activation="relu6", batch_normalisation=True),
        InvertedResidual(filters=4, squeeze=2, activation="silu"),
        GlobalPooling(),
    ),
    transfer=Transfer(source="another network", layers=3, frozen=3),
)
OF_CLOTHES = {name: config for name, config in presets().items() if config.data.card.input_shape == INPUT_SHAPE}
CONFIGS = {**OF_CLOTHES, "skipping": SKIPPING, "frozen": FROZEN}


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return data.scaled(synthetic.dataset(3, 9, "test")[0])


def randomised(settings: RunConfig) -> keras.Model:
    """With running means and variances that are not those of a fresh network."""
    network = build(settings, precision="float32")
    chance = np.random.default_rng(1)
    network.set_weights([weight + chance.uniform(0, 0.1, weight.shape) for weight in network.get_weights()])
    return network


@pytest.mark.parametrize("name", CONFIGS)
def test_every_layers_values_are_kerass_own(name, pictures):
    network = randomised(CONFIGS[name])
    forward = Forward(network)
    found = forward.run({INPUT: pictures})
    outputs = keras.Model(network.input, [layer.output for layer in network.layers[1:]])(pictures, training=False)
    assert forward.names == [layer.name for layer in network.layers[1:]] and forward.output == forward.names[-1]
    for layer, output in zip(forward.names, outputs, strict=True):
        assert np.allclose(found[layer], output, rtol=1e-4, atol=1e-4), layer


def test_the_sums_become_the_output_by_the_activation(pictures):
    forward = Forward(randomised(SKIPPING))
    found = forward.run({INPUT: pictures})
    assert np.allclose(np.tanh(found["conv2d_1" + PREACTIVATION]), found["conv2d_1"], atol=1e-6)
    logits = found[forward.output + PREACTIVATION].numpy()
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.allclose(powers / powers.sum(axis=1, keepdims=True), found[forward.output], atol=1e-6)


def test_a_pass_can_begin_and_end_at_any_layer(pictures):
    forward = Forward(randomised(SKIPPING))
    whole = forward.run({INPUT: pictures})
    for name in forward.names:
        needed = forward.before(name)
        rest = forward.run({value: whole[value] for value in needed}, start=name)
        assert np.allclose(rest[forward.output], whole[forward.output], atol=1e-6)
        assert list(forward.run({INPUT: pictures}, stop=name))[-1] == name
    assert set(forward.before("conv2d_2")) == {"activation", "conv2d_1"}, "what the skip connection adds later"
    assert forward.before("conv2d") == (INPUT,) and forward.takes("add") == ("activation", "conv2d_2")


def test_other_weights_give_what_a_network_of_these_weights_gives(pictures):
    forward, other = Forward(randomised(SKIPPING)), randomised(SKIPPING)
    other.set_weights([weight * 0.5 + 0.1 for weight in other.get_weights()])
    found = forward.run({INPUT: pictures}, weights=Forward(other).weights())[forward.output]
    assert np.allclose(found, other(pictures), atol=1e-5)
    assert not np.allclose(found, forward.model(pictures), atol=1e-3)
    part = {"dense": Forward(other).weights()["dense"]}
    mixed = forward.run({INPUT: pictures}, weights=part)
    assert np.allclose(mixed["conv2d_2"], forward.run({INPUT: pictures})["conv2d_2"])


def test_the_weights_handed_out_are_copies(pictures):
    forward = Forward(randomised(SKIPPING))
    before = forward.model(pictures).numpy()
    for weights in forward.weights().values():
        weights[0][...] = 0
    assert np.array_equal(forward.model(pictures), before)


def test_a_value_can_be_changed_on_the_way(pictures):
    forward = Forward(randomised(SKIPPING))
    seen = []

    def mute(name, value):
        seen.append(name)
        return value * 0 if name == "conv2d_2" + PREACTIVATION else value

    found = forward.run({INPUT: pictures}, change=mute)
    assert not found["conv2d_2"].numpy().any(), "ReLU of 0"
    assert np.allclose(found["add"], found["activation"])
    assert seen[:3] == ["conv2d:sums", "conv2d", "batch_normalization"] and seen[-1] == forward.output


def test_pictures_in_rgb_and_any_size(pictures):
    source = keras.Input((12, 20, 3), name="photo")
    network = keras.Model(source, kl.Dense(2)(kl.Flatten()(kl.Conv2D(3, (2, 5), strides=(2, 3))(source))))
    x = np.random.default_rng(0).uniform(size=(2, 12, 20, 3)).astype(np.float32)
    forward = Forward(network)
    assert np.allclose(forward.run({INPUT: x})[forward.output], network(x), atol=1e-5)
