"""What a sweep can vary, how its configuration is checked, and how it is made, read and deleted."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from cnn import runs
from cnn.config import Data, RunConfig, explain, presets
from cnn.config.layers import Convolution, Dense, Flatten, Pooling
from cnn.runs import saved_presets
from cnn.tuning import WIDTH, Setting, SweepConfig, Trial, apply, hyperparameters_of, path_label, short_label, sweeps
from cnn.tuning.sweeps import SweepBusy, UnknownSweep
from tests.command import NO_PROCESS

PROJECT = Path(__file__).resolve().parents[2]
BASE = presets()["tiny"].model_copy(update={"data": Data(dataset="synthetic", limit=100)})
RATES = Setting(path="training.learning_rate", values=(0.01, 0.001))
SIZES = Setting(path="training.batch_size", values=(16, 32, 64))


def grid(*settings: Setting, **options) -> SweepConfig:
    return SweepConfig(base=BASE, method="grid", settings=settings or (RATES, SIZES), **options)


def alive(path: Path, state: str = "training", **changes) -> None:
    """A status that names a living process: this one."""
    runs.write_status(path, replace(runs.signed(runs.Status("training"), state), **changes))


def ended(path: Path, state: str) -> None:
    runs.write_status(path, runs.closed(runs.Status("training"), state, "So it ended."))


# --- what can be varied -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets())
def test_every_setting_on_offer_can_be_swept(name):
    """With its present value, and a number also over the range that is worth trying first."""
    base = presets()[name]
    offered = hyperparameters_of(base)
    assert len({known.path for known in offered}) == len(offered)
    for known in offered:
        assert known.help and known.label == path_label(known.path)
        if known.present is not None:
            config = SweepConfig(base=base, prune=False, settings=[Setting(path=known.path, values=[known.present])])
            assert apply(base, {known.path: known.present}) == base
            assert config.planned == 1
        if known.usual:
            low, high = known.usual
            assert known.low <= low < high <= known.high
            assert {type(low), type(high)} == ({int} if known.kind == "whole number" else {float})


def test_a_setting_is_described_as_in_the_form():
    known = {known.path: known for known in hyperparameters_of(presets()["fast"])}
    rate = known["training.learning_rate"]
    assert (rate.kind, rate.present, rate.logarithmic, rate.usual) == ("number", 0.03, True, (0.003, 0.3))
    assert (rate.low, rate.high, rate.group) == (1e-6, 10.0, "Training")
    limit = known["data.limit"]
    assert (limit.label, limit.kind, limit.optional) == ("Training examples", "whole number", True)
    assert known["training.optimizer"].choices == ("adam", "adamw", "sgd", "rmsprop")
    assert known["data.flip"].choices == (False, True)
    assert known["layers.1.filters"].label == "Filters of layer 2" and known["layers.1.filters"].present == 64
    assert known["layers.convolution.kernel"].label == "Kernel size of all convolutions"
    assert known["layers.convolution.filters"].present is None, "they differ"
    assert known[WIDTH].present == 1.0
    assert not {"data.dataset", "training.tensorboard", "data.own_images"} & set(known)


def test_how_much_stays_frozen_can_be_varied_and_transferred_layers_stay_as_they_are():
    base = presets()["transfer"]
    known = {known.path: known for known in hyperparameters_of(base)}
    frozen = known["transfer.frozen"]
    assert (frozen.label, frozen.present, frozen.low, frozen.high, frozen.usual) == (
        "Frozen layers",
        25,
        0,
        25,
        (0, 25),
    )
    assert apply(base, {"transfer.frozen": 15}).transfer.frozen == 15
    assert short_label({"transfer.frozen": 15}) == "frozen 15" and "training.class_weights" in known
    layers = [path for path in known if path.startswith("layers")]
    assert layers == ["layers.25.rate"], "only the layer that is not transferred"
    assert "transfer.frozen" not in {known.path for known in hyperparameters_of(presets()["fast"])}


def test_values_in_words():
    trial = Trial(1, {"data.flip": True, "data.limit": None, "training.learning_rate": 0.0123456, WIDTH: 2.0})
    assert trial.words == "random horizontal flip on, training examples all, learning rate 0.01235, width 2"


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ({"training.learning_rate": 0.01, "layers.convolution.batch_normalisation": False}, "lr 0.01 · BN off"),
        ({"training.batch_size": 64, "layers.dropout.rate": 0.3}, "batch 64 · dropout 0.3"),
        ({WIDTH: 2.0, "training.optimizer": "adam"}, "width ×2 · adam"),
        ({"layers.2.filters": 32, "layers.4.rate": 0.5}, "L3 filters 32 · L5 dropout 0.5"),
        ({"layers.depthwise convolution.kernel": 5, "layers.dense.units": 9}, "depthwise kernel 5 · dense units 9"),
        ({"data.limit": None, "training.patience": None}, "examples all · patience off"),
        ({"layers.convolution.activation": "relu"}, "relu"),
    ],
)
def test_what_sets_a_trial_apart_in_short(values, label):
    assert short_label(values) == Trial(1, values).label == label


@pytest.mark.parametrize("preset", presets())
def test_every_setting_has_a_short_label_of_its_own(preset):
    known = hyperparameters_of(presets()[preset])
    labels = [short_label({one.path: one.choices[0] if one.choices else one.low}) for one in known]
    assert len(set(labels)) == len(known)


def test_values_reach_the_layers_that_they_are_for():
    base = RunConfig(layers=[Convolution(filters=8), Pooling(), Convolution(filters=3), Flatten(), Dense(units=9)])
    filters = [8, 3]
    changed = apply(base, {WIDTH: 0.5, "layers.convolution.kernel": 5, "layers.4.units": 4, "data.shift": 2})
    layers = changed.layers
    assert [layers[0].filters, layers[2].filters] == [4, 2] and [layers[0].kernel, layers[2].kernel] == [5, 5]
    assert layers[4].units == 4 and changed.data.shift == 2
    assert [base.layers[0].filters, base.layers[2].filters] == filters, "the base stays as it was"
    assert apply(base, {WIDTH: 0.05}).layers[2].filters == 1


# --- the configuration ------------------------------------------------------------------------------------------


def rejected(**options) -> str:
    with pytest.raises(ValidationError) as caught:
        SweepConfig(**{"base": BASE, **options})
    return explain(caught.value)


@pytest.mark.parametrize(
    "setting, sentence",
    [
        ({"path": "x", "values": [1]}, "This configuration has no setting 'x'"),
        ({"path": "layers.9.kernel", "values": [1]}, "no setting 'layers.9.kernel'"),
        ({"path": "data.dataset", "values": ["synthetic"]}, "no setting 'data.dataset'"),
        ({"path": "training.learning_rate"}, "Learning rate: give either a list of values, or a lowest"),
        ({"path": "training.learning_rate", "values": [1], "low": 1}, "Learning rate: give either a list"),
        ({"path": "training.learning_rate", "values": [0.1, 20.0]}, "Learning rate: 20 is outside its bounds"),
        ({"path": "training.learning_rate", "values": ["0.1"]}, "Learning rate: 0.1 is no number."),
        ({"path": "training.learning_rate", "values": [None]}, "Learning rate: a value is missing."),
        ({"path": "training.learning_rate", "values": [0.1, 0.1]}, "Learning rate: 0.1 is listed twice."),
        ({"path": "training.learning_rate", "values": [0.1] * 51}, "51 values are more than a sweep takes (50)"),
        ({"path": "training.batch_size", "values": [8.5]}, "Batch size: 8.5 is no whole number."),
        ({"path": "training.optimizer", "values": ["adam", "lion"]}, "Optimizer: lion is not one of adam, adamw"),
        ({"path": "data.flip", "values": [True, 0]}, "Random horizontal flip: 0 is not one of off, on."),
        ({"path": "training.optimizer", "low": 1, "high": 2}, "Optimizer: list some of adam"),
        ({"path": "training.batch_size", "low": 8}, "Batch size: a range needs a lowest and a highest value."),
        ({"path": "training.batch_size", "low": 8, "high": 8}, "lowest value (8) must be below the highest (8)"),
        ({"path": "data.random_affine", "low": 0.0, "high": 1.0, "log": True}, "a logarithmic range begins above 0"),
        ({"path": "training.epochs", "values": [1, 2]}, "do not vary the epochs, or do not stop runs early"),
        ({"path": "layers.2.kernel", "values": [3, 9]}, ""),
        ({"path": "layers.1.size", "low": 2, "high": 60}, "Window size of layer 2 60 cannot be trained. Layer 2"),
    ],
)
def test_a_bad_setting_is_named_in_a_sentence(setting, sentence):
    if not sentence:
        assert SweepConfig(base=BASE, settings=[setting]).planned == 2
        return
    assert sentence in rejected(settings=[setting])


def test_settings_that_are_none_or_too_many_or_in_each_others_way():
    assert "varies one to 3 settings, not 0" in rejected(settings=[])
    four = [RATES, SIZES, Setting(path="data.flip", values=[True]), Setting(path="data.shift", values=[1])]
    assert "varies one to 3 settings, not 4" in rejected(settings=four)
    assert rejected(settings=[RATES, RATES]) == "Learning rate is listed twice: leave one of them out."
    both = [Setting(path=WIDTH, values=[2.0]), Setting(path="layers.0.filters", values=[4])]
    assert "Width and Filters of layer 1 change the same thing" in rejected(settings=both)


def test_every_combination_of_a_grid_must_be_trainable():
    """Each value is possible, and so are they with the others' present values; two of them together are not."""
    base = RunConfig(layers=[Convolution(stride=1), Flatten()])
    settings = [Setting(path="layers.0.stride", values=[1, 2]), Setting(path="layers.0.dilation", values=[1, 2])]
    message = rejected(base=base, method="grid", settings=settings)
    assert message.startswith("Stride of layer 1 2, Dilation of layer 1 2 cannot be trained. Layer 1")


