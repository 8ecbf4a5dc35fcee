"""Principal components, t-SNE, where a new image goes, and how much a map may be believed."""

import numpy as np
import pytest

from cnn.interpret import embedding
from cnn.interpret.embedding import Fidelity, agreement, fidelity, pca, placed, tsne

_RANDOM = np.random.default_rng(5)
FEATURES = (_RANDOM.normal(0, 1, (80, 6)) @ _RANDOM.normal(0, 1, (6, 12)) + 3).astype(np.float32)
LABELS = np.repeat(np.arange(3), 40)
BLOBS = (10 * np.eye(60)[LABELS] + _RANDOM.normal(0, 1, (120, 60))).astype(np.float32)


@pytest.mark.parametrize("features", [FEATURES, FEATURES[:7]], ids=["tall", "wide"])
def test_principal_components_are_those_of_a_singular_value_decomposition(features):
    found = pca(features, 4)
    centred = features.astype(np.float64) - features.mean(0)
    _, strengths, axes = np.linalg.svd(centred, full_matrices=False)
    assert found.explained == pytest.approx((strengths**2 / (strengths**2).sum())[:4], abs=1e-5)
    same_way = np.abs((found.axes * axes[:4]).sum(axis=1))
    assert same_way == pytest.approx(np.ones(4), abs=1e-3)
    assert np.abs(found.scores) == pytest.approx(np.abs(centred @ axes[:4].T), abs=1e-2)


def test_all_components_explain_everything_and_no_more_are_given():
    found = pca(FEATURES)
    assert found.scores.shape == (80, 12)
    assert found.explained.sum() == pytest.approx(1)
    assert (np.diff(found.explained) <= 1e-9).all()


def test_a_picture_that_was_arranged_is_projected_onto_its_own_score():
    found = pca(FEATURES, 2)
    assert found.project(FEATURES[11:13]) == pytest.approx(found.scores[11:13], abs=1e-4)
    assert found.project(FEATURES.mean(0, keepdims=True)) == pytest.approx(np.zeros((1, 2)), abs=1e-4)


def test_a_direction_does_not_turn_round():
    assert pca(FEATURES[::-1]).axes[:3] == pytest.approx(pca(FEATURES).axes[:3], abs=1e-3)


@pytest.mark.parametrize("features", [FEATURES, FEATURES[:7]], ids=["tall", "wide"])
def test_the_largest_part_of_a_direction_is_positive(features):
    axes = pca(features).axes
    assert (axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] > 0).all()
    assert axes @ axes.T == pytest.approx(np.eye(len(axes)), abs=1e-4)


def test_many_features_have_the_same_first_components_each_time():
    chance = np.random.default_rng(5)
    wide = chance.normal(0, 1, (300, 5)) @ chance.normal(0, 1, (5, 900)) + chance.normal(0, 0.1, (300, 900))
    found, again = pca(wide, 5), pca(wide, 5)
    centred = wide - wide.mean(0)
    strengths = np.linalg.svd(centred, compute_uv=False)
    assert np.array_equal(found.axes, again.axes)
    assert found.explained == pytest.approx((strengths**2 / (strengths**2).sum())[:5], abs=1e-4)
    assert (found.scores**2).sum(axis=0) == pytest.approx(strengths[:5] ** 2, rel=1e-4)


@pytest.mark.parametrize("shape", [(9, 3), (3, 9), (20, 30), (1, 4)], ids=str)
@pytest.mark.parametrize("value", [0.0, 0.1, 1.0])
def test_nothing_is_explained_where_nothing_varies(shape, value):
    found = pca(np.full(shape, value, np.float32))
    assert not found.explained.any()
    assert found.scores == pytest.approx(np.zeros((shape[0], min(shape))), abs=1e-6)


def test_one_feature_that_varies_among_constant_ones_explains_everything():
    features = np.full((9, 3), 0.1, np.float32)
    features[:, 1] = np.arange(9)
    found = pca(features)
    assert found.explained == pytest.approx([1, 0, 0], abs=1e-6)
    assert found.axes[0] == pytest.approx([0, 1, 0], abs=1e-6)


@pytest.fixture(scope="module")
def arranged() -> np.ndarray:
    return tsne(BLOBS, seed=1)


def test_the_same_seed_gives_the_same_map(arranged):
    assert np.array_equal(tsne(BLOBS, seed=1), arranged)
    assert arranged.shape == (120, 2)


def test_groups_that_are_apart_stay_apart(arranged):
    assert agreement(arranged, LABELS) == 1
    centres = np.stack([arranged[label == LABELS].mean(0) for label in range(3)])
    spread = max(np.linalg.norm(arranged - centres[LABELS], axis=1))
    between = min(np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert between > 1.5 * spread


def test_only_the_first_components_are_arranged(monkeypatch):
    """Features that differ in nothing but a weaker component give the same map."""
    monkeypatch.setattr(embedding, "COMPONENTS", 2)
    chance = np.random.default_rng(5)
    strong = chance.normal(0, 10, (30, 2))
    strong -= strong.mean(0)
    weak = chance.normal(0, 1e-3, (30, 1))
    both = np.hstack([strong, weak - weak.mean()])
    reduced = pca(both, 2).scores
    assert np.array_equal(tsne(both), tsne(reduced))


def test_few_pictures_are_arranged_too():
    assert np.isfinite(tsne(BLOBS[:5])).all()


def test_a_new_picture_goes_among_its_neighbours(arranged):
    new = BLOBS[LABELS == 2][:6].mean(0)
    place = placed(new, BLOBS, arranged)
    assert (LABELS[np.argsort(np.linalg.norm(arranged - place, axis=1))[:10]] == 2).all()


def test_a_picture_that_is_on_the_map_stays_where_it_is(arranged):
    assert placed(BLOBS[7], BLOBS, arranged) == pytest.approx(arranged[7], abs=1e-3)


def test_nearer_neighbours_count_more():
    reference, places = np.array([[0.0], [3.0], [100.0]]), np.array([[0.0, 0], [10, 20], [900, 900]])
    assert placed(np.array([1.0]), reference, places, count=2) == pytest.approx([2.0, 4.0])  # weights 1 and 1/4


def test_agreement_is_the_share_of_neighbours_of_the_same_class():
    points = np.array([[0.0, 0], [1, 0], [2, 0], [50, 0], [51, 0], [52, 0]])
    assert agreement(points, np.array([0, 0, 0, 1, 1, 1]), count=2) == 1
    assert agreement(points, np.array([0, 0, 1, 1, 1, 1]), count=2) == pytest.approx((1 + 1 + 0 + 2 + 2 + 2) / 12)


def test_a_faithful_map_is_trusted_and_a_shuffled_one_is_not(arranged):
    good = fidelity(BLOBS, arranged, LABELS)
    bad = fidelity(BLOBS, np.random.default_rng(5).permutation(arranged), LABELS)
    assert good.count == 10
    assert good.trustworthiness > 0.8 > 0.6 > bad.trustworthiness > 0.4
    assert good.features == good.places == 1
    assert bad.places == pytest.approx(1 / 3, abs=0.1)


def test_few_pictures_have_fewer_neighbours():
    assert fidelity(BLOBS[:6], BLOBS[:6, :2], LABELS[:6]) == Fidelity(2, 1.0, 1.0, pytest.approx(0.5, abs=0.5))
