"""Networks as files for other programs: each answers 100 images as Keras does."""

import io
from itertools import chain
from typing import get_args

import keras
import numpy as np
import onnx
import pytest

from cnn import data, runs
from cnn.config import presets
from cnn.config.layers import KINDS, Activation
from cnn.evaluation.examples import read_examples
from cnn.networks.build import build
from cnn.networks.exports import browser_page, litert, onnx_file
from cnn.networks.exports.operations import compute, operations
from cnn.networks.load import load
from tests.networks.every_layer import COLOUR, STACKS, disturbed, images, network, other_shape
from tests.sampling import one_in

CLASSES = ("one", "<two>", "three & four")


def page(model: keras.Model, **words: str) -> str:
    classes = CLASSES * (model.output_shape[-1] // 3 + 1)
    words = {"name": "A network", "about": "", **words}
    return browser_page.browser_page(
        operations(model), model.input_shape[1:], classes[: model.output_shape[-1]], **words
    )


def written(model: keras.Model) -> dict[str, object]:
    """Each float file of a network, loaded again."""
    steps = operations(model)
    return {
        "operations": lambda x: compute(steps, x),
        "litert": litert.Interpreter(litert.litert(model)),
        "onnx": onnx_file.Session(onnx_file.onnx_file(steps, model.input_shape[1:])),
        "page": browser_page.Page(page(model)),
    }


def differences(model: keras.Model, x: np.ndarray) -> dict[str, float]:
    expected = model.predict(x, verbose=0)
    return {name: float(np.abs(answer(x) - expected).max()) for name, answer in written(model).items()}


@pytest.mark.parametrize("name", [*COLOUR, *one_in(2, [*STACKS, "tiny", "other shape"])])
def test_every_file_answers_as_the_network(name):
    if name == "tiny":
        model = disturbed(build(presets()["tiny"]))
    else:
        model = other_shape() if name == "other shape" else network(name)
    x = images(model)
    assert model.predict(x, verbose=0).std(axis=0).max() > 0.002  # the answers differ
    assert max(differences(model, x).values()) < 1e-5


def test_the_networks_have_every_kind_of_layer():
    layers = [*chain(*STACKS.values(), *COLOUR.values())]
    assert {layer.kind for layer in layers} == set(KINDS)
    assert {layer.activation for layer in layers if hasattr(layer, "activation")} == set(get_args(Activation))


@pytest.mark.parametrize("name", ["lenet5", "blocks"])
def test_eight_bits_are_smaller_and_answer_nearly_the_same(name):
    model = network(name) if name in COLOUR else build(presets()[name])
    x = images(model)
    content = litert.litert(model, x)
    assert len(content) < (0.35 if name == "lenet5" else 0.9) * len(litert.litert(model)), name
    answered, expected = litert.Interpreter(content)(x), model.predict(x, verbose=0)
    assert answered.dtype == np.float32 and np.abs(answered - expected).max() < 0.1
    assert np.mean(answered.argmax(axis=1) == expected.argmax(axis=1)) > 0.9


def test_what_only_training_needs_is_gone():
    kinds = [step.kind for step in operations(network("every kind"))]
    assert "dropout" not in kinds and not [kind for kind in kinds if "normal" in kind]
    assert kinds.count("depthwise convolution") == 3  # two of them are halves of separable ones


def test_an_unknown_layer_is_refused():
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, keras.layers.UpSampling2D(name="larger")(inputs))
    with pytest.raises(ValueError, match="larger is a UpSampling2D"):
        operations(model)


def test_the_onnx_file_says_what_goes_in_and_what_comes_out():
    model = other_shape()
    made = onnx.load(io.BytesIO(onnx_file.onnx_file(operations(model), model.input_shape[1:])))
    shapes = [
        [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (made.graph.input[0], made.graph.output[0])
    ]
    assert shapes == [["n", 13, 18, 3], ["n", 3]]
    assert (made.graph.input[0].name, made.graph.output[0].name) == ("image", "probabilities")


def test_the_page_of_a_large_network_stays_below_four_megabytes_and_equal():
    lecture = build(presets()["lecture"])
    content = page(lecture)
    assert 3_700_000 < len(content.encode()) < 4_000_000
    x = images(lecture, 8)
    assert np.abs(browser_page.Page(content)(x) - lecture.predict(x, verbose=0)).max() < 1e-3


def test_names_in_the_page_are_text_and_no_markup():
    content = page(other_shape(), name="<b>Bold</b> & </script>", about="90% of <all>")
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; &lt;/script&gt;" in content and "90% of &lt;all&gt;" in content
    assert "<two>" not in content and "\\u003ctwo>" in content
    assert "default-src 'none'" in content and "http" not in content.replace("http-equiv", "")


@pytest.mark.parametrize("width", [2, 3])
def test_whole_numbers_are_read_as_they_were_written(width):
    weights = np.random.default_rng(0).normal(0, [1e-4, 1.0, 1e3], (50, 3)).astype(np.float32)
    weights[:, 1] = 0
    content, scales = browser_page._whole(weights, width)
    again = browser_page._decoded(content, width).reshape(-1, 3) * scales
    assert len(content) == 150 * width
    assert (np.abs(again - weights) <= 0.51 * scales).all() and (again[:, 1] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("run", runs.shipped(), ids=lambda run: run.id)
def test_the_files_of_the_shipped_networks_answer_as_these(run):
    model = load(run)
    x = data.scaled(read_examples(run).images)
    assert len(x) == (26 if run.id == runs.COLOUR_ID else 100)
    found = differences(model, x)
    assert max(found["operations"], found["litert"], found["onnx"]) < 1e-5
    assert found["page"] < 2e-3, "its weights have 16 bits"
