"""Explanations against formulas in NumPy, finite differences, brute force, and networks whose answer is known."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnn import data, runs
from cnn.config import RunConfig, presets
from cnn.config.layers import Convolution, Dense, Flatten, GlobalPooling, Pooling, SkipConnection
from cnn.data import synthetic
from cnn.interpret import attribution
from cnn.interpret.attribution import METHODS, Explainer, enlarged, importance
from cnn.networks.build import build
from cnn.networks.forward import INPUT, PREACTIVATION, Forward
from cnn.networks.load import load
from tests.sampling import one_in

CAMS = [key for key, method in METHODS.items() if method.needs_layer]
SMALL = {"smooth_grad": {"copies": 1}, "integrated_gradients": {"points": 1}, "occlusion": {"window": 28}}
SMOOTH = (  # no ReLUs and no maxima: finite differences meet no kinks
    Convolution(filters=3, kernel=5, stride=2, activation="tanh"),
    Convolution(filters=3, activation="gelu", batch_normalisation=True),
    Convolution(filters=3, activation="tanh"),
    SkipConnection(),
    Pooling(mode="average"),
    Flatten(),
    Dense(units=8, activation="sigmoid"),
)


@pytest.fixture(autouse=True)
def same_weights() -> None:
    keras.utils.set_random_seed(5)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return data.scaled(synthetic.dataset(1, 9, "test")[0])[0]


def built(*layers) -> Explainer:
    return Explainer(Forward(build(RunConfig(layers=layers))))


def noise(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, np.float32)


def coloured() -> Explainer:
    """A network for colour images with strides, dilations and borders that no window reaches."""
    x = inputs = keras.Input((20, 24, 3))
    x = kl.Conv2D(4, 3, strides=2, activation="tanh", name="strided")(x)
    x = kl.Conv2D(4, 3, dilation_rate=2, activation="tanh", name="dilated")(x)
    x = kl.GlobalAveragePooling2D()(kl.AveragePooling2D(2, name="pooled")(x))
    return Explainer(Forward(keras.Model(inputs, kl.Dense(5, activation="softmax")(x))))


def headed(kernel: np.ndarray, pooled: bool) -> Explainer:
    """A network of one layer of feature maps with a linear head: global average pooling or flattening, and `kernel`."""
    inputs = keras.Input((4, 5, 2))
    x = kl.Conv2D(3, 3, padding="same", activation="relu", name="maps")(inputs)
    x = kl.GlobalAveragePooling2D()(x) if pooled else kl.Flatten()(x)
    network = keras.Model(inputs, kl.Dense(kernel.shape[1], activation="softmax")(x))
    network.layers[-1].set_weights([kernel, np.full(kernel.shape[1], 3.0)])
    return Explainer(Forward(network))


def score(explainer: Explainer, pictures: np.ndarray, class_: int) -> np.ndarray:
    """Logits from the model itself, float64 (n,)."""
    network = explainer.forward.model
    kernel, bias = network.layers[-1].get_weights()
    features = np.asarray(keras.Model(network.input, network.layers[-1].input)(pictures, training=False), float)
    return features @ kernel[:, class_] + bias[class_]


def slope_at(explainer: Explainer, pixels: np.ndarray, class_: int, layer: str, direction: np.ndarray) -> float:
    """By how much the score rises when a layer's maps move in a direction, by central differences."""

    def moved(by: float) -> float:
        values = explainer.forward.run(
            {INPUT: pixels[None]}, change=lambda name, value: value + by * direction if name == layer else value
        )
        return float(values[explainer.forward.output + PREACTIVATION][0, class_])

    step = 1e-2
    return (moved(step) - moved(-step)) / (2 * step)


# ---------------------------------------------------------------- class activation maps


def test_grad_cam_of_a_network_whose_weights_are_the_answer():
    """Behind global average pooling the mean gradient of a map is its dense weight, divided by its pixels."""
    kernel = np.array([[2.0, -1], [0, 1], [-3, 0.5]], np.float32)
    explainer, pixels = headed(kernel, pooled=True), noise(4, 5, 2)
    maps = np.asarray(explainer.forward.run({INPUT: pixels[None]})["maps"])[0]
    for class_ in (0, 1):
        expected = np.maximum((maps * kernel[:, class_] / 20).sum(-1), 0)
        assert explainer.grad_cam(pixels, class_, "maps") == pytest.approx(expected, abs=1e-6)
    assert explainer.grad_cam(pixels, 1, "maps").max() > 0


