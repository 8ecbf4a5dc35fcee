"""The benchmark of whole trainings: what it skips, what it counts, and what its table says. Nothing is trained."""

import json
from dataclasses import asdict, replace

import pytest

from benchmarks import time_to_accuracy as benchmark
from benchmarks import training
from benchmarks.time_to_accuracy import LECTURE, Result, Trial, figures_of, measure_all, read, table
from cnn import runs
from cnn.config import RunConfig, Training, presets

FIGURES = {
    "seconds": 600.0,
    "process": 620.0,
    "pictures": 550_000,
    "epochs": 10,
    "parameters": 1_413_834,
    "precision": "float32",
    "waiting": None,
    "validation": 0.91,
    "test": 0.907,
    "averaged": None,
}
RESULT = Result(LECTURE, 1, "recipe", "machine", "2026-11-25 10:00:00", others=0.01, **FIGURES)
FAST = replace(RESULT, network="fast", seconds=30.0, process=40.0, waiting=0.012, pictures=275_000, epochs=5, test=0.92)


def trial(name: str, seed: int, measured: list, recipe: str = "recipe") -> Trial:
    return Trial(name, seed, recipe, lambda: measured.append((name, seed)) or FIGURES)


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} "))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


# --- what is measured -------------------------------------------------------------------------------------------


def test_the_lecture_and_the_presets_take_turns():
    planned = benchmark.trials(["fast", "tiny"], [1, 2], limit=None, quick=False)
    order = [(one.network, one.seed) for one in planned]
    assert order == [(LECTURE, 1), ("fast", 1), ("tiny", 1), (LECTURE, 2), ("fast", 2), ("tiny", 2)]
    recipes = {one.recipe for one in planned if one.network == "fast"}
    assert len(recipes) == 2, "the seed is a part of a run's configuration"
    quick = benchmark.trials(["fast"], [1, 2], limit=None, quick=True)
    assert [(one.network, one.seed) for one in quick] == [(LECTURE, 1), ("fast", 1), ("fast", 2)]


def test_other_settings_are_another_recipe(monkeypatch):
    def recipes(**changes) -> set[str]:
        arguments = {"limit": None, "quick": False} | changes
        return {one.recipe for one in benchmark.trials(["fast"], [1], **arguments)}

    whole = recipes()
    assert recipes() == whole
    assert not whole & recipes(limit=1000) and len(whole & recipes(quick=True)) == 1, "only the lecture is cut short"
    faster = presets()["fast"].model_copy(update={"training": Training(epochs=2)})
    monkeypatch.setattr(benchmark, "presets", lambda: {"fast": faster})
    assert len(whole & recipes()) == 1


def test_a_cut_off_benchmark_goes_on_where_it_was(tmp_path):
    file, measured = tmp_path / "results.jsonl", []
    planned = [trial(LECTURE, 1, measured), trial("fast", 1, measured)]
    first = measure_all(planned[:1], read(file), "machine", file)
    assert measured == [(LECTURE, 1)] and first[0].others >= 0
    results = measure_all(planned, read(file), "machine", file)
    assert measured == [(LECTURE, 1), ("fast", 1)], "the lecture is not trained again"
    assert results[0] == first[0] and read(file) == results


def test_results_of_another_recipe_seed_or_machine_do_not_count(tmp_path):
    measured = []
    known = [replace(RESULT, recipe="older"), replace(RESULT, seed=2), replace(RESULT, machine="another")]
    measure_all([trial(LECTURE, 1, measured)], known, "machine", None)
    assert measured == [(LECTURE, 1)]


def test_a_file_of_another_version_is_refused(tmp_path):
    file = tmp_path / "results.jsonl"
    file.write_text(json.dumps(asdict(RESULT) | {"speed": 1}) + "\n")
    with pytest.raises(SystemExit, match="give the name of a new file"):
        read(file)
    assert read(None) == read(tmp_path / "nothing") == []


def test_work_of_other_programs_is_noticed(monkeypatch):
    now = {"clock": 0.0, "busy": 0.0, "children": 0.0}
    monkeypatch.setattr(benchmark, "_busy", lambda: now["busy"])
    monkeypatch.setattr(benchmark, "_of_children", lambda: now["children"])
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: now["clock"])
    monkeypatch.setattr(benchmark.psutil, "cpu_count", lambda: 2)
    with benchmark.share_of_others() as others:
        now.update(clock=100.0, busy=180.0, children=130.0)
    assert others == [0.25]


def test_a_finished_run_tells_its_figures():
    values = presets()["tiny"].model_dump()
    values["training"]["patience"] = 2
    run = runs.create(RunConfig.model_validate(values))
    whole = {"kind": "epoch", "loss": 1, "accuracy": 0.6}
    batch = {"kind": "batch", "epoch": 0, "step": 79, "steps": 79, "loss": 1, "accuracy": 0.5, "seconds": 1.0}
    epochs = [(0.5, 0.8, 0.01), (0.3, 0.82, 0.03), (0.4, 0.9, 0.02)]
    lines = [{**whole, "epoch": n, "val_loss": loss, "val_accuracy": a, "waiting": w, "seconds": n}
             for n, (loss, a, w) in enumerate(epochs, 1)]  # fmt: skip
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [batch, *lines]))
    (run.path / "model.keras").touch()
    runs.write_json(run.path / "evaluation.json", {"n": 10_000, "accuracy": 0.81, "loss": 0.5})
    runs.write_status(run.path, runs.Status("finished", epoch=3, seconds=12.5, precision="mixed_bfloat16"))
    assert figures_of(runs.read(run.path)) == {
        "seconds": 12.5,
        "pictures": 15_000,
        "epochs": 3,
        "parameters": 1546,
        "precision": "mixed_bfloat16",
        "waiting": pytest.approx(0.02),
        "validation": 0.82,  # of the epoch with the lowest loss, whose network is kept
        "test": 0.81,
    }


