"""Whether layers can begin with another network's weights, without having them: the same as when they are there."""

import pytest

from cnn import runs
from cnn.config import Data, RunConfig
from cnn.config.backbones import BACKBONES, layers_of
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Layer, Pooling, trace
from cnn.networks import transfer_fit
from cnn.networks.backbones import TransferImpossible, fitting_weights, source_of
from tests.any_run import untrained

LAYERS = (Convolution(filters=4), Pooling(), Flatten(), Dense(units=5))


def given(shape=(28, 28, 1)):
    rows = tuple(trace(LAYERS, shape, 2)[:-1])
    return transfer_fit.Source("Flat", LAYERS, shape, rows, {})


def found(layers: tuple[Layer, ...], count: int, shape=(28, 28, 1)):
    return transfer_fit.problem(given(), layers, trace(layers, shape, 3), count)


def test_the_same_layers_fit_also_before_others_and_in_another_colour():
    assert found(LAYERS, 4) is None and found((*LAYERS, Dropout()), 4) is None
    assert found((*LAYERS[:2], GlobalPooling()), 2) is None
    assert found(LAYERS, 4, (28, 28, 3)) is None, "the kernels of the first convolution are made to fit"
    assert found((Convolution(filters=4, l2=0.01), *LAYERS[1:]), 4) is None, (
        "it asks for something of the training only"
    )


def test_another_layer_is_named_with_how_many_fit_before_it():
    changed = (LAYERS[0], Pooling(size=4), *LAYERS[2:])
    problem = found(changed, 4)
    assert problem.fitting == 1 and problem.shape is None and problem.text.startswith("Layer 2 is “")
    assert found((Convolution(filters=5), *LAYERS[1:]), 4).fitting == 0


@pytest.mark.parametrize(
    ("layers", "label"),
    [
        ((LAYERS[0], Pooling(size=4), *LAYERS[2:]), "Make layer 2 as it was (Max pool 2)"),
        ((LAYERS[0], Dropout(), *LAYERS[1:]), "Remove layer 2"),
        ((LAYERS[0], *LAYERS[2:], Dropout()), "Put back layer 2 (Max pool 2)"),
        (LAYERS[:3], "Put back layer 4 (Dense 5 relu)"),
    ],
)
def test_what_was_changed_can_be_made_as_it_was(layers, label):
    problem = found(layers, 4)
    assert problem.repair.label == label
    assert found(tuple(problem.repair.apply(layers)), 4) is None


def test_another_size_is_named_with_the_size_that_fits():
    problem = found(LAYERS, 4, (32, 32, 1))
    assert (problem.fitting, problem.shape) == (3, (28, 28, 1))
    assert "Layer 4 (Dense 5 relu) has" in problem.text and "images are 28×28×1" in problem.text
    assert found(LAYERS, 3, (32, 32, 1)) is None


def test_more_layers_than_there_are():
    assert found(LAYERS[:3], 4).fitting == 3
    assert "has only 4 before its output layer" in found((*LAYERS, Dropout()), 5).text


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_is_described_without_its_weights(name):
    source = transfer_fit.described(name, None)
    layers = layers_of(name)
    assert source.layers == layers and not source.weights
    rows = trace((*layers, Dropout()), (96, 96, 3), 2)
    assert transfer_fit.problem(source, (*layers, Dropout()), rows, len(layers)) is None


def test_a_run_is_described_and_judged_as_with_its_weights(runs_folder):
    run = untrained({"dataset": "synthetic"}, "Flat", [layer.model_dump() for layer in LAYERS])
    source = transfer_fit.described(run.id, run)
    assert source.classes == run.config.data.card.class_names and source.title == "Flat"
    assert transfer_fit.described(run.id, None) is None and transfer_fit.described("gone", None) is None
    assert transfer_fit.described("x", runs.create(run.config, "Untrained")) is None, "it has no network yet"
    for size in ((28, 28), (32, 32)):
        config = RunConfig(
            data=Data(dataset="synthetic", image_size=size), layers=LAYERS, transfer={"source": run.id, "layers": 4}
        )
        problem = transfer_fit.problem(source, LAYERS, config.rows(), 4)
        if problem is None:
            fitting_weights(source_of(run.id), config)
        else:
            with pytest.raises(TransferImpossible) as caught:
                fitting_weights(source_of(run.id), config)
            assert str(caught.value) == problem.text
