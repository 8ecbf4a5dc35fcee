"""A training of which the first layers are frozen: their features are kept, and the rest trains on them alone."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from benchmarks.interruptions import differences
from cnn import data, runs
from cnn.config import Data, RunConfig, Training, Transfer, frozen_layers
from cnn.config.layers import Convolution, Dense, Dropout, GlobalPooling, Pooling, SkipConnection
from cnn.config.transfer_learning import fine_tuning
from cnn.networks import portable
from cnn.networks.backbones import TransferImpossible, transfer_weights
from cnn.networks.build import build
from cnn.networks.load import load
from cnn.runs import Run, Status
from cnn.training import frozen_features
from tests.command import train_here
from tests.training.test_trainer import stop_after

COLOURS = {"blue": (40, 60, 200), "green": (50, 170, 60), "red": (210, 40, 50)}
LAYERS = (
    Convolution(filters=6, batch_normalisation=True),
    Pooling(),
    Convolution(filters=8, batch_normalisation=True),
    GlobalPooling(),
    Dropout(rate=0.2),
)


@pytest.fixture
def coloured(tmp_path: Path) -> Data:
    """Folders of 20 noisy images of each colour, as a dataset."""
    chance = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        folder = tmp_path / "colours" / name
        folder.mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(chance.normal(colour, 60, (24, 30, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return data.data_of(tmp_path / "colours", (20, 24))


def source(config: Data) -> Run:
    """A run whose network has random weights."""
    run = runs.create(RunConfig(data=config, layers=LAYERS))
    keras.utils.set_random_seed(5)
    portable.save(build(run.config), run.model_path)
    runs.write_status(run.path, Status("finished"))
    return runs.read(run.path)


def retrained(config: Data, of: Run, frozen: int = 4, **training) -> RunConfig:
    transfer = Transfer(source=of.id, layers=4, frozen=frozen, views=3)
    settings = {"epochs": 6, "batch_size": 16, "learning_rate": 0.05, **training}
    return RunConfig(data=config, layers=LAYERS, transfer=transfer, training=Training(**settings))


def kept() -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in frozen_features.folder().glob("*.npy")}


def test_only_the_head_is_trained_and_the_features_are_kept_for_the_next_training(coloured):
    first = source(coloured)
    config = retrained(coloured.model_copy(update={"flip": True}), first)
    command = train_here(runs.create(config, "head").path)
    assert command.code == 0, command.err
    before, after = load(first), load(command.run)
    for row in config.rows():
        same = all(
            map(np.array_equal, before.get_layer(row.name).get_weights(), after.get_layer(row.name).get_weights())
        )
        assert same == (row.layer < 4 or not row.parameters), row.name
    assert command.run.evaluation["accuracy"] == 1, "three colours are told apart by any features"
    accuracy = [record["accuracy"] for record in runs.read_metrics(command.run) if record["kind"] == "epoch"]
    assert len(accuracy) == 6 and accuracy[-1] > accuracy[0]

    files = kept()
    shapes = sorted(np.load(frozen_features.folder() / name, mmap_mode="r").shape for name in files)
    assert shapes == [(1, 3, 8), (3, 54, 8)], "of the validation images one view, of the training images three"
    again = train_here(runs.create(retrained(config.data, first, learning_rate=0.01), "again").path)
    assert again.code == 0 and kept().keys() == files.keys()
    other = train_here(runs.create(retrained(config.data, first, seed=7), "another seed").path)
    assert other.code == 0 and len(kept()) > len(files), "other views"


def test_features_are_those_of_the_images_first_and_then_of_varied_ones(coloured):
    varied = coloured.model_copy(update={"random_crop": 0.3})
    config = retrained(varied, source(coloured))
    network, splits = build(config), data.load(config.data)
    name = frozen_layers.boundary(config, len(splits.train.labels))
    assert name == "global_average_pooling2d"
    found = frozen_features.features(config, network, name, splits, lambda text: None)
    through = keras.Model(network.input, network.get_layer(name).output)
    for features, split in ((found.train[0], splits.train), (found.validation, splits.validation)):
        assert features == pytest.approx(through.predict(data.scaled(split.images), verbose=0), abs=2e-3)
    assert not np.allclose(found.train[1], found.train[0], atol=1e-4)
    assert not np.allclose(found.train[1], found.train[2], atol=1e-4)

    head = frozen_features.head_of(network, config, name)
    whole = network.predict(data.scaled(splits.validation.images), verbose=0)
    assert head.predict(np.float32(found.validation), verbose=0) == pytest.approx(whole, abs=2e-3)
    x, labels = next(iter(frozen_features.training_batches(found.train, splits.train.labels, config, 0)))
    places = [np.argwhere((found.train == row.astype(np.float16)).all(axis=2))[0] for row in x.numpy()]
    assert {int(view) for view, _ in places} == {0, 1, 2}
    assert np.array_equal(labels, splits.train.labels[[image for _, image in places]])


def test_features_of_much_work_come_from_litert_and_are_the_same(coloured, monkeypatch, capfd):
    config = retrained(coloured.model_copy(update={"random_crop": 0.3}), source(coloured))
    network, splits = build(config), data.load(config.data)
    name = frozen_layers.boundary(config, len(splits.train.labels))

    def found() -> frozen_features.Features:
        for file in frozen_features.folder().glob("*.npy"):
            file.unlink()
        return frozen_features.features(config, network, name, splits, lambda text: None)

    expected = [np.array(part) for part in found()]
    asked: list[int] = []

    class Counted(frozen_features.litert.Interpreter):
        def __call__(self, images):
            asked.append(len(images))
            return super().__call__(images)

    monkeypatch.setattr(frozen_features, "_WORTH_A_FILE", 0)
    monkeypatch.setattr(frozen_features.litert, "Interpreter", Counted)
    for part, other in zip(found(), expected, strict=True):
        assert part == pytest.approx(other, abs=2e-3)
    assert sum(asked) == 3 * len(splits.train.labels) + len(splits.validation.labels)

    def fails(_):
        raise RuntimeError("no such operation")

    monkeypatch.setattr(frozen_features.litert, "litert", fails)
    assert np.array_equal(found().train, expected[0]), "TensorFlow does what LiteRT cannot"
    assert "LiteRT cannot compute these layers, TensorFlow does: RuntimeError" in capfd.readouterr().out


def test_a_stopped_and_resumed_training_of_a_head_equals_an_uninterrupted_one(coloured, monkeypatch):
    first = source(coloured)
    config = retrained(coloured.model_copy(update={"colour_jitter": 0.5}), first, schedule="cosine")
    whole, run = runs.create(config, "whole"), runs.create(config, "stopped")
    assert train_here(whole.path).code == 0
    for epoch, step, done in ((1, 2, 1), (4, 1, 4)):
        with monkeypatch.context() as patch:
            stop_after(patch, epoch, step)
            assert train_here(run.path).code == 0
        stopped = runs.read(run.path)
        assert (stopped.state, stopped.status.epoch, stopped.has_model) == ("stopped", done, True)
        frozen_before = load(stopped).get_layer("conv2d").get_weights()
    runs.delete(first)
    assert train_here(run.path).code == 0, "what its first layers were taken from is not needed any more"
    whole, run = runs.read(whole.path), runs.read(run.path)
    assert differences(whole, run) == [] and run.evaluation == whole.evaluation
    assert all(map(np.array_equal, frozen_before, load(run).get_layer("conv2d").get_weights()))


def test_without_the_source_a_training_fails_with_a_sentence(coloured):
    first = source(coloured)
    run = runs.create(retrained(coloured, first), "head")
    runs.delete(first)
    command = train_here(run.path)
    assert command.code == 1 and f"'{first.id}', is gone" in command.run.status.message


def test_where_nothing_is_frozen_or_a_later_layer_looks_back_there_are_no_features_to_keep(coloured):
    def boundary(layers, frozen: int, transferred: int = 3, images: int = 100) -> str | None:
        transfer = Transfer(source="lecture", layers=transferred, frozen=frozen)
        return frozen_layers.boundary(RunConfig(data=coloured, layers=layers, transfer=transfer), images)

    plain = (Convolution(filters=3), Convolution(filters=3), Convolution(filters=3), GlobalPooling())
    assert boundary(plain, 0) is None and boundary(plain, 2) == "conv2d_1"
    assert boundary(plain, 2, images=10_000_000) is None, "too large to keep"
    skipping = (*plain[:2], SkipConnection(over=1), GlobalPooling())
    assert boundary(skipping, 2) is None and boundary(skipping, 1) == "conv2d"
    assert boundary((*plain, Dense(units=4)), 3) == "conv2d_2"


@pytest.mark.parametrize("frozen", [1, 3])
def test_the_other_layers_learn_also_where_the_features_are_not_kept(frozen, coloured, monkeypatch):
    monkeypatch.setattr(frozen_layers, "LARGEST_KEPT", 0)
    first = source(coloured)
    config = retrained(coloured, first, frozen, epochs=2)
    command = train_here(runs.create(config, "whole").path)
    assert command.code == 0 and not kept()
    before, after = load(first), load(command.run)
    for row in config.rows():
        if row.parameters:
            pairs = zip(before.get_layer(row.name).get_weights(), after.get_layer(row.name).get_weights(), strict=True)
            assert any(not np.array_equal(*pair) for pair in pairs) == (row.trainable > 0), row.name


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path, monkeypatch):
    for number in range(4):
        (tmp_path / f"{number}.npy").write_bytes(bytes(100))
        os.utime(tmp_path / f"{number}.npy", (number, number))
    monkeypatch.setattr(frozen_features, "_ROOM", 350)
    frozen_features._make_room(tmp_path, 100)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2.npy", "3.npy"]


def test_fine_tuning_begins_where_the_head_ended_with_its_output_layer(coloured):
    head = train_here(runs.create(retrained(coloured, source(coloured)), "head").path)
    assert head.code == 0
    config = fine_tuning(head.run.id, head.run.config)
    network = build(config)
    transfer_weights(network, config)
    assert all(map(np.array_equal, network.get_weights(), load(head.run).get_weights()))
    others = coloured.model_copy(update={"classes": ("a", "b", "c")})
    with pytest.raises(TransferImpossible, match="its classes are others"):
        transfer_weights(network, config.model_copy(update={"data": others}))