def formula(method: str, maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """The papers' equations, place by place."""
    height, width, channels = maps.shape
    result = np.zeros((height, width))
    for k in range(channels):
        a, g = maps[:, :, k].astype(float), gradients[:, :, k].astype(float)
        if method == "grad_cam":
            result += g.mean() * a
        elif method == "layer_cam":
            result += np.maximum(g, 0) * a
        else:
            weight = 0.0
            for i in range(height):
                for j in range(width):
                    if g[i, j]:
                        alpha = g[i, j] ** 2 / (2 * g[i, j] ** 2 + (a * g[i, j] ** 3).sum())
                        weight += alpha * max(g[i, j], 0)
            result += weight * a
    return np.maximum(result, 0)


@pytest.mark.parametrize("method", CAMS)
def test_activation_maps_are_the_papers_formulas_of_a_linear_heads_gradients(method):
    kernel = np.random.default_rng(4).normal(0.2, 1, (60, 2)).astype(np.float32)
    explainer, pixels = headed(kernel, pooled=False), noise(4, 5, 2)
    maps = np.asarray(explainer.forward.run({INPUT: pixels[None]})["maps"])[0]
    for class_ in (0, 1):
        expected = formula(method, maps, kernel[:, class_].reshape(4, 5, 3))
        assert expected.max() > 0.01
        found = getattr(explainer, method)(pixels, class_, "maps")
        assert found.dtype == np.float32 and found == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_activation_maps_follow_from_finite_differences():
    """At a small layer before further ones, with every single gradient measured."""
    explainer, pixels = built(Pooling(size=7, mode="average"), *SMOOTH), noise(28, 28, 1)
    layer = "activation"
    maps = np.asarray(explainer.forward.run({INPUT: pixels[None]})[layer])[0]
    gradients = np.zeros_like(maps)
    for place in np.ndindex(maps.shape):
        direction = np.zeros_like(maps)
        direction[place] = 1
        gradients[place] = slope_at(explainer, pixels, 2, layer, direction)
    for method in CAMS:
        found = getattr(explainer, method)(pixels, 2, layer)
        expected = formula(method, maps, gradients)
        assert found == pytest.approx(expected, rel=0.02, abs=1e-3 * np.abs(maps).max() * np.abs(gradients).max())


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    if not (one.any() or other.any()):
        return 1.0
    return float((one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other)))


@pytest.mark.slow
@pytest.mark.parametrize("layer", one_in(3, ["conv2d_2", "batch_normalization_5", "activation_5", "conv2d_7", "add_1"]))
def test_a_little_less_light_leaves_grad_cam_plus_plus_as_it_is(layer):
    """Before a ReLU, where maps have negative values, as behind it."""
    explainer = Explainer(Forward(load(runs.find("wardrobe"))))
    for pixels in data.scaled(synthetic.dataset(4, 9, "test")[0]):
        class_ = int(explainer.probabilities(pixels[None])[0].argmax())
        bright, dim = (explainer.grad_cam_plus_plus(np.float32(by) * pixels, class_, layer) for by in (1, 0.99))
        assert cosine(bright, dim) > 0.95


def test_grad_cam_plus_plus_of_negative_maps_has_weights_of_half_the_rise():
    """Two maps of one pixel each: -3 with the gradient 0.6, where the paper divides by 2 - 1.8, and 4 with 0.5."""
    inputs = keras.Input((1, 1, 2))
    x = kl.Activation("linear", name="maps")(inputs)
    network = keras.Model(inputs, kl.Dense(2, use_bias=False)(kl.Flatten()(x)))
    network.set_weights([np.array([[0.6, 0], [0.5, 0]])])
    pixels = np.array([[[-3, 4]]], np.float32)
    found = Explainer(Forward(network)).grad_cam_plus_plus(pixels, 0, "maps")
    assert found == pytest.approx(np.maximum(0, -3 * 0.6 / 2 + 4 * 0.5 / (2 + 4 * 0.5)), abs=1e-6)


