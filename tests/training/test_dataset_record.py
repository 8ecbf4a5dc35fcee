"""A dataset that is changed while a training of it is stopped: it does not go on with other images without a word."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.interruptions import differences
from cnn import data, runs
from cnn.config import Data, RunConfig, Training
from cnn.config.layers import Convolution, GlobalPooling
from cnn.data import own_datasets
from cnn.data.own_datasets import OwnDataset
from cnn.training import dataset_record
from tests.command import train_here
from tests.data.folders_of_images import png
from tests.training.test_trainer import stop_after

COLOURS = {"blue": (40, 60, 200), "red": (210, 40, 50)}
SAID = (
    "Colours has changed since this training began: 40 images then, 41 now (red 20 then, 21 now). Some images that it "
    "was trained on may be test images now. Train it again from the start, or take the changes back and resume it."
)


@pytest.fixture
def colours() -> OwnDataset:
    dataset, chance = own_datasets.create("Colours"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (dataset.path / name).mkdir()
        for number in range(20):
            pixels = np.clip(chance.normal(colour, 60, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(dataset.path / name / f"{number}.png")
    return dataset


def small(config: Data) -> RunConfig:
    return RunConfig(
        data=config, layers=(Convolution(filters=4), GlobalPooling()), training=Training(epochs=3, batch_size=8)
    )


@pytest.mark.slow
def test_a_training_goes_on_once_its_dataset_is_what_it_was(colours, monkeypatch):
    config = small(data.data_of("Colours", (16, 16)))
    whole, run = runs.create(config, "whole"), runs.create(config, "stopped")
    assert train_here(whole.path).code == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 1, 2)
        assert train_here(run.path).code == 0
    before = {name: (run.path / name).read_bytes() for name in ("checkpoint.npz", "metrics.jsonl", "model.keras")}
    assert runs.read(run.path).has_checkpoint and dataset_record.change(runs.read(run.path)) == ""

    colours.add("red", [("new.png", png(900))])
    assert dataset_record.change(runs.read(run.path)) == SAID
    refused = train_here(run.path)
    assert refused.code == 1 and SAID in refused.err and refused.run.state == "failed"
    assert refused.run.status.message == SAID and refused.run.status.epoch == 1
    assert {name: (run.path / name).read_bytes() for name in before} == before, "nothing is lost"

    colours.undo()
    assert dataset_record.change(runs.read(run.path)) == ""
    assert train_here(run.path).code == 0
    whole, run = runs.read(whole.path), runs.read(run.path)
    assert differences(whole, run) == [] and run.evaluation == whole.evaluation


def test_images_that_are_other_ones_are_noticed_though_they_are_as_many(colours, monkeypatch):
    run = runs.create(small(data.data_of("Colours", (16, 16))), "stopped")
    with monkeypatch.context() as patch:
        stop_after(patch, 1, 2)
        train_here(run.path)
    (colours.path / "red" / "0.png").write_bytes(png(900))
    assert "40 images now as then, but not the same ones." in dataset_record.change(runs.read(run.path))
    colours.add_class("green")
    colours.move(colours.listing().of("red")[:3], "green")
    said = dataset_record.change(runs.read(run.path))
    assert "40 images then, 37 now (red 20 then, 17 now)" in said, "classes that came later are none of the run's"


def test_a_run_of_before_the_record_goes_on_as_ever(colours, monkeypatch):
    run = runs.create(small(data.data_of("Colours", (16, 16))), "old")
    with monkeypatch.context() as patch:
        stop_after(patch, 1, 2)
        train_here(run.path)
    (run.path / dataset_record.FILE).unlink()
    colours.add("red", [("new.png", png(900))])
    assert dataset_record.change(runs.read(run.path)) == "" and train_here(run.path).code == 0
    assert not (run.path / dataset_record.FILE).exists()


def test_a_training_from_the_start_keeps_what_it_begins_with(colours):
    run = runs.create(small(data.data_of("Colours", (16, 16))), "new")
    runs.write_json(run.path / dataset_record.FILE, {"fingerprint": "of before", "classes": {"red": 1}})
    dataset_record.check(run, dataset_record.of(run.config.data))
    kept = json.loads((run.path / dataset_record.FILE).read_text("utf-8"))
    assert kept == {"fingerprint": data.fingerprint(run.config.data), "classes": {"blue": 20, "red": 20}}


@pytest.mark.parametrize(
    "written", ["{", "[]", "{}", '{"fingerprint": 3}', '{"fingerprint": "x", "classes": 7}', '{"fingerprint": "x"}']
)
def test_a_record_that_is_damaged_stops_nobody_by_an_error(written, colours):
    run = runs.create(small(data.data_of("Colours", (16, 16))), "new")
    (run.path / "checkpoint.npz").touch()
    (run.path / dataset_record.FILE).write_text(written)
    said = dataset_record.change(runs.read(run.path))
    assert ("since this training began: 40 images now." in said) == ('"x"' in written)


def test_of_a_built_in_dataset_nothing_is_kept():
    assert dataset_record.of(Data(dataset="synthetic")) == {}
