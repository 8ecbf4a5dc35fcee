"""`python -m cnn.train --dataset DIR`: from folders of images to a network that knows them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cnn import data, train
from cnn import evaluate as command
from cnn.config import Data, presets
from cnn.data import own_datasets
from cnn.data.loading import SCRATCH_SIZE
from tests.command import train_here
from tests.data.folders_of_images import encoded, fill


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """Reddish and bluish images, 30 each: easily told apart."""
    rng = np.random.default_rng(0)
    for name, channel in (("red ones", 0), ("blue ones", 2)):
        (tmp_path / "colours" / name).mkdir(parents=True)
        for number in range(30):
            image = rng.integers(0, 100, (8, 6, 3)).repeat(4, 0).repeat(4, 1)
            image[..., channel] += 120
            (tmp_path / "colours" / name / f"{number}.png").write_bytes(encoded(np.uint8(image), "PNG"))
    return tmp_path / "colours"


def configured(*words: str):
    return train._configure(train._parse(["--preset", *map(str, words)]))


def test_a_folder_sets_classes_size_and_colour(colours):
    config = configured("tiny", "--dataset", colours, "--epochs", "3", "--limit", "20")
    assert config.data.dataset == str(colours) and config.data.classes == ("blue ones", "red ones")
    assert config.data.card.input_shape == (*SCRATCH_SIZE, 3)
    assert (config.training.epochs, config.data.limit) == (3, 20)
    assert config.layers == presets()["tiny"].layers


def test_a_relative_path_is_kept_whole_and_a_name_is_a_name(colours, monkeypatch):
    monkeypatch.chdir(colours.parent)
    assert configured("tiny", "--dataset", "colours").data.dataset == str(colours)
    fill(own_datasets.root() / "Hats", {"a": 3, "b": 3})
    assert configured("tiny", "--dataset", "Hats").data.dataset == "Hats"


def test_what_is_mixed_in_for_clothes_is_left_out_of_other_datasets(colours):
    wardrobe = presets()["wardrobe"].data
    assert wardrobe.style_augmentation
    for dataset in (str(colours), "mnist", "cifar-10"):
        chosen = data.with_dataset(wardrobe, dataset)
        assert not (chosen.style_augmentation or chosen.outlier_exposure or chosen.own_images)
        assert chosen.flip == wardrobe.flip and chosen.random_affine == wardrobe.random_affine
    assert data.with_dataset(wardrobe, "synthetic") == wardrobe.model_copy(update={"dataset": "synthetic"})


def test_a_presets_own_size_stays(colours):
    sized = Data(image_size=(96, 80), channels=1)
    assert data.with_dataset(sized, str(colours)).card.input_shape == (96, 80, 1)
    assert data.with_dataset(sized, "cifar-10").card.input_shape == (96, 80, 1)
    assert data.with_dataset(Data(), "cifar-10").card.input_shape == (32, 32, 3)
    own = data.with_dataset(Data(), str(colours))
    assert data.with_dataset(own, "mnist").classes == ()


def test_what_is_no_dataset_is_a_sentence(tmp_path, capsys):
    (tmp_path / "one" / "a").mkdir(parents=True)
    fill(tmp_path / "single", {"a": 5})
    for folder, said in (
        (tmp_path / "nothing", "There is no dataset"),
        (tmp_path / "one", "needs at least two classes with images, and no class has"),
        (tmp_path / "single", "only 'a' has images"),
    ):
        assert train.main(["--preset", "tiny", "--dataset", str(folder)]) == 2
        assert said in capsys.readouterr().err


def test_a_network_learns_a_folder_and_is_measured_on_another(colours, tmp_path, capsys):
    done = train_here("--preset", "tiny", "--dataset", colours, "--epochs", "12", "--name", "Colours")
    assert done.code == 0, done.err
    run = done.run
    assert run.state == "finished" and run.evaluation["n"] == 4 and run.evaluation["accuracy"] > 0.9
    others = shutil.copytree(colours, tmp_path / "others")
    (others / "red ones").rename(others / "1_Red-One")
    assert command.main(["--run", run.id, "--dataset", str(others), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["n"] == 60 and result["balanced_accuracy"] > 0.9 and not result["unknown"]
    shutil.rmtree(colours)
    assert command.main(["--run", run.id, "--split", "validation"]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert train_here("--preset", "tiny", "--dataset", others, "--epochs", "1").code == 0


def test_a_dataset_that_is_deleted_before_its_turn_comes_ends_in_a_sentence(colours):
    from cnn import runs

    run = runs.create(configured("tiny", "--dataset", colours))
    shutil.rmtree(colours)
    assert train_here(run.path).code == 1
    assert runs.read(run.path).state == "failed" and "There is no folder" in runs.read(run.path).status.message