def test_grad_cam_plus_plus_of_steep_gradients_stays_finite():
    """Their squares and cubes are beyond float32."""
    kernel = np.random.default_rng(4).normal(0, 1e25, (60, 2)).astype(np.float32)
    found = headed(kernel, pooled=False).grad_cam_plus_plus(noise(4, 5, 2), 0, "maps")
    assert np.isfinite(found).all() and found.max() > 0


@pytest.mark.slow
def test_the_gradients_at_every_layer_are_those_of_finite_differences(picture):
    """Also where a layer's maps take two ways to the score, one of them past other layers."""
    explainer = built(*SMOOTH)
    assert len(explainer.layers) == sum(len(row.output_shape) == 3 for row in RunConfig(layers=SMOOTH).rows())
    for layer in explainer.layers:
        maps, gradients = explainer._maps(picture, 3, layer, None)
        direction = np.random.default_rng(8).normal(0, 1, maps.shape).astype(np.float32)
        expected = slope_at(explainer, picture, 3, layer, direction)
        assert (direction * gradients).sum() == pytest.approx(expected, rel=0.02, abs=1e-3), layer


def test_what_is_added_counts_for_both_ways():
    """Score = sum of (x + 2 x): the gradient at x is 3, at the convolution behind it 1."""
    inputs = keras.Input((3, 3, 1))
    x = kl.Conv2D(1, 1, use_bias=False, name="first")(inputs)
    y = kl.Conv2D(1, 1, use_bias=False, name="second")(x)
    network = keras.Model(inputs, kl.Dense(2, use_bias=False)(kl.Flatten()(kl.Add(name="sum")([x, y]))))
    network.set_weights([np.full((1, 1, 1, 1), 1.0), np.full((1, 1, 1, 1), 2.0), np.ones((9, 2))])
    explainer, pixels = Explainer(Forward(network)), noise(3, 3, 1)
    for layer, gradient, factor in (("first", 3, 1), ("second", 1, 2), ("sum", 1, 3)):
        assert explainer.grad_cam(pixels, 0, layer) == pytest.approx(gradient * factor * pixels[..., 0], rel=1e-5)


def test_maps_have_their_layers_resolution():
    explainer, pixels = coloured(), noise(20, 24, 3)
    assert explainer.grad_cam(pixels, 0, "strided").shape == (9, 11)
    assert explainer.layer_cam(pixels, 0, "dilated").shape == (5, 7)
    assert explainer.grad_cam_plus_plus(pixels, 0, "pooled").shape == (2, 3)


def test_the_last_layer_is_one_that_no_pooling_has_made_small():
    assert built(*SMOOTH).last_layer == "add"
    assert built(Convolution(), Pooling(), GlobalPooling()).last_layer == "conv2d"
    assert built(Pooling(), Flatten()).last_layer == "max_pooling2d"
    assert coloured().last_layer == "dilated"


# ---------------------------------------------------------------- gradients by the image


@pytest.mark.parametrize("explainer", [lambda: built(*SMOOTH), coloured], ids=["skip connection", "colour"])
def test_saliency_is_the_slope_of_the_score(explainer):
    explainer = explainer()
    pixels, step = noise(*explainer.forward.model.input.shape[1:]), 1e-2
    found = explainer.saliency(pixels, 4)
    assert found.shape == pixels.shape and found.dtype == np.float32
    directions = np.random.default_rng(2).normal(0, 1, (5, *pixels.shape)).astype(np.float32)
    rises = score(explainer, pixels + step * directions, 4) - score(explainer, pixels - step * directions, 4)
    assert (found * directions).sum(axis=(1, 2, 3)) == pytest.approx(rises / (2 * step), rel=0.02, abs=2e-3)


def test_smooth_grad_without_noise_is_the_saliency(picture):
    explainer = built(*SMOOTH)
    found = explainer.smooth_grad(picture, 3, noise=0, copies=3)
    assert found == pytest.approx(explainer.saliency(picture, 3), rel=1e-4, abs=1e-6)


