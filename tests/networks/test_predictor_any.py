"""Predictors of any dataset: three classes in colour, digits, two classes; and the command line for them."""

import json

import numpy as np
import pytest
from PIL import Image

from cnn import data, predict
from cnn.networks import predictor as predictors
from cnn.networks import test_time_augmentation
from cnn.networks.load import load
from cnn.networks.predictor import Answer, Predictor, energy, looks, unsure_below
from tests.any_run import HATS, random_split, untrained


@pytest.fixture
def hats() -> Predictor:
    return Predictor(untrained(HATS))


def test_a_colour_network_answers_a_file_like_itself_seen_twice(hats, tmp_path):
    image = Image.fromarray(random_split(hats.run).images[0]).resize((300, 200))
    image.save(tmp_path / "hat.png")
    for source in (tmp_path / "hat.png", (tmp_path / "hat.png").read_bytes(), image, np.asarray(image)):
        readings = hats.read(source)
        assert [(one.name, one.seen.pixels.shape) for one in readings] == [("Photo", (20, 30, 3))]
    pixels = readings[0].seen.pixels[None]
    views = np.concatenate([pixels, pixels[:, :, ::-1]])
    expected = np.asarray(load(hats.run)(views, training=False)).mean(axis=0)
    answer = hats.answer(readings)
    assert answer.probabilities == pytest.approx(expected, abs=1e-5) and answer.probabilities.shape == (3,)
    assert hats.glance(readings) == pytest.approx(hats(pixels)[0], abs=1e-6)
    assert hats.features(pixels).shape[1] == load(hats.run).layers[-1].input.shape[1]


def test_many_large_images_are_predicted_in_batches(hats, monkeypatch):
    pixels = data.scaled(random_split(hats.run, per_class=5).images)
    expected, sizes = hats(pixels), []
    forward = hats._forward
    monkeypatch.setattr(hats, "_forward", lambda batch: sizes.append(len(batch)) or forward(batch))
    monkeypatch.setattr(hats, "_batch", 4)
    assert hats(pixels) == pytest.approx(expected, abs=1e-5) and sizes == [4, 4, 4, 3]
    whole = hats.looks(pixels)
    monkeypatch.setattr(predictors, "_AT_ONCE", 3 * 2 * pixels[0].nbytes)
    sizes.clear()
    for part, before in zip(hats.looks(pixels), whole, strict=True):
        assert part == pytest.approx(before, abs=1e-5)
    assert sizes == [4, 2] * 5, "three images in two views at once"


@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 30, 3), (224, 160, 3)])
@pytest.mark.parametrize(("reading", "count"), [("garment", 10), ("shape", 5), ("photo", 2)])
def test_views_of_any_shape(shape, reading, count):
    pixels = np.random.default_rng(1).random((3, *shape), np.float32)
    views = test_time_augmentation.augment(pixels, reading)
    assert views.shape == (3 * count, *shape) and test_time_augmentation.count(reading) == count
    assert np.array_equal(views[:3], pixels)
    mirrored = [np.array_equal(views[n : n + 3], pixels[:, :, ::-1]) for n in range(0, 3 * count, 3)]
    assert sum(mirrored) == (reading != "shape"), "a mirrored digit is no digit"
    assert test_time_augmentation.average(np.arange(3 * count), reading) == pytest.approx(
        np.arange(3) + 3 * (count - 1) / 2
    )


def test_familiarity_is_the_mean_over_the_views():
    def forward(views):
        logits = views.reshape(len(views), -1)[:, :3] * 5
        return np.exp(logits) / np.exp(logits).sum(1, keepdims=True), logits

    pixels = np.random.default_rng(1).random((2, 4, 3, 1), np.float32)
    _, familiarities = looks(forward, pixels, "photo")
    views = np.stack([pixels, pixels[:, :, ::-1]]).reshape(2, 2, -1)[..., :3] * 5
    assert familiarities == pytest.approx((energy(views[0]) + energy(views[1])) / 2, abs=1e-5)


@pytest.mark.parametrize(("classes", "below"), [(2, 2 / 3), (3, 5 / 9), (10, 0.4), (200, 0.3367)])
def test_unsure_is_a_third_of_the_way_from_chance_to_certainty(classes, below):
    assert unsure_below(classes) == pytest.approx(below, abs=1e-4)


def test_doubts_of_three_classes(hats):
    assert hats.threshold is None and hats.unlike == "not like its training images"
    assert hats.doubt(Answer(np.array([0.5, 0.3, 0.2]), 0.0)) == "unsure"
    assert hats.doubt(Answer(np.array([0.6, 0.3, 0.1]), 0.0)) is None


def test_a_photo_is_never_said_to_be_better_turned(hats):
    assert hats.better_turned(hats.read(random_split(hats.run).images[1])) is None


def test_a_digit_is_read_as_mnists(tmp_path):
    digits = Predictor(untrained({"dataset": "mnist"}))
    image = Image.new("RGB", (200, 200), "white")
    image.paste("black", (90, 30, 110, 170))
    (reading,) = digits.read(image)
    assert reading.name == "Shape" and reading.seen.pixels.shape == (28, 28, 1)
    assert digits.answer([reading]).probabilities.shape == (10,)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_names_the_runs_own_classes(hats, tmp_path, capsys, as_json):
    Image.fromarray(random_split(hats.run).images[0]).save(tmp_path / "hat.png")
    options = ["--json"] if as_json else []
    assert predict.main(["--run", hats.run.id, *options, str(tmp_path / "hat.png")]) == 0
    out = capsys.readouterr().out
    answer = hats.answer(hats.read(tmp_path / "hat.png"))
    name = HATS["classes"][answer.label]
    if as_json:
        found = json.loads(out)
        assert (found["label"], found["index"], found["reading"]) == (name, answer.label, "Photo")
        assert found["probabilities"] == pytest.approx(answer.probabilities.tolist(), abs=1e-5)
        assert found["unlike"] is False and found["doubt"] in (None, "unsure")
    else:
        assert f"hat.png: {name} (confidence {answer.confidence:.1%}" in out
