"""Whether explanations are judged rightly: networks and maps for which the judgement is known."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers as kl

from cnn import data
from cnn.data import synthetic
from cnn.interpret.attribution import METHODS, Explainer
from cnn.interpret.faithfulness import (
    APART,
    ORDERS,
    SAME,
    SCRAMBLINGS,
    STEPS,
    agreement,
    by_chance,
    deletion,
    insertion,
    randomisation,
    rank_correlation,
    scrambled,
    structural_similarity,
)
from cnn.networks.forward import Forward, Weights
from cnn.networks.load import load

PIXELS = np.random.default_rng(3).uniform(0.2, 1, (14, 14, 1)).astype(np.float32)
WHERE = 5, 9  # the pixel that `one_pixel` looks at


def linear(kernel: np.ndarray) -> Explainer:
    """A network whose logits are the image times `kernel` (14, 14, classes), summed."""
    inputs = keras.Input((14, 14, 1))
    output = kl.Dense(kernel.shape[-1], activation="softmax", use_bias=False)
    network = keras.Model(inputs, output(kl.Flatten()(inputs)))
    output.set_weights([kernel.reshape(196, -1)])
    return Explainer(Forward(network))


@pytest.fixture(scope="module")
def one_pixel() -> Explainer:
    kernel = np.zeros((14, 14, 2))
    kernel[(*WHERE, 0)] = 10
    return linear(kernel)


@pytest.fixture(scope="module")
def spread() -> Explainer:
    """Looks at all pixels, half of which speak for the first class and half against it."""
    return linear(np.random.default_rng(6).normal(0, 0.3, (14, 14, 2)))


@pytest.fixture(scope="module")
def learned(tiny) -> Explainer:
    return Explainer(Forward(load(tiny)))


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return data.scaled(synthetic.dataset(4, 9, "test")[0])


# ---------------------------------------------------------------- deletion and insertion


def test_a_perfect_map_deletes_what_the_network_looks_at_in_the_first_step(one_pixel):
    perfect = np.zeros((14, 14))
    perfect[WHERE] = 1
    sure = 1 / (1 + np.exp(-10 * PIXELS[WHERE].item()))
    found = deletion(one_pixel, PIXELS, 0, perfect)
    assert found.shares == pytest.approx(np.arange(STEPS + 1) / STEPS)
    assert found.probabilities == pytest.approx([sure] + [0.5] * STEPS, abs=1e-5)
    assert found.area == pytest.approx(0.5 + (sure - 0.5) / 2 / STEPS, abs=1e-5)

    found = insertion(one_pixel, PIXELS, 0, perfect)
    assert found.probabilities == pytest.approx([0.5] + [sure] * STEPS, abs=1e-5)
    assert found.area == pytest.approx(sure - (sure - 0.5) / 2 / STEPS, abs=1e-5)


def test_the_worst_map_deletes_it_last(one_pixel):
    worst = np.ones((14, 14))
    worst[WHERE] = -1
    found = deletion(one_pixel, PIXELS, 0, worst)
    assert found.probabilities[-2] == found.probabilities[0] > found.probabilities[-1]
    assert found.area > by_chance(deletion, one_pixel, PIXELS, 0).area
    assert insertion(one_pixel, PIXELS, 0, worst).area < by_chance(insertion, one_pixel, PIXELS, 0).area


@pytest.mark.parametrize("measure", [deletion, insertion])
def test_a_curve_is_the_network_asked_step_by_step(spread, measure):
    importance = np.random.default_rng(1).permutation(196).reshape(14, 14)
    found = measure(spread, PIXELS, 1, importance)
    expected = []
    for step in range(STEPS + 1):
        first = importance >= 196 - 7 * step  # 7 of 196 pixels a step
        picture = np.where(first != (measure is insertion), 0, PIXELS[..., 0])
        logits = picture.ravel() @ spread.forward.weights()[spread.forward.output][0]
        expected.append(np.exp(logits[1]) / np.exp(logits).sum())
    assert found.probabilities == pytest.approx(expected, abs=1e-5)
    assert found.area == pytest.approx((np.array(expected[1:]) + expected[:-1]).mean() / 2, abs=1e-5)


def test_both_curves_end_where_the_other_begins(learned, pictures):
    importance = pictures[0, ..., 0]
    away, back = (measure(learned, pictures[0], 3, importance).probabilities for measure in (deletion, insertion))
    whole, black = learned.probabilities(np.stack([pictures[0], np.zeros_like(pictures[0])]))[:, 3]
    assert (away[0], away[-1]) == pytest.approx((whole, black), abs=1e-6)
    assert (back[0], back[-1]) == pytest.approx((black, whole), abs=1e-6)


def test_a_network_that_is_summed_up_by_its_gradient_is_explained_better_than_by_chance(spread):
    contributions = spread.integrated_gradients(PIXELS, 0).values[..., 0]
    assert deletion(spread, PIXELS, 0, contributions).area < by_chance(deletion, spread, PIXELS, 0).area - 0.1
    assert insertion(spread, PIXELS, 0, contributions).area > by_chance(insertion, spread, PIXELS, 0).area + 0.1


def test_chance_is_the_mean_over_random_orders_and_always_the_same(spread):
    generator = np.random.default_rng(0)
    curves = [deletion(spread, PIXELS, 0, generator.random((14, 14))) for _ in range(ORDERS)]
    found = by_chance(deletion, spread, PIXELS, 0)
    assert found.probabilities == pytest.approx(np.mean([curve.probabilities for curve in curves], axis=0))
    assert found.area == pytest.approx(np.trapezoid(found.probabilities, found.shares))
    assert found.area == by_chance(deletion, spread, PIXELS, 0).area


def test_pixels_of_one_value_take_turns_at_random():
    """In reading order a map that says nothing would do well wherever a network looks at the top."""
    kernel = np.zeros((14, 14, 2))
    kernel[:2, :, 0] = 1
    top = linear(kernel)
    found = deletion(top, PIXELS, 0, np.full((14, 14), 3.0))
    assert found.probabilities[STEPS // 7] > 0.99, "in reading order two rows would be gone by now"


def test_curves_of_other_weights_are_those_of_the_network_that_has_them(one_pixel, spread):
    weights = {one_pixel.forward.output: spread.forward.weights()[spread.forward.output]}
    importance = PIXELS[..., 0]
    found = deletion(one_pixel, PIXELS, 1, importance, weights)
    assert found.probabilities == pytest.approx(deletion(spread, PIXELS, 1, importance).probabilities, abs=1e-6)
    assert by_chance(insertion, one_pixel, PIXELS, 1, weights).area == pytest.approx(
        by_chance(insertion, spread, PIXELS, 1).area, abs=1e-6
    )


def test_a_colour_pictures_pixels_go_with_all_their_channels():
    inputs = keras.Input((4, 7, 3))
    explainer = Explainer(Forward(keras.Model(inputs, kl.Dense(2, activation="softmax")(kl.Flatten()(inputs)))))
    pixels, asked = np.ones((4, 7, 3), np.float32), []
    explainer.probabilities = lambda pictures, weights: asked.append(pictures) or np.zeros((len(pictures), 2))
    deletion(explainer, pixels, 0, np.arange(28.0).reshape(4, 7))
    (shown,) = asked
    assert shown.dtype == np.float32 and np.array_equal(shown[10, ..., 0].ravel(), np.arange(28) < 18)
    assert np.array_equal(shown[..., 0], shown[..., 2])


# ---------------------------------------------------------------- randomisation


def test_scrambled_weights_are_the_same_numbers_elsewhere(learned):
    weights = learned.forward.weights()
    found = scrambled(weights, 1)
    assert list(found) == list(weights)
    for name in weights:
        for own, other in zip(weights[name], found[name], strict=True):
            assert own.shape == other.shape and own.dtype == other.dtype
            assert np.array_equal(np.sort(own, axis=None), np.sort(other, axis=None))
            assert not np.array_equal(own, other), name
    again, otherwise = scrambled(weights, 1), scrambled(weights, 2)
    assert all(np.array_equal(a, b) for name in found for a, b in zip(found[name], again[name], strict=True))
    assert not np.array_equal(found["conv2d"][0], otherwise["conv2d"][0])
    assert all(
        np.array_equal(a, b) for a, b in zip(weights["conv2d"], learned.forward.weights()["conv2d"], strict=True)
    )


def test_a_layer_is_scrambled_alike_whichever_others_are(learned):
    weights = learned.forward.weights()
    found, every = scrambled(weights, 1, ["dense"]), scrambled(weights, 1)
    assert np.array_equal(found["dense"][0], every["dense"][0])
    assert np.array_equal(found["conv2d"][0], weights["conv2d"][0])


def outline(pixels: np.ndarray) -> np.ndarray:
    return np.hypot(*np.gradient(pixels[..., 0]))


def test_a_map_of_the_pictures_edges_is_not_about_the_model(learned, pictures):
    found = randomisation(lambda weights: outline(pictures[0]), learned.forward.weights())
    assert found.verdict == "not about the model"
    for stage in found.stages:
        assert (stage.correlation, stage.signed, stage.similarity) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("method", ["grad_cam", "grad_cam_plus_plus", "saliency"])
def test_maps_of_a_trained_network_are_about_the_model(learned, pictures, method):
    weights = learned.forward.weights()
    for pixels in pictures:
        class_ = int(learned.probabilities(pixels[None])[0].argmax())
        found = randomisation(lambda w, x=pixels, c=class_: learned.explain(method, x, c, None, w), weights)
        assert found.verdict == "about the model"
        assert found.stages[-1].layers == ("conv2d", "conv2d_1", "dense") and found.stages[0].layers == ("dense",)


def signs(weights: Weights, pixels: np.ndarray) -> np.ndarray:
    """Strong where the image is bright; only the signs depend on the weights."""
    seed = int(np.abs(weights["conv2d"][0].ravel()[:3] * 1e6).sum())
    return pixels[..., 0] * np.random.default_rng(seed).choice([-1, 1], pixels.shape[:2])


def test_a_map_whose_places_are_the_pictures_is_about_the_model_in_its_signs_only(learned, pictures):
    found = randomisation(lambda weights: signs(weights, pictures[0]), learned.forward.weights())
    assert found.verdict == "about the model in its signs only"
    assert found.stages[-1].correlation == pytest.approx(1) and found.stages[-1].signed < SAME


def test_a_map_that_is_the_same_everywhere_says_nothing(learned):
    for value in (0.0, 2.0, np.nan):
        found = randomisation(lambda weights, value=value: np.full((28, 28), value), learned.forward.weights())
        assert found == ((), "says nothing")


def test_a_map_of_which_nothing_is_left_is_about_the_model(learned, pictures):
    weights = learned.forward.weights()
    own = weights["dense"][0]
    found = randomisation(lambda w: outline(pictures[0]) * np.array_equal(w["dense"][0], own), weights)
    assert found.verdict == "about the model"
    assert found.stages[-1] == (("conv2d", "conv2d_1", "dense"), None, None, None)


def test_the_cascade_goes_down_from_the_output_layer(learned, pictures):
    seen = []

    def explain(weights: Weights) -> np.ndarray:
        seen.append([name for name in weights if not np.array_equal(weights[name][0], own[name][0])])
        return outline(pictures[0])

    own = learned.forward.weights()
    found = randomisation(explain, own, cascade=True)
    ways = [["dense"], ["conv2d_1", "dense"], ["conv2d", "conv2d_1", "dense"]]
    assert [list(stage.layers) for stage in found.stages] == ways
    assert seen == [[], *(way for way in ways for _ in range(SCRAMBLINGS))]


def test_the_numbers_are_means_over_the_scramblings(learned, pictures):
    weights, layer = learned.forward.weights(), "conv2d_1"

    def explain(weights: Weights) -> np.ndarray:
        return learned.explain("layer_cam", pictures[1], 0, layer, weights)

    (*_, found) = randomisation(explain, weights).stages
    own = explain(weights)
    others = [explain(scrambled(weights, seed)) for seed in range(SCRAMBLINGS)]
    assert found.correlation == pytest.approx(np.mean([rank_correlation(own, other) for other in others]))
    assert found.similarity == pytest.approx(np.mean([structural_similarity(own, other) for other in others]))


def test_a_network_of_one_layer_has_one_stage(one_pixel):
    found = randomisation(lambda weights: PIXELS[..., 0], one_pixel.forward.weights())
    assert len(found.stages) == 1


# ---------------------------------------------------------------- similarity and agreement


def test_the_rank_correlation_is_that_of_the_ranks():
    generator = np.random.default_rng(5)
    one, other = generator.integers(0, 6, (2, 9, 7)).astype(float)  # many ties
    ranks = [pd.Series(values.ravel()).rank() for values in (one, other)]
    assert rank_correlation(one, other) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert rank_correlation(one, np.exp(one)) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)


def test_a_map_that_is_the_same_everywhere_has_no_correlation():
    varied = PIXELS[..., 0]
    for flat in (np.zeros_like(varied), np.full_like(varied, 0.3), np.full_like(varied, np.nan)):
        assert rank_correlation(varied, flat) is None is rank_correlation(flat, varied)


def test_structural_similarity_is_the_mean_over_windows():
    one, other = np.random.default_rng(2).random((2, 9, 12))
    kernel = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    kernel = np.outer(kernel, kernel) / kernel.sum() ** 2
    a, b = (np.pad(values / values.max(), 5, mode="reflect") for values in (one, other))
    found = []
    for row, column in np.ndindex(one.shape):
        x, y = a[row : row + 11, column : column + 11], b[row : row + 11, column : column + 11]
        mean_x, mean_y = (kernel * x).sum(), (kernel * y).sum()
        spread_x, spread_y = (kernel * (x - mean_x) ** 2).sum(), (kernel * (y - mean_y) ** 2).sum()
        both = (kernel * (x - mean_x) * (y - mean_y)).sum()
        level = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
        found.append(level * (2 * both + 9e-4) / (spread_x + spread_y + 9e-4))
    assert structural_similarity(one, other) == pytest.approx(np.mean(found), abs=1e-6)
    assert structural_similarity(one, 7 * one) == pytest.approx(1)
    assert abs(structural_similarity(one, np.zeros_like(one))) < 0.1


def test_agreement_names_the_pairs_that_disagree():
    one = PIXELS[..., 0]
    other = np.random.default_rng(1).random(one.shape)
    maps = {"a": one, "b": one**2, "c": -one, "d": other, "flat": np.zeros_like(one)}
    found = agreement(maps)
    assert found.names == ("a", "b", "c", "d", "flat")
    assert np.array_equal(found.matrix, found.matrix.T, equal_nan=True)
    assert found.matrix[0, 1] == pytest.approx(1) and found.matrix[0, 2] == pytest.approx(-1)
    assert found.matrix[0, 3] == pytest.approx(rank_correlation(one, other))
    assert np.diag(found.matrix)[:4].tolist() == [1] * 4 and np.isnan(found.matrix[4]).all()
    assert found.mean == pytest.approx(np.mean(found.matrix[:4, :4][np.triu_indices(4, 1)]))
    assert [pair[:2] for pair in found.apart[:2]] in ([("a", "c"), ("b", "c")], [("b", "c"), ("a", "c")])
    assert ("a", "b") not in [pair[:2] for pair in found.apart]
    assert all(value < APART for *_, value in found.apart)
    assert [value for *_, value in found.apart] == sorted(value for *_, value in found.apart)


@pytest.mark.parametrize("maps", [{}, {"a": PIXELS[..., 0]}, {"a": PIXELS[..., 0], "b": np.zeros((14, 14))}])
def test_without_two_maps_there_is_no_agreement(maps):
    found = agreement(maps)
    assert found.mean is None and found.apart == () and found.matrix.shape == (len(maps), len(maps))


def test_every_method_can_be_judged(learned, pictures):
    maps = {key: learned.explain(key, pictures[2], 1) for key in METHODS}
    found = agreement(maps)
    assert np.isfinite(found.matrix).sum() >= 25 and -1 <= found.mean <= 1
    for values in maps.values():
        for measure in (deletion, insertion):
            assert 0 <= measure(learned, pictures[2], 1, values).area <= 1