def test_smooth_grad_is_the_mean_over_noisy_pictures(picture):
    """In two batches, the second one not full."""
    explainer, dim = built(*SMOOTH), picture / 2 + 0.25
    found = explainer.smooth_grad(dim, 3, noise=0.2, copies=40, seed=7)
    drawn = np.random.default_rng(7).normal(0, 0.2 * (dim.max() - dim.min()), (40, 28, 28, 1)).astype(np.float32)
    expected = np.mean([explainer.saliency(dim + one, 3) for one in drawn], axis=0)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert np.array_equal(found, explainer.smooth_grad(dim, 3, noise=0.2, copies=40, seed=7))
    assert not np.array_equal(found, explainer.smooth_grad(dim, 3, noise=0.2, copies=40, seed=8))


def test_integrated_gradients_sum_to_the_rise_of_the_score(picture):
    for explainer in (built(*SMOOTH), built(Convolution(filters=6), Pooling(), Flatten(), Dense(units=20))):
        black, whole = score(explainer, np.stack([np.zeros_like(picture), picture]), 6)
        values, gap = explainer.integrated_gradients(picture, 6)
        assert abs(whole - black) > 0.02
        assert values.sum() == pytest.approx(whole - black, abs=0.01 * abs(whole - black) + 1e-4)
        assert gap == pytest.approx(values.sum() - (whole - black), abs=1e-4)
        assert not values[picture == 0].any()


def test_a_score_that_is_settled_near_black_is_integrated_there():
    """It rises as tanh(270 times the share of the image): at 1% of the way it is all but done."""
    inputs = keras.Input((3, 3, 1))
    x = kl.Dense(1, activation="tanh", use_bias=False)(kl.Flatten()(inputs))
    network = keras.Model(inputs, kl.Dense(2, activation="softmax", use_bias=False)(x))
    network.set_weights([np.full((9, 1), 30.0), np.array([[1.0, 0.0]])])
    values, gap = Explainer(Forward(network)).integrated_gradients(np.ones((3, 3, 1), np.float32), 0)
    assert values == pytest.approx(1 / 9, rel=0.02) and abs(gap) < 0.02


def test_the_gap_tells_how_wrong_few_points_are(picture):
    explainer = built(*SMOOTH)
    explainer.forward.model.layers[1].set_weights([8 * w for w in explainer.forward.model.layers[1].get_weights()])
    coarse, fine = (explainer.integrated_gradients(picture, 6, points=points) for points in (2, 256))
    assert abs(fine.gap) < 0.01 < abs(coarse.gap)
    black, whole = score(explainer, np.stack([np.zeros_like(picture), picture]), 6)
    assert coarse.gap == pytest.approx(coarse.values.sum() - (whole - black), abs=1e-3)


# ---------------------------------------------------------------- occlusion


def covered(explainer: Explainer, pixels: np.ndarray, class_: int, window: int, stride: int) -> np.ndarray:
    """What occlusion should find, window by window and pixel by pixel."""
    height, width, _ = pixels.shape
    tops = sorted({*range(0, height - window, stride), height - window})
    places = [(top, left) for top in tops for left in sorted({*range(0, width - window, stride), width - window})]
    pictures = np.repeat(pixels[None], len(places) + 1, axis=0)
    for picture, (top, left) in zip(pictures[1:], places, strict=True):
        picture[top : top + window, left : left + window] = 0
    whole, *others = score(explainer, pictures, class_)
    falls = [[[] for _ in range(width)] for _ in range(height)]
    for (top, left), other in zip(places, others, strict=True):
        for row in range(top, top + window):
            for column in range(left, left + window):
                falls[row][column].append(whole - other)
    return np.array([[np.mean(found) if found else 0.0 for found in row] for row in falls])


@pytest.mark.parametrize(("window", "stride"), [(6, 2), (5, 3), (8, 8), (20, 1)])
def test_occlusion_is_what_loops_find(window, stride):
    explainer, pixels = coloured(), noise(20, 24, 3)
    pixels[:8, :9] = 0
    found = explainer.occlusion(pixels, 1, window=window, stride=stride)
    expected = covered(explainer, pixels, 1, window, stride)
    assert found.dtype == np.float32 and found == pytest.approx(expected, abs=1e-5)
    assert np.abs(expected).max() > 1e-3


