"""Predictions out of fold: each image by a network that has not learned it, in a process that stops and goes on."""

import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from cnn import data, runs
from cnn.config import Data, RunConfig, Transfer, presets
from cnn.data import Split, Splits
from cnn.evaluation import dataset_findings, label_errors, predictions
from cnn.networks.load import load
from cnn.runs import measurement
from cnn.training import cross_validation, fold_trainer
from tests.command import wait_until

CONFIG = cross_validation.settings(
    presets()["tiny"].model_copy(update={"data": Data(dataset="synthetic", limit=300)}), 12
)


def prepared(config: RunConfig = CONFIG, folds: int = 2) -> Path:
    """The folder of a cross-validation, without a process."""
    place = dataset_findings.folder(config.data, data.load(config.data))
    path = cross_validation.folder(place, config, folds)
    path.mkdir(parents=True)
    runs.write_json(path / "config.json", config.model_dump(mode="json"))
    runs.write_json(path / "folds.json", {"folds": folds})
    runs.write_status(path, runs.Status("starting", heartbeat=time.time()))
    return path


@pytest.fixture(autouse=True)
def few(draw_once, monkeypatch):
    """300 images of train, 60 of validation."""
    load = data.load

    def small(config, on_download=None):
        whole = load(config, on_download)
        return Splits(whole.train, Split(whole.validation.images[:60], whole.validation.labels[:60]), whole.test)

    monkeypatch.setattr(data, "load", small)


def test_every_class_is_spread_over_all_folds():
    labels = np.random.default_rng(1).choice(4, 203, p=[0.5, 0.3, 0.19, 0.01])
    folds = cross_validation.fold_of(labels, 4, 7)
    for label in range(4):
        counts = np.bincount(folds[labels == label], minlength=4)
        assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(folds, cross_validation.fold_of(labels, 4, 7))
    assert (folds != cross_validation.fold_of(labels, 4, 8)).any()


def test_other_settings_have_another_folder():
    place = Path("place")
    folders = {
        cross_validation.folder(place, CONFIG, 3),
        cross_validation.folder(place, CONFIG, 4),
        cross_validation.folder(place, cross_validation.settings(CONFIG, 3), 3),
        cross_validation.folder(place, presets()["dense"], 3),
    }
    assert len(folders) == 4
    renamed = CONFIG.model_copy(update={"preset": "mine"})
    assert cross_validation.folder(place, renamed, 3) == cross_validation.folder(place, CONFIG, 3)


def test_images_are_predicted_by_networks_that_have_not_learned_them(monkeypatch):
    learned = []
    batches = data.training_batches

    def spied(split, *arguments):
        learned.append(split)
        return batches(split, *arguments)

    monkeypatch.setattr(data, "training_batches", spied)
    path = prepared()
    assert fold_trainer.main([str(path)]) == 0
    progress = cross_validation.read(path)
    assert (progress.state, progress.folds, progress.finished, progress.share) == ("finished", 2, 2, 1.0)
    whole = cross_validation.images_of(data.load(CONFIG.data))
    probabilities = cross_validation.probabilities(path, len(whole.labels), 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == whole.labels).mean() > 0.3
    folds = cross_validation.fold_of(whole.labels, 2, CONFIG.training.seed)
    for fold, split in enumerate(learned):
        np.testing.assert_array_equal(split.images, whole.images[folds != fold])
        with np.load(cross_validation.fold_file(path, fold)) as file:
            np.testing.assert_array_equal(file["index"], np.flatnonzero(folds == fold))
    assert cross_validation.probabilities(path, len(whole.labels), 9) is None, "of other classes"
    assert cross_validation.probabilities(path, 100, 10) is None, "of other images"


@pytest.mark.slow
def test_it_stops_when_asked_and_goes_on_with_the_folds_that_are_missing(monkeypatch):
    path, trained = prepared(), []
    batches = data.training_batches

    def then_stop(split, *arguments):
        trained.append(len(split.labels))
        if len(trained) == 2:
            measurement.stop(path)
        return batches(split, *arguments)

    monkeypatch.setattr(data, "training_batches", then_stop)
    assert fold_trainer.main([str(path)]) == 0
    progress = cross_validation.read(path)
    assert (progress.state, progress.finished) == ("stopped", 1) and progress.share == 0.5
    first = cross_validation.fold_file(path, 0).read_bytes()
    (path / "stop").unlink()
    assert fold_trainer.main([str(path)]) == 0
    assert len(trained) == 3, "the first fold is not trained again"
    assert cross_validation.read(path).state == "finished"
    assert cross_validation.fold_file(path, 0).read_bytes() == first


