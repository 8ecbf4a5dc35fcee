"""The exported script of a network that was trained on images of people's own, or on a dataset in another size."""

from pathlib import Path

import pytest

from cnn import data
from cnn.config import Data, RunConfig
from cnn.training.keras_script import keras_script
from tests.data.folders_of_images import fill
from tests.training.test_keras_script import assert_sound, run_script

LAYERS = [{"kind": "pooling"}, {"kind": "flatten"}]


def config_of(chosen: Data) -> RunConfig:
    return RunConfig.model_validate({"data": chosen.model_dump(), "layers": LAYERS, "training": {"epochs": 1}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "own", {"a 'quoted' \"class\"": 6, "b": 6})


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_sound_and_names_every_file(folder, channels):
    script = keras_script(config_of(data.data_of(folder, (24, 16), channels)))
    assert_sound(script)
    assert script.count('.png")') + script.count(".png')") == 12 and "the needs" not in script
    assert "Needs keras, tensorflow, numpy, and pillow to read the images." in script


@pytest.mark.parametrize("size", [(32, 32), (16, 20)])
def test_that_of_a_resized_dataset_is_sound(size):
    for channels in (1, 3):
        assert_sound(keras_script(config_of(Data(dataset="synthetic", limit=100, image_size=size, channels=channels))))


@pytest.mark.slow
def test_they_train(folder, tmp_path, draw_once):
    resized = Data(dataset="synthetic", limit=100, image_size=(32, 32), channels=3)
    for number, chosen in enumerate((data.data_of(folder, (24, 16)), resized)):
        assert "Test accuracy" in run_script(keras_script(config_of(chosen)), tmp_path / str(number))