def test_a_run_that_was_kept_is_taken_and_what_is_not_finished_is_resumed(monkeypatch):
    finished, begun = presets()["tiny"], presets()["fast"]
    for config, state in ((finished, "finished"), (begun, "stopped")):
        run = runs.create(config)
        (run.path / "model.keras").touch()
        runs.write_status(run.path, replace(runs.closed(run.status, state), epoch=1))
    started = []

    def resume(command, **options):
        path = training.Path(command[-1])
        started.append(runs.read(path).config)
        (path / "model.keras").touch()
        runs.write_status(path, replace(runs.closed(runs.read(path).status, "finished"), epoch=3))

    monkeypatch.setattr(training.subprocess, "run", resume)
    kept, seconds = training.train(finished, again=False)
    assert kept.config == finished and seconds is None and not started
    resumed, seconds = training.train(begun, again=False)
    assert started == [begun] and resumed.status.epoch == 3 and seconds is None
    another, seconds = training.train(finished)
    assert another.id != kept.id and seconds >= 0 and started == [begun, finished]


# --- the lecture ------------------------------------------------------------------------------------------------


def test_the_student_knows_nothing_of_this_project(monkeypatch):
    started = []

    def start(command, **options):
        started.append((command, options))
        namespace: dict = {}
        source = command[2].rpartition("\n")[0]
        exec(source, namespace)  # it is whole, without anything around it
        path = json.loads(command[2].rpartition(", ")[2].rstrip(")").replace("'", '"'))
        benchmark.Path(path).write_text(json.dumps(FIGURES))

    monkeypatch.setattr(benchmark.subprocess, "run", start)
    figures, seconds = benchmark.run_lecture(3, 1000, None)
    ((command, options),) = started
    assert figures == FIGURES and seconds >= 0
    assert command[1] == "-c" and "\nlecture(3, 1000, None, " in command[2]
    assert "from cnn" not in command[2] and "import cnn" not in command[2]
    assert "TF_ENABLE_ONEDNN_OPTS" in benchmark.os.environ and "TF_ENABLE_ONEDNN_OPTS" not in options["env"]


def test_the_notebook_and_the_preset_are_the_same_network():
    preset = presets()["lecture"]
    source = benchmark.inspect.getsource(benchmark.lecture)
    assert source.count("layers.Conv2D(") == sum(layer.kind == "convolution" for layer in preset.layers)
    for layer in preset.layers:
        match layer.kind:
            case "convolution":
                assert f"Conv2D({layer.filters}, {layer.kernel}, " in source
            case "dense":
                assert f"Dense({layer.units}, " in source
    assert f"epochs = {preset.training.epochs}\n" in source


# --- the table --------------------------------------------------------------------------------------------------


def test_the_table_sets_every_network_against_the_lecture():
    seeds = [replace(FAST, seed=2, seconds=24.0, test=0.93), replace(FAST, seed=3, seconds=36.0, test=0.91)]
    text = table([RESULT, FAST, *seeds])
    assert row(text, "training, s") == ["600.0", "30.0 (24.0 to 36.0)"]
    assert row(text, "/ lecture's") == ["1.000", "0.050 (0.040 to 0.060)"]
    assert row(text, "/ lecture's whole process") == ["1.000", "0.065 (0.065 to 0.065)"]
    assert row(text, "images a second") == ["917", "9,167 (7,639 to 11,458)"]
    assert row(text, "epochs") == ["10", "5"] and row(text, "parameters") == ["1,413,834"] * 2
    assert row(text, "waiting for data") == ["–", "1.2% (1.2% to 1.2%)"]
    assert row(text, "test accuracy") == ["90.70%", "92.00% (91.00% to 93.00%)"]
    assert len({len(line) for line in text.splitlines() if line.startswith("|")}) == 1, "the columns are aligned"
    assert text.endswith("mean (range)."), "nothing else is to be said of it"


def test_the_table_says_what_was_not_measured_in_one_go_or_on_an_idle_machine():
    quick = replace(RESULT, process=None, validation=None, test=None)
    text = table([quick, replace(FAST, sitting="2026-11-26 11:00:00", others=0.4)])
    assert "its time is extrapolated" in text and row(text, "test accuracy") == ["–", "92.00%"]
    assert row(text, "whole process, s") == ["–", "40.0"] and row(text, "/ lecture's whole process") == ["–", "–"]
    assert "2 sittings, begun on 2026-11-25 10:00:00, 2026-11-26 11:00:00" in text
    assert "other programs took up to 40% of the processor (fast, seed 1)" in text
