"""Soft labels: how they are weighed against the dataset's labels, and that the shipped ones are of these images."""

import numpy as np
import pytest
from pydantic import ValidationError

from cnn import data
from cnn.config import Data, RunConfig, presets
from cnn.config.layers import Flatten
from cnn.config.transfer_learning import fine_tuning
from cnn.data import FashionMnist, soft_labels

LABELS = np.array([0, 9, 3], np.uint8)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    found = np.random.default_rng(0).dirichlet(np.ones(10), 5).astype(np.float32)
    monkeypatch.setattr(soft_labels, "out_of_fold", lambda: found)
    return found


def test_without_distillation_there_are_only_labels(made_up):
    assert soft_labels.targets(Data(), LABELS) is None


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_soft_labels_count_as_much_as_they_are_asked_to(weight, made_up):
    targets = soft_labels.targets(Data(distillation=weight), LABELS)
    assert targets == pytest.approx((1 - weight) * np.eye(10)[LABELS] + weight * made_up[:3], abs=1e-6)
    assert targets.dtype == np.float32 and targets.sum(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 nothing"])
def test_a_missing_or_damaged_file_is_a_sentence(content, tmp_path, monkeypatch):
    file = tmp_path / "fashion-mnist.npz"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(soft_labels, "FILE", file)
    soft_labels.out_of_fold.cache_clear()
    with pytest.raises(soft_labels.NoSoftLabels, match="is missing or damaged: install the program again, or set"):
        soft_labels.targets(Data(distillation=0.5), LABELS)


def test_other_datasets_have_none():
    for other in ({"dataset": "synthetic"}, {"dataset": "mnist"}, {"dataset": "Hats", "classes": ("cap", "hat")}):
        with pytest.raises(ValidationError, match="only Fashion-MNIST has: set it to 0"):
            Data(**other, distillation=0.5)
    assert data.with_dataset(Data(distillation=0.5), "mnist").distillation == 0


def test_mixup_needs_layers_that_learn():
    config = RunConfig(layers=(Flatten(),), data=Data(mixup=0.2))
    transfer = {"source": "lecture", "layers": 1, "frozen": 1}
    with pytest.raises(ValidationError, match="set it to 0, or freeze no layer"):
        RunConfig.model_validate(config.model_dump() | {"transfer": transfer})
    lecture = presets()["lecture"]
    mixed = lecture.model_copy(update={"data": Data(mixup=0.2)})
    assert RunConfig.model_validate(fine_tuning("a-run", mixed).model_dump()).data.mixup == 0


@pytest.mark.skipif(not FashionMnist().is_cached(), reason="Fashion-MNIST is not in Keras's cache.")
def test_the_shipped_ones_are_of_these_images_by_networks_that_had_not_learned_them():
    soft_labels.out_of_fold.cache_clear()
    found, labels = soft_labels.out_of_fold(), data.load(Data()).train.labels
    assert found.shape == (55_000, 10) and found.sum(axis=1) == pytest.approx(1, abs=1e-5) and found.min() >= 0
    right = (found.argmax(axis=1) == labels).mean()
    assert 0.93 < right < 0.96, "a network that had learned the images would be right nearly always"
    confidence = found.max(axis=1).mean()
    assert abs(confidence - right) < 0.02, "they are calibrated"