def test_a_grid_is_made_of_lists_and_has_an_end():
    assert "a grid needs a list" in rejected(
        method="grid", settings=[Setting(path="training.learning_rate", low=0.001, high=0.1)]
    )
    many = [Setting(path=f"training.{name}", values=list(range(1, 16))) for name in ("batch_size", "seed")]
    assert "225 combinations, more than 200" in rejected(method="grid", settings=many)
    assert SweepConfig(base=BASE, method="random", settings=many).planned == 20


def test_how_many_trials_there_will_be():
    assert grid(trials=1).planned == 6
    assert grid().grid()[:2] == [
        {"training.learning_rate": 0.01, "training.batch_size": 16},
        {"training.learning_rate": 0.01, "training.batch_size": 32},
    ]
    whole = Setting(path="data.shift", low=0, high=3)
    assert SweepConfig(base=BASE, method="random", settings=[whole], trials=9).planned == 4
    assert SweepConfig(base=BASE, method="random", settings=[whole, RATES], trials=9).planned == 8
    broad = Setting(path="data.random_affine", low=0.0, high=1.0)
    assert SweepConfig(base=BASE, settings=[whole, broad], trials=9).planned == 9


def test_a_configuration_comes_back_from_its_json():
    mixed = Setting(path="data.limit", values=[None, 200])
    for config in (grid(mixed, Setting(path="data.flip", values=[False, True])), grid(name="  Two\nwords ")):
        again = SweepConfig.model_validate_json(config.model_dump_json())
        assert again == config and [type(v) for v in again.settings[0].values] == [
            type(v) for v in config.settings[0].values
        ]
    assert config.name == "Two words"