def test_windows_that_change_nothing_are_not_tried(picture, monkeypatch):
    explainer, tried = built(*SMOOTH), []
    scores = explainer.scores
    monkeypatch.setattr(explainer, "scores", lambda pictures, weights: tried.append(pictures) or scores(pictures))
    pixels = np.zeros_like(picture)
    pixels[13, 13] = 1
    found = explainer.occlusion(pixels, 0)
    assert len(tried[0]) == 1 + 4 * 4 and not tried[0][1:].any(), "8 of 28, every 2: 4 windows each way have the pixel"
    assert found[6:21, 6:21].any() and not found[:6].any() and not found[:, 22:].any()
    assert not explainer.occlusion(np.zeros_like(picture), 0).any()


def test_a_window_larger_than_the_picture_covers_it():
    explainer, pixels = coloured(), noise(20, 24, 3)
    whole, black = score(explainer, np.stack([pixels, np.zeros_like(pixels)]), 2)
    assert explainer.occlusion(pixels, 2, window=99) == pytest.approx(np.full((20, 24), whole - black), abs=1e-5)


# ---------------------------------------------------------------- all of them


def test_a_linear_networks_explanations_are_its_weights(picture):
    explainer = built(Flatten())
    kernel, bias = explainer.forward.model.layers[-1].get_weights()
    explainer.forward.model.layers[-1].set_weights([kernel, bias + 100 * np.eye(10)[7]])  # a probability of 1
    weights = kernel[:, 7].reshape(28, 28, 1)
    assert explainer.saliency(picture, 7) == pytest.approx(weights)
    assert explainer.smooth_grad(picture, 7) == pytest.approx(weights, abs=1e-6)
    values, gap = explainer.integrated_gradients(picture, 7)
    assert values == pytest.approx(weights * picture, abs=1e-6) and gap == pytest.approx(0, abs=1e-4)
    found = explainer.occlusion(picture, 7, window=4, stride=4)
    sums = (weights * picture)[..., 0].reshape(7, 4, 7, 4).sum(axis=(1, 3))
    assert found == pytest.approx(np.kron(sums, np.ones((4, 4))), abs=1e-4)
    assert explainer.explain("saliency", picture, 7) == pytest.approx(weights[..., 0])


def test_a_network_without_feature_maps_has_no_activation_maps(picture):
    explainer = built(Flatten(), Dense(units=5))
    assert explainer.layers == [] and explainer.last_layer is None
    for method in CAMS:
        with pytest.raises(ValueError, match="This network has no feature maps"):
            explainer.explain(method, picture, 0)
    for method in METHODS.keys() - CAMS:
        assert explainer.explain(method, picture, 0).any()


def test_what_cannot_be_explained_is_said(picture):
    explainer = built(*SMOOTH)
    with pytest.raises(ValueError, match="flatten has no feature maps"):
        explainer.explain("grad_cam", picture, 0, "flatten")
    with pytest.raises(ValueError, match="No method is named 'lime': choose one of grad_cam,"):
        explainer.explain("lime", picture, 0)


@pytest.mark.parametrize("name", one_in(3, [name for name in presets() if name not in ("dense", "transfer")]))
def test_every_preset_with_a_convolution_can_be_explained(name, picture):
    explainer = Explainer(Forward(build(presets()[name], precision="float32")))
    for method in METHODS:
        if method in CAMS:
            found = explainer.explain(method, picture, 3)
            assert found.min() >= 0
        else:
            found = getattr(explainer, method)(picture, 3, **SMALL.get(method, {}))
            found = getattr(found, "values", found)
        assert found.shape[:2] == (28, 28) and found.dtype == np.float32 and np.isfinite(found).all()
        assert found.any() or method == "grad_cam", method


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_map_of_the_pictures_size(method):
    explainer, pixels = coloured(), noise(20, 24, 3)
    found = explainer.explain(method, pixels, 1)
    assert found.shape == (20, 24) and found.dtype == np.float32
    layer = [explainer.last_layer] if METHODS[method].needs_layer else []
    values = getattr(explainer, method)(pixels, 1, *layer)
    values = getattr(values, "values", values)
    values = values.sum(-1) if values.ndim == 3 else enlarged(values, (20, 24))
    assert np.array_equal(found, values)
    assert (found < 0).any() if METHODS[method].signed else (found >= 0).all()


