"""The Predictor, and `python -m cnn.predict`."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn import data, predict, runs
from cnn.config import CLASS_NAMES, presets
from cnn.data import synthetic
from cnn.evaluation.examples import read_examples
from cnn.networks import test_time_augmentation
from cnn.networks.load import UnreadableModel, load
from cnn.networks.predictor import Answer, Predictor, Turned, combined, energy, labelled
from cnn.pictures import WHOLE, NetworkInput, readings
from cnn.pictures.readings import Reading
from tests.sampling import one_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return data.scaled(synthetic.dataset(20, 4, "test")[0])


@pytest.fixture
def shirt(tmp_path) -> Path:
    Image.fromarray(255 - synthetic.draw(0, np.random.default_rng(1), size=140)).save(tmp_path / "shirt.png")
    return tmp_path / "shirt.png"


@pytest.fixture
def bag(tmp_path) -> Path:
    Image.fromarray(255 - synthetic.draw(8, np.random.default_rng(2), size=140)).save(tmp_path / "bag.png")
    return tmp_path / "bag.png"


def run_main(capsys, *arguments) -> tuple[int, str, str]:
    code = predict.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_predictor_answers_like_its_network(tiny, pixels):
    probabilities = Predictor(tiny)(pixels)
    assert probabilities.shape == (20, 10) and probabilities.dtype == np.float32
    assert probabilities == pytest.approx(np.asarray(load(tiny)(pixels, training=False)), abs=1e-5)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(20), abs=1e-5)
    assert len(np.unique(probabilities, axis=0)) > 1


def test_a_picture_gets_the_same_answer_alone_and_in_company(tiny, pixels):
    predictor = Predictor(tiny)
    together = predictor(pixels)
    assert np.concatenate([predictor(pixel[None]) for pixel in pixels]) == pytest.approx(together, abs=1e-5)


def test_visitors_at_the_same_time_get_their_own_answers(tiny, pixels):
    predictor = Predictor(tiny)
    expected, wrong = predictor(pixels), []

    def visit(index: int) -> None:
        for _ in range(20):
            if np.abs(predictor(pixels[index : index + 1])[0] - expected[index]).max() > 1e-5:
                wrong.append(index)

    threads = [threading.Thread(target=visit, args=[index]) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_run_without_a_network_has_no_predictor():
    with pytest.raises(UnreadableModel, match="no trained network yet"):
        Predictor(runs.create(presets()["tiny"]))


def made(pixels: np.ndarray, *weights: float) -> list[Reading]:
    """One reading of each image."""
    return [
        Reading(f"Reading {number}", "One way.", NetworkInput(picture, (), (), WHOLE), weight)
        for number, (picture, weight) in enumerate(zip(pixels, weights, strict=True))
    ]


def test_each_reading_is_looked_at_several_times(tiny, pixels):
    predictor = Predictor(tiny)
    expected = (
        predictor(test_time_augmentation.augment(pixels[:3])).reshape(test_time_augmentation.COUNT, 3, 10).mean(axis=0)
    )
    each = predictor.each(made(pixels[:3], 0.5, 0.5, 0))
    assert np.stack([answer.probabilities for answer in each]) == pytest.approx(expected, abs=1e-5)
    for mirrored, answer in zip(predictor.each(made(pixels[:3, :, ::-1], 1, 0, 0)), each, strict=True):
        assert mirrored.probabilities == pytest.approx(answer.probabilities, abs=1e-3)  # whichever way it faces


def test_the_answer_is_the_weighted_mean_of_the_readings(tiny, pixels):
    predictor = Predictor(tiny)
    several = made(pixels[:4], 0.6, 0.3, 0.1, 0)
    each = predictor.each(several)
    answer = predictor.answer(several)
    for name in ("probabilities", "familiarity"):
        of_each = [getattr(one, name) for one in each]
        expected = 0.6 * of_each[0] + 0.3 * of_each[1] + 0.1 * of_each[2]
        assert getattr(answer, name) == pytest.approx(expected, abs=1e-4)
        twice_as_heavy = combined([1.2, 0.6, 0.2, 0], each)
        assert getattr(twice_as_heavy, name) == pytest.approx(expected, abs=1e-4)
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_reading_without_weight_costs_and_changes_nothing(tiny, pixels, monkeypatch):
    asked = []
    ask = Predictor._both
    monkeypatch.setattr(Predictor, "_both", lambda self, batch: asked.append(len(batch)) or ask(self, batch))
    predictor = Predictor(tiny)
    alone = predictor.answer(made(pixels[:1], 1))
    asked.clear()
    together = predictor.answer(made(pixels[:2], 1, 0))
    assert together.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
    assert together.familiarity == pytest.approx(alone.familiarity, abs=1e-4)
    assert asked == [test_time_augmentation.COUNT]  # of the one reading, in one batch


def test_the_familiarity_is_the_mean_of_the_energies_of_several_looks(tiny, pixels):
    predictor = Predictor(tiny)
    logits = np.log(predictor(test_time_augmentation.augment(pixels[:2])))  # less a constant, which says nothing
    expected = energy(logits).reshape(test_time_augmentation.COUNT, 2).mean(axis=0)
    assert [answer.familiarity for answer in predictor.each(made(pixels[:2], 1, 0))] == pytest.approx(
        expected, abs=1e-3
    )


@pytest.fixture(scope="module")
def examples() -> tuple[np.ndarray, np.ndarray]:
    """Images float32 (100, 28, 28, 1) of the dataset, and their labels."""
    found = read_examples(runs.get("wardrobe"))
    return data.scaled(found.images), found.labels


@pytest.mark.slow
@pytest.mark.parametrize("turns", one_in(3, [1, 2, 3]))
def test_a_turned_image_is_known_to_be_better_upright(turns, examples):
    predictor = Predictor(runs.get("wardrobe"))
    images, labels = examples
    turned = np.rot90(images, turns, axes=(1, 2))
    found = [predictor.better_turned(made(image[None], 1)) for image in turned]
    hints = [(hint, label) for hint, label in zip(found, labels, strict=True) if hint is not None]
    assert len(hints) > 30
    assert np.mean([hint.answer.label == label for hint, label in hints]) > 0.9
    assert np.mean([(hint.turns + turns) % 4 == 0 for hint, label in hints if label in (0, 2, 3)]) > 0.8


@pytest.mark.slow
def test_an_upright_image_is_rarely_said_to_be_better_turned(examples):
    predictor = Predictor(runs.get("wardrobe"))
    found = [predictor.better_turned(made(image[None], 1)) for image in examples[0]]
    assert sum(hint is not None for hint in found) <= 3
    hint = Turned(1, Answer(np.eye(10)[1] * 0.94, 9.0), "Trouser").hint
    assert hint == "Recognised better when turned left: Trouser 94%."


@pytest.mark.parametrize(
    ("confidence", "familiarity", "doubt"),
    [(0.9, 5, None), (0.9, 2, "not like clothes"), (0.3, 5, "unsure"), (0.3, 2, "not like clothes"), (0.4, 3, None)],
)
def test_an_answer_is_doubted_for_what_it_is_unlike_or_else_for_its_confidence(
    confidence, familiarity, doubt, own_tiny
):
    measured = {**own_tiny.evaluation, "familiarity": {"unlike_below": 3}}
    runs.write_json(own_tiny.path / "evaluation.json", measured)
    predictor = Predictor(runs.get(own_tiny.id))
    rest = (1 - confidence) / 9
    assert predictor.doubt(Answer(np.array([confidence] + [rest] * 9), familiarity)) == doubt


@pytest.mark.parametrize("measured", [{}, {"familiarity": {"threshold": 100}}, {"familiarity": {"unlike_below": None}}])
def test_without_a_threshold_only_the_confidence_is_doubted(measured, own_tiny):
    """Runs of before had one on the energy of a single look."""
    runs.write_json(own_tiny.path / "evaluation.json", {**own_tiny.evaluation, "familiarity": {}, **measured})
    predictor = Predictor(runs.get(own_tiny.id))
    assert predictor.doubt(Answer(np.array([0.6] + [0.05] * 8), 0.0)) is None
    assert predictor.doubt(Answer(np.full(10, 0.1), 100.0)) == "unsure"


def test_an_answer_names_the_most_probable_class():
    probabilities = np.full(10, 0.05, np.float32)
    probabilities[7] = 0.55
    found = labelled(probabilities, CLASS_NAMES)
    assert (found["label"], found["index"], found["confidence"]) == ("Sneaker", 7, 0.55)
    assert found["probabilities"] == pytest.approx([0.05] * 7 + [0.55] + [0.05] * 2)
    json.dumps(found)


# ---------------------------------------------------------------- the command line


def test_json_has_one_object_a_line_with_the_documented_keys(own_tiny, shirt, bag, capsys):
    code, out, err = run_main(capsys, "--run", own_tiny.id, "--json", shirt, bag)
    assert (code, err) == (0, "")
    first, second = (json.loads(line) for line in out.splitlines())
    assert [first["file"], second["file"]] == [str(shirt), str(bag)]
    for result in (first, second):
        assert list(result)[:6] == ["file", "label", "index", "confidence", "probabilities", "reading"]
        assert list(result)[6:] == ["familiarity", "unlike", "doubt", "notes"]
        assert result["doubt"] in (None, "unsure", "not like clothes")
        assert result["unlike"] == (result["doubt"] == "not like clothes")
        assert result["label"] == CLASS_NAMES[result["index"]]
        assert result["confidence"] == max(result["probabilities"]) == result["probabilities"][result["index"]]
        assert len(result["probabilities"]) == 10 and sum(result["probabilities"]) == pytest.approx(1, abs=1e-4)
        assert result["reading"] == readings.read(result["file"])[0].name
    expected = Predictor(own_tiny).answer(readings.read(shirt))
    assert first["probabilities"] == pytest.approx(expected.probabilities.tolist(), abs=1e-5)


def test_a_run_can_be_named_by_id_and_by_directory(own_tiny, shirt, capsys, monkeypatch, tmp_path):
    by_id = run_main(capsys, "--run", own_tiny.id, "--json", shirt)
    by_path = run_main(capsys, "--run", own_tiny.path, "--json", shirt)
    outside = own_tiny.path.rename(tmp_path / "Elsewhere")
    monkeypatch.chdir(tmp_path)
    by_relative_path = run_main(capsys, "--run", outside.name, "--json", shirt)
    assert by_id == by_path == by_relative_path and by_id[0] == 0


def test_without_json_it_answers_in_words(own_tiny, shirt, capsys):
    code, out, _ = run_main(capsys, "--run", own_tiny.id, shirt)
    predictor = Predictor(own_tiny)
    answer = predictor.answer(readings.read(shirt))
    doubt = f"; {predictor.doubt(answer)}" if predictor.doubt(answer) else ""
    turned = predictor.better_turned(readings.read(shirt))
    hint = f" {turned.hint}" if turned else ""
    expected = f"{shirt}: {CLASS_NAMES[answer.label]} (confidence {answer.confidence:.1%}{doubt}){hint}\n"
    assert (code, out) == (0, expected)


@pytest.mark.parametrize("kind", ["text", "missing", "folder", "empty"])
def test_a_bad_file_ends_with_code_1_and_the_others_are_still_classified(kind, own_tiny, shirt, bag, tmp_path, capsys):
    bad = tmp_path / f"{kind}.png"
    match kind:
        case "text":
            bad.write_text("no image")
        case "folder":
            bad.mkdir()
        case "empty":
            bad.touch()
    code, out, err = run_main(capsys, "--run", own_tiny.id, "--json", shirt, bad, bag)
    first, second, third = (json.loads(line) for line in out.splitlines())
    assert code == 1 and "Traceback" not in err
    assert "label" in first and "label" in third
    assert list(second) == ["file", "error"] and second["file"] == str(bad) and second["error"].endswith(".")


def test_in_words_a_bad_file_is_named_too(own_tiny, tmp_path, capsys):
    code, out, _ = run_main(capsys, "--run", own_tiny.id, tmp_path / "nothing.png")
    assert code == 1 and out.startswith(f"{tmp_path / 'nothing.png'}: ")


@pytest.mark.parametrize("run", ["no-such-run", "../outside", "/etc", ""])
def test_an_unknown_run_ends_with_code_2(run, shirt, capsys):
    code, out, err = run_main(capsys, "--run", run, "--json", shirt)
    assert (code, out) == (2, "") and err.startswith("cnn.predict: There is no run")


def test_a_run_with_a_broken_network_ends_with_code_2(own_tiny, shirt, capsys):
    own_tiny.model_path.write_bytes(b"junk")
    code, out, err = run_main(capsys, "--run", own_tiny.id, shirt)
    assert (code, out) == (2, "") and "cannot be read" in err and "Traceback" not in err


def test_no_file_ends_with_code_2(capsys):
    with pytest.raises(SystemExit) as end:
        predict.main([])
    assert end.value.code == 2 and "FILE" in capsys.readouterr().err


def test_the_command_prints_nothing_but_its_answer(own_tiny, shirt):
    """What TensorFlow has to say must not disturb a program that reads the answer."""
    command = [sys.executable, "-m", "cnn.predict", "--run", str(own_tiny.path), "--json", str(shirt)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["file"] == str(shirt)