def test_what_the_train_page_exports_is_a_base():
    exported = json.loads(saved_presets.to_json(BASE))
    settings = [{"path": "training.learning_rate", "low": 0.001, "high": 0.1, "log": True}]
    text = json.dumps({"base": exported, "method": "random", "trials": 12, "settings": settings})
    assert SweepConfig.model_validate_json(text).base.layers == BASE.layers


# --- making and reading -----------------------------------------------------------------------------------------


def test_a_new_sweep_waits_for_its_process(commands):
    sweep = sweeps.start(grid())
    (started,) = commands
    assert started.command == [sys.executable, "-m", "cnn.sweep", str(sweep.path)]
    assert (sweep.state, sweep.active, sweep.name) == ("queued", True, "Learning rate, batch size")
    assert (sweep.progress, sweep.seconds_left, sweeps.best(sweep)) == (0.0, None, None)
    assert [trial.state for trial in sweep.trials] == ["waiting"] * 6, "a grid is known beforehand"
    assert sweeps.get(sweep.id) == sweep and sweeps.all_sweeps() == [sweep]
    assert runs.all_runs() == [], "a sweep is no run"


def test_each_sweep_has_a_tag_of_its_own(commands):
    first, second = sweeps.create(grid(name="A rather long name")), sweeps.create(grid(name="A rather long name"))
    assert first.tag == "sweep A rather long name" and second.tag == "sweep A rather long na 2"
    assert first.id != second.id and [sweep.id for sweep in sweeps.all_sweeps()] == [second.id, first.id]
    run = runs.create(BASE)
    runs.relabel(run, tags=["sweep Third"])
    assert sweeps.create(grid(name="Third")).tag == "sweep Third 2", "a tag of runs whose sweep was deleted"