@pytest.mark.slow
def test_other_weights_explain_the_network_that_has_them(picture):
    layers = (
        Convolution(filters=4, batch_normalisation=True),
        Convolution(filters=4),
        SkipConnection(over=1),
        Flatten(),
    )
    explainer, other = built(*layers), built(*layers)
    own = explainer.forward.weights()
    weights = other.forward.weights()
    for method in METHODS:
        expected = other.explain(method, picture, 2)
        assert explainer.explain(method, picture, 2, None, weights) == pytest.approx(expected, abs=1e-5), method
        assert np.abs(explainer.explain(method, picture, 2) - expected).max() > 0.1 * np.abs(expected).max(), method
    assert all(
        np.array_equal(a, b) for name in own for a, b in zip(own[name], explainer.forward.weights()[name], strict=True)
    )

    output = {explainer.forward.output: weights[explainer.forward.output]}
    other.forward.model.set_weights(explainer.forward.model.get_weights())
    other.forward.model.layers[-1].set_weights(weights[explainer.forward.output])
    assert explainer.saliency(picture, 2, output) == pytest.approx(other.saliency(picture, 2), abs=1e-6)


def test_new_weights_and_classes_compile_nothing_again(picture):
    explainer = built(Convolution(filters=4), Flatten())
    weights = explainer.forward.weights()
    for class_ in (0, np.int64(1), 2):
        mixed = {name: [array + np.float32(class_) for array in arrays] for name, arrays in weights.items()}
        for method in METHODS:
            explainer.explain(method, picture, class_, None, mixed)
            explainer.explain(method, picture, class_)
    counts = {name: function.experimental_get_tracing_count() for name, function in explainer._compiled.items()}
    assert counts == {INPUT: 2 * 2, "conv2d": 2, "answers": 2 * 2}, "for own and other weights, of one or two sizes"


def test_a_network_that_trains_on_is_explained_as_it_is_now(picture):
    explainer = built(Flatten())
    first = explainer.saliency(picture, 0)
    explainer.forward.model.set_weights([2 * weights for weights in explainer.forward.model.get_weights()])
    assert explainer.saliency(picture, 0) == pytest.approx(2 * first)


def test_scores_and_probabilities_are_the_models(picture):
    explainer, pictures = coloured(), noise(70, 20, 24, 3)
    answers = np.asarray(explainer.forward.model(pictures))
    assert explainer.probabilities(pictures) == pytest.approx(answers, abs=1e-5)
    assert explainer.scores(pictures)[:, 3] == pytest.approx(score(explainer, pictures, 3), abs=1e-5)


def test_enlarging_is_bilinear():
    found = enlarged(np.array([[0, 4], [8, 12]], np.float32), (4, 4))
    assert found[0].tolist() == [0, 1, 3, 4] and found[:, 0].tolist() == [0, 2, 6, 8]
    assert enlarged(np.ones((3, 2), np.float32), (20, 24)).tolist() == np.ones((20, 24)).tolist()
    values = noise(5, 6)
    assert np.array_equal(enlarged(values, (5, 6)), values)


def test_the_more_important_pixel_has_the_steeper_slope_or_the_larger_value():
    values = np.array([[-3.0, 1.0]])
    assert importance("saliency", values).tolist() == importance("smooth_grad", values).tolist() == [[3, 1]]
    assert all(importance(key, values).tolist() == [[-3, 1]] for key, method in METHODS.items() if not method.slope)


def test_a_few_extreme_values_do_not_hide_the_rest_of_a_large_map():
    values = np.random.default_rng(0).normal(size=(100, 80)).astype(np.float32)
    values[3, 4], values[50, 60] = 900, -700
    made = attribution.shown(values)
    assert np.abs(made).max() < 4 and made[3, 4] == made.max() and made[50, 60] == made.min()
    inner = np.abs(values) < 2
    np.testing.assert_array_equal(made[inner], values[inner])
    assert attribution.shown(values[:28, :28]) is not None and attribution.shown(values[:28, :28]).max() == 900
    sparse = np.zeros((100, 100), np.float32)
    sparse[0, 0] = 1
    np.testing.assert_array_equal(attribution.shown(sparse), sparse)
