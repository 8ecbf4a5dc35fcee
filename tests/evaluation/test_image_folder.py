"""`python -m cnn.evaluate --dataset DIR`: all images of a folder, as people's files are predicted; what is left out."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cnn import evaluate as command
from cnn.data import own_datasets, synthetic
from cnn.evaluation import image_folder
from cnn.networks.predictor import Predictor
from cnn.runs import Run
from tests.data.folders_of_images import encoded, png


def run_main(capsys, *arguments) -> tuple[int, str, str]:
    code = command.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """Drawn clothes of four classes in folders that are spelled in several ways, one of no class, two bad files."""
    images, labels = synthetic.dataset(200, 3, "test")
    for folder, label, count in (("0_T-shirt_top", 0, 6), ("trousers", 1, 8), ("BAG", 8, 3), ("Ankle_Boot", 9, 4)):
        (tmp_path / "clothes" / folder).mkdir(parents=True)
        for number, image in enumerate(images[labels == label][:count]):
            (tmp_path / "clothes" / folder / f"{number}.png").write_bytes(encoded(image, "PNG"))
    (tmp_path / "clothes" / "hats").mkdir()
    (tmp_path / "clothes" / "hats" / "a.png").write_bytes(png(1))
    (tmp_path / "clothes" / "BAG" / "x.png").write_bytes(b"no image")
    (tmp_path / "clothes" / "BAG" / "plain.png").write_bytes(encoded(np.full((60, 60, 3), 200, np.uint8), "PNG"))
    return tmp_path / "clothes"


def test_every_image_is_predicted_as_a_file_is(own_tiny, clothes):
    found = image_folder.measure(own_tiny, clothes)
    predictor = Predictor(own_tiny)
    assert len(found.images) == len(found.predictions) == 21
    assert np.bincount(found.predictions.labels, minlength=10).tolist() == [6, 8, 0, 0, 0, 0, 0, 0, 3, 4]
    for image, probabilities in zip(found.images[::4], found.predictions.probabilities[::4], strict=True):
        expected = predictor.answer(predictor.read(image.path)).probabilities
        assert np.allclose(probabilities, expected, atol=1e-5)
    assert found.unknown == ("hats",) and len(found.missing) == 6
    assert {file.name for file, _ in found.unreadable} == {"x.png", "plain.png"}


def test_the_command_gives_the_numbers_and_what_was_left_out(own_tiny, clothes, capsys):
    code, out, err = run_main(capsys, "--run", own_tiny.id, "--dataset", clothes, "--json")
    result, found = json.loads(out), image_folder.measure(own_tiny, clothes).predictions
    assert code == 0 and "Traceback" not in err
    assert list(result) == [
        *("run", "dataset", "n", "accuracy", "interval", "balanced_accuracy", "loss", "ece", "per_class", "confusion"),
        *("unknown", "missing", "unreadable"),
    ]
    assert result["dataset"] == str(clothes) and result["n"] == 21 == np.sum(result["confusion"])
    assert result["accuracy"] == pytest.approx((found.predicted == found.labels).mean(), abs=1e-6)
    recalls = [(found.predicted == label)[found.labels == label].mean() for label in (0, 1, 8, 9)]
    assert result["balanced_accuracy"] == pytest.approx(np.mean(recalls), abs=1e-6)
    assert result["unknown"] == ["hats"] and "Dress" in result["missing"] and len(result["unreadable"]) == 2
    assert not (clothes / ".index.jsonl").exists()

    code, out, _ = run_main(capsys, "--run", own_tiny.id, "--dataset", clothes)
    lines = out.splitlines()
    assert code == 0 and lines[0] == f"Tiny one ({own_tiny.id}) on the 21 images of {clothes}"
    assert f"balanced {np.mean(recalls):.2%}" in lines[1]
    assert lines[2] == "Folders of no class of the network, left out: hats."
    assert lines[3] == "Classes without images: Pullover, Dress, Coat and 3 more."
    assert lines[4].startswith("Not read: ")


def test_two_runs_are_compared_on_a_folder(own_tiny, clothes, capsys):
    code, out, _ = run_main(capsys, "--run", own_tiny.id, "--dataset", clothes, "--against", own_tiny.id, "--json")
    assert code == 0 and json.loads(out)["difference"] == 0


def test_a_dataset_goes_by_its_name(own_tiny, clothes, capsys):
    own = own_datasets.create("Wardrobe")
    own.add_to_classes([("Bag", "a.png", (clothes / "BAG" / "0.png").read_bytes())])
    assert json.loads(run_main(capsys, "--run", own_tiny.id, "--dataset", "Wardrobe", "--json")[1])["n"] == 1


def test_what_cannot_be_measured_is_a_sentence(own_tiny, clothes, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong" / "3_Coat").mkdir(parents=True)
    (tmp_path / "plain" / "Coat").mkdir(parents=True)
    (tmp_path / "plain" / "Coat" / "a.png").write_bytes(encoded(np.zeros((60, 60), np.uint8), "PNG"))
    for folder, said in (
        (tmp_path / "nothing", "There is no dataset"),
        (tmp_path / "empty", "has no images of the network's classes: it must have folders named like T-shirt/top"),
        (tmp_path / "wrong", "A folder's number and name disagree: 3 is Dress: call it 4_Coat."),
        (tmp_path / "plain", r"No image of .* could be read"),
    ):
        code, out, err = run_main(capsys, "--run", own_tiny.id, "--dataset", folder)
        assert (code, out) == (1, "") and err.startswith("cnn.evaluate: ")
        assert re.search(said, err), err
    (own_tiny.path / "config.json").write_text("{")
    code, out, err = run_main(capsys, "--run", own_tiny.id, "--dataset", clothes)
    assert code == 2 and out == "" and "Traceback" not in err


@pytest.mark.parametrize("other", [["--split", "test"], ["--answers"], ["--report", "x.html"]])
def test_what_does_not_go_with_a_folder_is_refused(other, clothes, capsys):
    with pytest.raises(SystemExit):
        command.main(["--dataset", str(clothes), *other])
    assert "--dataset goes with --run, --against and --json alone" in capsys.readouterr().err


def test_the_progress_is_reported_a_batch_at_a_time(own_tiny: Run, clothes, monkeypatch):
    monkeypatch.setattr(image_folder, "_BATCH", 8)
    seen = []
    image_folder.measure(own_tiny, clothes, lambda done, of: seen.append((done, of)))
    assert seen == [(8, 22), (16, 22)]