@pytest.mark.parametrize("bad", ["", ".", "..", "../x", "20261122", "20261122-101530/..", "20261122-101530-1 "])
def test_what_is_no_id_names_no_place(bad):
    sweeps.create(grid())
    with pytest.raises(UnknownSweep):
        sweeps.get(bad)


def test_reading_follows_the_runs(runs_folder):
    sweep = sweeps.create(grid(prune=False))
    values = grid().grid()
    made = [runs.create(apply(BASE, values[index])) for index in range(3)]
    lines = [
        {"kind": "epoch", "epoch": e, "loss": 1, "accuracy": 0, "val_loss": 1, "val_accuracy": e / 10} for e in (1, 2)
    ]
    for run in made:
        text = "".join(json.dumps(line) + "\n" for line in [{"kind": "batch", "val_accuracy": 9}, *lines])
        (run.path / "metrics.jsonl").write_text(text + '{"kind": "epoch", "val_accuracy": 0.')
    alive(made[1].path, epoch=2, seconds=7.0)
    alive(made[2].path, "queued")
    stored = [
        Trial(1, values[0], "finished", made[0].id, (0.3, 0.5, 0.4), 9.0, asked=0),
        Trial(2, values[1], "training", made[1].id, (), asked=1),
        Trial(3, values[2], "training", made[2].id, (), asked=2),
    ]
    sweeps.write_trials(sweep.path, stored, {"training.learning_rate": 0.75, "training.batch_size": 0.25})
    alive(sweep.path, seconds=14.0)
    sweep = sweeps.get(sweep.id)
    assert sweep.state == "searching"
    assert [t.state for t in sweep.trials] == ["finished", "training", "waiting", *["waiting"] * 3]
    assert [t.run_id for t in sweep.trials] == [*(run.id for run in made), None, None, None]
    first, second, *_ = sweep.trials
    assert (first.accuracy, first.best_epoch, first.epoch) == (0.5, 2, 3)
    assert (second.curve, second.accuracy, second.seconds) == ((0.1, 0.2), 0.2, 7.0)
    assert sweeps.best(sweep) == first
    done = 1 + 2 / 3 + 2 / 3
    assert sweep.progress == pytest.approx(done / 6)
    assert sweep.seconds_left == pytest.approx(14.0 / done * (6 - done))
    assert sweep.importance["training.learning_rate"] == 0.75
    ended(made[0].path, "stopped")
    runs.delete(made[0])
    first = sweeps.get(sweep.id).trials[0]
    assert (first.run_id, first.accuracy) == (None, 0.5), "the result of a deleted run stays"


def test_a_dead_sweeper_is_seen():
    sweep = sweeps.create(grid())
    alive(sweep.path, pid=NO_PROCESS)
    sweep = sweeps.get(sweep.id)
    assert sweep.state == "interrupted" and sweep.resumable and sweep.seconds_left is None
    assert "Resume picks it up" in sweep.message