def test_a_killed_process_is_noticed_and_another_goes_on(monkeypatch):
    monkeypatch.undo()  # the process knows nothing of `few`
    place = dataset_findings.folder(CONFIG.data, data.load(CONFIG.data))
    path = cross_validation.start(place, CONFIG, 2)
    assert cross_validation.start(place, CONFIG, 2) == path, "one at a time"
    wait_until(lambda: runs.read(path).status.pid is not None)
    (child,) = [one for one in psutil.Process().children() if "cnn.training.fold_trainer" in one.cmdline()]
    child.kill()
    wait_until(lambda: not cross_validation.read(path).active, 10)
    assert cross_validation.read(path).state == "interrupted"
    assert cross_validation.read(path).message.startswith("Its process is gone")


@pytest.mark.slow
def test_flipped_labels_are_found_by_networks_that_have_learned_others(monkeypatch):
    """2% of all labels are flipped, also in what the networks learn."""
    fast = presets()["fast"]
    training = fast.training.model_copy(update={"learning_rate": 0.01})  # for 1,000 images, not tens of thousands
    few = fast.model_copy(update={"data": Data(dataset="synthetic", limit=1500), "training": training})
    config = cross_validation.settings(few, 12)
    whole, chance = data.load(config.data), np.random.default_rng(0)
    truth = cross_validation.images_of(whole).labels.astype(int)
    flipped = chance.choice(len(truth), len(truth) // 50, replace=False)
    labels = truth.copy()
    labels[flipped] = (truth[flipped] + chance.integers(1, 10, len(flipped))) % 10
    for split, part in ((whole.train, slice(None, 1500)), (whole.validation, slice(1500, None))):
        split.labels[:] = labels[part]
    monkeypatch.setattr(data, "load", lambda config, on_download=None: whole)
    path = prepared(config)
    assert fold_trainer.main([str(path)]) == 0
    probabilities = cross_validation.probabilities(path, len(labels), 10)
    suspects = label_errors.out_of_fold(probabilities, labels)
    top = np.isin(suspects.index[: len(flipped)], flipped)
    assert top.mean() > 0.7 and np.isin(flipped, suspects.index).mean() > 0.7, "precision and recall"
    assert (suspects.suggested[: len(flipped)] == truth[suspects.index[: len(flipped)]])[top].mean() > 0.8


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_anything_but_one_folder_gets_a_sentence(arguments, capsys):
    assert fold_trainer.main(arguments) == 2
    assert "give one folder" in capsys.readouterr().err


@pytest.mark.parametrize("content", ['{"folds": 1}', '{"folds": "3"}', "{", None])
def test_a_bad_number_of_folds_gets_a_sentence(content, capsys):
    path = prepared()
    (path / "folds.json").unlink()
    if content is not None:
        (path / "folds.json").write_text(content)
    assert fold_trainer.main([str(path)]) == 1
    assert "names no number of folds" in capsys.readouterr().err
    assert cross_validation.read(path).state == "new"


def test_a_loss_that_explodes_is_a_sentence(monkeypatch, capsys):
    from cnn.evaluation import predictions

    def nothing(network, split):
        return predictions.Predictions("test", split.labels, np.full((len(split.labels), 10), np.nan))

    monkeypatch.setattr(predictions, "measure", nothing)
    path = prepared()
    assert fold_trainer.main([str(path)]) == 1
    progress = cross_validation.read(path)
    assert progress.state == "failed" and "lower learning rate" in progress.message
    assert "Traceback" not in capsys.readouterr().err


def test_a_network_that_began_with_learned_weights_does_so_in_every_fold(monkeypatch):
    """Its frozen layers are those of its source, not random ones."""
    transfer = Transfer(source="lecture", layers=2, frozen=2)
    config = CONFIG.model_copy(update={"layers": presets()["lecture"].layers, "transfer": transfer})
    config = cross_validation.settings(RunConfig.model_validate(config.model_dump()), 1)
    kernels, measure = [], predictions.measure

    def look_and_measure(model, split, *rest):
        kernels.append(model.get_layer("conv2d").get_weights()[0])
        return measure(model, split, *rest)

    monkeypatch.setattr(predictions, "measure", look_and_measure)
    assert fold_trainer.main([str(prepared(config))]) == 0
    expected = load(runs.get("lecture")).get_layer("conv2d").get_weights()[0]
    assert len(kernels) == 2 and all(np.array_equal(kernel, expected) for kernel in kernels)
