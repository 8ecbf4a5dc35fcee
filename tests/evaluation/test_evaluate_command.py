"""`python -m cnn.evaluate`: one run or two on a whole split, as JSON and in words, and what it refuses."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from cnn import data, runs
from cnn import evaluate as command
from cnn.config import presets
from cnn.evaluation import paired, predictions, scores
from cnn.evaluation.calibration import expected_calibration_error
from cnn.networks import test_time_augmentation
from cnn.networks.load import load
from cnn.runs import Run

KEYS = ["run", "split", "n", "accuracy", "interval", "balanced_accuracy", "loss", "ece", "per_class", "confusion"]
AGAINST = ["other", "difference", "difference_interval", "p_value", "only_first", "only_second"]


def run_main(capsys, *arguments) -> tuple[int, str, str]:
    code = command.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def other(own_tiny: Run, draw_once) -> Run:
    """The same network with another bias, measured: it predicts the first class more often."""
    copied = runs.read(Path(shutil.copytree(own_tiny.path, own_tiny.path.with_name(f"{own_tiny.id}-2"))))
    found = predictions.of_run(own_tiny)
    bias = np.float32(2) * np.eye(found.logits.shape[1], dtype=np.float32)[0]
    predictions.keep(copied, replace(found, logits=found.logits + bias))
    return copied


def test_json_is_one_object_with_the_documented_keys(own_tiny, draw_once, capsys):
    code, out, err = run_main(capsys, "--run", own_tiny.id, "--json")
    assert (code, err) == (0, "")
    result, found = json.loads(out), predictions.of_run(own_tiny)
    assert list(result) == KEYS
    assert (result["run"], result["split"], result["n"]) == (own_tiny.id, "test", 2000)
    assert result["accuracy"] == pytest.approx(own_tiny.evaluation["accuracy"], abs=0.002)
    assert result["interval"] == pytest.approx(scores.interval(int(found.right.sum()), 2000), abs=1e-6)
    assert result["ece"] == pytest.approx(own_tiny.evaluation["calibration_error"], abs=0.002)
    assert result["confusion"] == confusion_matrix(found.labels, found.predicted).tolist(), "rows are true classes"
    assert [row["class"] for row in result["per_class"]] == list(own_tiny.config.data.card.class_names)
    assert list(result["per_class"][0]) == ["class", "precision", "recall", "f1", "support", "confidence"]
    expected = f1_score(found.labels, found.predicted, average=None, zero_division=0)
    assert [row["f1"] for row in result["per_class"]] == pytest.approx(expected, abs=1e-6)
    assert run_main(capsys, "--run", own_tiny.path, "--json") == (code, out, err), "by directory"


def test_validation_images_are_measured_too(own_tiny, draw_once, capsys):
    result = json.loads(run_main(capsys, "--run", own_tiny.id, "--split", "validation", "--json")[1])
    assert (result["split"], result["n"]) == ("validation", 1000)
    assert predictions.kept(own_tiny, "validation").accuracy == pytest.approx(result["accuracy"])


def test_what_is_kept_is_not_measured_again(own_tiny, draw_once, monkeypatch, capsys):
    predictions.of_run(own_tiny)
    monkeypatch.setattr(predictions, "measure", lambda *arguments: pytest.fail("measured again"))
    assert run_main(capsys, "--run", own_tiny.id)[0] == 0


def test_two_runs_are_compared_on_the_same_images(own_tiny, other, capsys):
    alone = json.loads(run_main(capsys, "--run", own_tiny.id, "--json")[1])
    result = json.loads(run_main(capsys, "--run", own_tiny.id, "--against", other.id, "--json")[1])
    found = paired.compare(predictions.of_run(own_tiny), predictions.of_run(other))
    assert list(result) == KEYS + AGAINST and {key: result[key] for key in KEYS} == alone
    assert result["other"] == other.id
    assert result["difference"] == pytest.approx(found.difference, abs=1e-6)
    assert result["difference_interval"] == pytest.approx(found.interval, abs=1e-6)
    assert result["p_value"] == pytest.approx(found.p_value, rel=1e-5)
    assert (result["only_first"], result["only_second"]) == (found.only_first, found.only_second)
    assert found.only_first > found.only_second > 0 or found.only_first != found.only_second
    text = run_main(capsys, "--run", own_tiny.id, "--against", other.id)[1]
    assert found.in_words(own_tiny.id, other.id) in text, "both have one name"


def test_in_words_it_has_a_table_and_the_worst_mistake(own_tiny, draw_once, capsys):
    code, out, _ = run_main(capsys, "--run", own_tiny.id)
    lines = out.splitlines()
    assert code == 0 and lines[0] == f"Tiny one ({own_tiny.id}) on the 2,000 test images of synthetic clothes"
    recalls = [row.recall for row in scores.per_class(predictions.of_run(own_tiny))]
    assert lines[1].startswith("Accuracy ") and "95% interval" in lines[1]
    assert f", balanced {np.mean(recalls):.2%}, loss" in lines[1]
    assert lines[3].split() == ["Class", "Precision", "Recall", "F1", "Images", "Confidence"]
    assert len({len(line) for line in lines[3:14]}) == 1 and lines[4].startswith("T-shirt/top ")
    assert lines[15].startswith("Most often wrong: ")


@pytest.mark.slow
def test_answers_are_means_over_several_views(own_tiny, draw_once, capsys):
    result = json.loads(run_main(capsys, "--run", own_tiny.id, "--answers", "--json")[1])
    images, labels = data.load(own_tiny.config.data).test
    views = load(own_tiny).predict(test_time_augmentation.augment(data.scaled(images)), batch_size=500, verbose=0)
    answers = test_time_augmentation.average(views)
    assert result["accuracy"] == pytest.approx((answers.argmax(axis=1) == labels).mean(), abs=1e-6)
    assert result["ece"] == pytest.approx(expected_calibration_error(answers, labels), abs=1e-4)
    assert np.sum(result["confusion"]) == 2000 and list(result) == KEYS


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("where", ["--run", "--against"])
def test_an_unknown_run_ends_with_code_2(options, where, capsys):
    code, out, err = run_main(capsys, where, "no-such-run", *options)
    assert (code, out) == (2, "") and "There is no run 'no-such-run'" in err
    if options:
        assert list(json.loads(err)) == ["error"]


def test_a_run_without_a_network_is_a_sentence(capsys):
    run = runs.create(presets()["tiny"], "A new one")
    code, out, err = run_main(capsys, "--run", run.id)
    assert (code, out) == (2, "") and err.startswith("cnn.evaluate: A new one has no trained network yet")


def test_a_broken_network_is_a_sentence(own_tiny, draw_once, capsys):
    own_tiny.model_path.write_bytes(b"junk")
    code, out, err = run_main(capsys, "--run", own_tiny.id)
    assert code == 2 and out == "" and err.startswith("cnn.evaluate: The model of Tiny one cannot be read")


def test_a_damaged_configuration_is_a_sentence(own_tiny, capsys):
    (own_tiny.path / "config.json").write_text("{")
    code, out, err = run_main(capsys, "--run", own_tiny.id)
    assert code == 2 and out == "" and err.startswith("cnn.evaluate: ") and "Traceback" not in err


def test_a_missing_dataset_ends_with_code_1_and_a_sentence(own_tiny, monkeypatch, capsys):
    def unavailable(*arguments):
        raise data.DataUnavailable("Fashion-MNIST is nowhere.")

    monkeypatch.setattr(data, "load", unavailable)
    shutil.rmtree(own_tiny.path / "found", ignore_errors=True)
    assert run_main(capsys, "--run", own_tiny.id) == (1, "", "cnn.evaluate: Fashion-MNIST is nowhere.\n")


def test_runs_of_other_labels_are_not_compared(own_tiny, other, capsys):
    found = predictions.of_run(other)
    predictions.keep(other, replace(found, labels=np.roll(found.labels, 1)))
    code, out, err = run_main(capsys, "--run", own_tiny.id, "--against", other.id)
    assert (code, out) == (2, "") and err.startswith(
        "cnn.evaluate: These networks cannot be compared: their test images"
    )


# --- the report -------------------------------------------------------------------------------------------------


@pytest.fixture
def report(monkeypatch) -> None:
    """Stands in for the report, which has tests of its own."""
    module = ModuleType("cnn.report")
    module.html = lambda run, split: f"<p>{run.name} on {split}: ü</p>"
    monkeypatch.setitem(sys.modules, "cnn.report", module)


def test_a_report_is_written(own_tiny, draw_once, report, tmp_path, capsys):
    file = tmp_path / "report.html"
    code, out, _ = run_main(capsys, "--run", own_tiny.id, "--split", "validation", "--report", file)
    assert code == 0 and file.read_text("utf-8") == "<p>Tiny one on validation: ü</p>" and str(file) in out
    assert json.loads(run_main(capsys, "--run", own_tiny.id, "--report", file, "--json")[1])["split"] == "test"


@pytest.mark.parametrize(("name", "words"), [("", "is a folder"), ("none/report.html", "there is no folder")])
def test_a_report_that_cannot_be_written_is_refused_at_once(name, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(predictions, "of_run", lambda *arguments: pytest.fail("measured first"))
    code, out, err = run_main(capsys, "--report", tmp_path / name)
    assert (code, out) == (1, "") and words in err


def test_a_full_disk_is_a_sentence(own_tiny, draw_once, report, tmp_path, monkeypatch, capsys):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    predictions.of_run(own_tiny)
    monkeypatch.setattr(runs, "write_text", full)
    code, out, err = run_main(capsys, "--run", own_tiny.id, "--report", tmp_path / "report.html")
    assert (code, out) == (1, "") and "The report cannot be kept, because the disk is full: free some space for" in err