@pytest.mark.parametrize("file", ["sweep.json", "trials.json", "status.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b"\xff\xfe", b'{"trials": [{"number": 0}]}'])
def test_a_damaged_sweep_is_read_with_its_problem(file, content):
    sweep = sweeps.create(grid())
    (sweep.path / file).write_bytes(content)
    read = sweeps.get(sweep.id)
    assert read.state == "failed" and read.message and sweeps.all_sweeps() == [read]
    sweeps.delete(read, with_runs=True)
    assert sweeps.all_sweeps() == []


def test_an_empty_folder_is_no_sweep_that_can_go_on(commands):
    (sweeps.root() / "20261122-101530").mkdir(parents=True)
    (sweep,) = sweeps.all_sweeps()
    assert (sweep.state, sweep.message, sweep.resumable) == ("failed", "It has no sweep.json.", False)
    with pytest.raises(SweepBusy, match="cannot be resumed"):
        sweeps.resume(sweep)


# --- stopping, resuming, deleting -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_resuming_forgets_the_stop(state, commands):
    sweep = sweeps.create(grid())
    ended(sweep.path, state)
    (sweep.path / "stop").touch()
    sweep = sweeps.resume(sweeps.get(sweep.id))
    assert (sweep.state, sweep.stop_requested, len(commands)) == ("queued", False, 1)


@pytest.mark.parametrize("state", ["training", "finished"])
def test_what_goes_or_has_finished_is_not_resumed(state, commands):
    sweep = sweeps.create(grid(name="One"))
    ended(sweep.path, state) if state == "finished" else alive(sweep.path)
    with pytest.raises(SweepBusy, match=r"One cannot be resumed\. It is (searching|finished)"):
        sweeps.resume(sweep)
    assert commands == []


def with_a_run(state: str) -> tuple[sweeps.Sweep, runs.Run]:
    sweep, run = sweeps.create(grid()), runs.create(BASE, "One")
    alive(run.path) if state == "training" else ended(run.path, state)
    sweeps.write_trials(sweep.path, [Trial(1, grid().grid()[0], "training", run.id, asked=0)], {})
    return sweeps.get(sweep.id), run


def test_a_stop_reaches_the_runs_of_a_dead_sweeper():
    sweep, run = with_a_run("training")
    alive(sweep.path)
    sweeps.stop(sweep)
    assert sweeps.get(sweep.id).stop_requested and not runs.read(run.path).stop_requested, "its process does that"
    alive(sweep.path, pid=NO_PROCESS)
    sweeps.stop(sweep)
    assert runs.read(run.path).stop_requested


@pytest.mark.parametrize("with_runs", [True, False])
def test_deleting_with_and_without_the_runs(with_runs):
    sweep, run = with_a_run("stopped")
    alive(sweep.path)
    with pytest.raises(SweepBusy, match="still going"):
        sweeps.delete(sweep, with_runs)
    ended(sweep.path, "stopped")
    sweeps.delete(sweep, with_runs)
    assert sweeps.all_sweeps() == [] and run.path.is_dir() is not with_runs
    assert runs.is_in_bin(run.id) is with_runs
    sweeps.delete(sweep, with_runs)  # another window was faster
    assert [(found.id, found.name) for found, _ in sweeps.deleted()] == [(sweep.id, sweep.name)]
    assert sweeps.restore(sweep.id).config == sweep.config and sweeps.deleted() == []
    with pytest.raises(UnknownSweep, match="no longer in the bin"):
        sweeps.restore(sweep.id)


def test_a_sweep_in_the_bin_can_be_deleted_for_good():
    first, second = sweeps.create(grid()), sweeps.create(grid())
    for sweep in (first, second):
        ended(sweep.path, "stopped")
        sweeps.delete(sweep, with_runs=False)
    sweeps.erase(first.id)
    assert not sweeps.is_in_bin(first.id) and sweeps.is_in_bin(second.id)
    assert not sweeps.is_in_bin("../runs")


def test_a_run_knows_its_sweep_and_what_sets_it_apart():
    sweep, run = with_a_run("finished")
    other = runs.create(BASE, "Another")
    places = sweeps.places()
    assert places[run.id] == (sweep.id, sweep.name, sweep.trials[0].label) and other.id not in places


def test_runs_that_an_earlier_version_named_get_the_present_name():
    sweep, run = with_a_run("finished")
    runs.relabel(run, name=f"{sweep.name}: learning rate 0.01, batch size 32 · #1", tags=["kept"])
    sweeps.rename_earlier_runs()
    found = runs.get(run.id)
    assert (found.name, found.tags) == (f"{sweep.trials[0].label} · {sweep.name}", ("kept",))
    runs.relabel(run, name="My favourite")
    sweeps.rename_earlier_runs()
    assert runs.get(run.id).name == "My favourite", "somebody has named it"


def test_nothing_is_deleted_while_a_run_trains():
    sweep, run = with_a_run("training")
    ended(sweep.path, "stopped")
    with pytest.raises(runs.RunExists, match="still in training"):
        sweeps.delete(sweep, with_runs=True)
    assert sweep.path.is_dir() and run.path.is_dir()


def test_two_hundred_trials_are_read_quickly():
    """A page reads once a second. Generous: the machine may be busy."""
    settings = [Setting(path=f"training.{name}", values=list(range(1, 15))) for name in ("batch_size", "seed")]
    sweep = sweeps.create(grid(*settings))
    trials = [
        Trial(number, values, "finished", f"run-{number}", (0.5,) * 20, asked=number - 1)
        for number, values in enumerate(sweep.config.grid(), 1)
    ]
    sweeps.write_trials(sweep.path, trials, {})
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        assert len(sweeps.get(sweep.id).trials) == 196
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.25


def test_reading_loads_neither_optuna_nor_tensorflow():
    loaded = "{'optuna', 'tensorflow'} & set(sys.modules)"
    code = f"import sys; from cnn.tuning import sweeps; sweeps.all_sweeps(); print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
