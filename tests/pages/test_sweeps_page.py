"""The Sweeps page: the form, a sweep in every state, and what its widgets do."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import Data, RunConfig, presets
from cnn.data import own_datasets
from cnn.runs import launchers
from cnn.tuning import Setting, SweepConfig, Trial, hyperparameters_of, sweeps, value_words
from cnn.tuning.sweeps import Sweep
from cnn.ui.sweeps import form, view
from tests.data.folders_of_images import fill
from tests.pages.visit import make_run, open_page, picker, refresh, text

TINY = presets()["tiny"]
RATE, BATCH, OPTIMIZER = "training.learning_rate", "training.batch_size", "training.optimizer"
RATES = Setting(path=RATE, values=(0.001, 0.01))
BATCHES = Setting(path=BATCH, values=(32, 64))


@pytest.fixture
def spawned(monkeypatch) -> list[tuple[str, Path]]:
    """The processes that would have been started."""
    started: list[tuple[str, Path]] = []
    monkeypatch.setattr(launchers, "spawn", lambda module, folder: started.append((module, folder)))
    return started


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return refresh(app)


def choose(app: AppTest, *paths: str, method: str = "grid") -> AppTest:
    app.segmented_control(key="sweep-method").set_value(form.METHODS[method][0])
    refresh(app)
    known = {known.path: form.words_of(known) for known in hyperparameters_of(presets()["fast"])}
    app.multiselect(key="sweep-settings").set_value([known[path] for path in paths])
    return refresh(app)


def enter(app: AppTest, path: str, values: str) -> AppTest:
    app.text_input(key=f"sweep-preset:fast-{path}-values").set_value(values)
    return refresh(app)


def started(spawned: list[tuple[str, Path]]) -> SweepConfig:
    """The configuration of the only sweep that was started."""
    ((module, folder),) = spawned
    assert module == "cnn.sweep"
    return sweeps.read(folder).config


def make_sweep(state: str = "training", settings=(RATES, BATCHES), base: RunConfig = TINY, **status) -> Sweep:
    """A grid of which two trials have ended, one is in training and one has not begun; driven by this process."""
    made = sweeps.create(SweepConfig(base=base, method="grid", settings=settings))
    run_states = ("finished", "stopped", "training")
    made_runs = [make_run("stopped") for _ in run_states]
    for run, run_state in zip(made_runs, run_states, strict=True):
        live = runs.signed(run.status, "training") if run_state == "training" else replace(run.status, state=run_state)
        runs.write_status(run.path, live)
    (made_runs[0].path / "model.keras").write_bytes(b"a network")
    curves = ((0.5, 0.7, 0.8), (0.3,), (0.6,))
    states = ("finished", "stopped early", "training")
    trials = [
        Trial(n, values, state, run.id, curve, 10.0 * n)
        for n, values, run, state, curve in zip(
            range(1, 4), made.config.grid(), made_runs, states, curves, strict=False
        )
    ]
    sweeps.write_trials(made.path, trials, {setting.path: 0.5 for setting in settings})
    closed = state in ("stopped", "finished", "failed")
    write = runs.closed if closed else runs.signed
    runs.write_status(
        made.path, write(runs.Status("training", seconds=60.0, **status), state, status.get("message", ""))
    )
    return sweeps.get(made.id)


def open_sweep(sweep_id: str) -> AppTest:
    app = AppTest.from_file(str(Path(__file__).resolve().parents[2] / "app.py"), default_timeout=120)
    app.query_params["sweep"] = sweep_id
    app.run()
    app.query_params["sweep"] = sweep_id
    app.switch_page("pages/4_Sweeps.py")
    return refresh(app)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in [*app.button, *app.menu_button]}


def delete(app: AppTest, sweep: Sweep, with_runs: bool = False) -> AppTest:
    """Through the menu and its dialog."""
    app.menu_button(key="more_sweep").click("Delete…")
    refresh(app)
    if with_runs:
        app.checkbox(key=f"delete_runs-{sweep.id}").check()
        refresh(app)
    return click(app, "confirm_delete")


def in_link(app: AppTest, name: str) -> str | None:
    """AppTest hands a parameter back as a list until a page has set it."""
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


# --- the form ---------------------------------------------------------------------------------------------------


def test_without_a_sweep_the_form_is_open():
    app = open_page("Sweeps")
    words = text(app)
    assert "see which matter" in words and "**3 trials**" in words and "Your first run shows" in words
    assert not app.selectbox(key="sweep_base").disabled
    assert not app.button(key="start_sweep").disabled
    assert not any(box.label == "Sweep" for box in app.selectbox) and not app.warning
    assert in_link(app, "sweep") == "new" and in_link(app, "sweep-base") == "preset:fast"


def test_a_grid_is_started_as_it_stands_in_the_form(spawned):
    app = choose(open_page("Sweeps"), RATE, OPTIMIZER, "layers.0.filters")
    enter(app, RATE, "0.001, 0.01; 0.1")
    enter(app, "layers.0.filters", "8,16")
    app.pills(key=f"sweep-preset:fast-{OPTIMIZER}-choices").set_value(["adam", "sgd"])
    app.selectbox(key="sweep-preset:fast-dataset").select("synthetic")
    app.number_input(key="sweep-preset:fast-limit").set_value(2000)
    app.number_input(key="sweep-preset:fast-epochs").set_value(2)
    app.number_input(key="sweep_at_once").set_value(2)
    app.text_input(key="sweep_name").set_value("Rates *and* others")
    refresh(app)
    assert "3 × 2 × 2 = **12 trials**" in text(app)
    click(app, "start_sweep")
    wanted = started(spawned)
    assert wanted.settings == (
        Setting(path=RATE, values=(0.001, 0.01, 0.1)),
        Setting(path=OPTIMIZER, values=("adam", "sgd")),
        Setting(path="layers.0.filters", values=(8, 16)),
    )
    fast = presets()["fast"]
    assert wanted.base.data == Data(dataset="synthetic", limit=2000)
    assert wanted.base.training == fast.training.model_copy(update={"epochs": 2})
    assert wanted.base.layers == fast.layers
    assert (wanted.method, wanted.at_once, wanted.prune, wanted.name) == ("grid", 2, True, "Rates *and* others")
    assert app.query_params["sweep"] in (spawned[0][1].name, [spawned[0][1].name])
    assert picker(app, "sweep_picker").options[0].startswith("Rates *and* others")
    assert "**starting** · 0 of 12 trials" in app.get("progress")[0].proto.text


@pytest.mark.parametrize("method", ["random", "optuna"])
def test_a_range_is_drawn_from(method, spawned):
    app = choose(open_page("Sweeps"), RATE, BATCH, method=method)
    app.number_input(key=f"sweep-preset:fast-{RATE}-low").set_value(0.002)
    app.number_input(key=f"sweep-preset:fast-{BATCH}-high").set_value(100)
    app.toggle(key=f"sweep-preset:fast-{BATCH}-log").set_value(False)
    app.number_input(key="sweep_trials").set_value(7)
    app.number_input(key="sweep_seed").set_value(3)
    app.toggle(key="sweep_prune-False").set_value(False)
    refresh(app)
    assert "**7 trials**" in text(app)
    click(app, "start_sweep")
    wanted = started(spawned)
    assert wanted.settings == (
        Setting(path=RATE, low=0.002, high=0.3, log=True),
        Setting(path=BATCH, low=32, high=100),
    )
    assert (wanted.method, wanted.trials, wanted.seed, wanted.prune) == (method, 7, 3, False)


@pytest.mark.parametrize(
    ("path", "values", "words"),
    [
        (RATE, "fast", "“fast” is not a number"),
        (RATE, "nan", "“nan” is not a number"),
        (RATE, "0.01, 99", "outside its bounds"),
        (RATE, "0.01, 0.010", "is listed twice"),
        (RATE, " , ", "list at least one value"),
        (BATCH, "16, 32.5", "32.5 is not a whole number"),
        ("layers.3.kernel", "3, 500", "outside its bounds"),
    ],
)
def test_what_cannot_be_tried_is_said_at_its_place(path, values, words):
    app = enter(choose(open_page("Sweeps"), path), path, values)
    (error,) = app.error
    assert words in error.value.replace("\\", "")
    assert app.button(key="start_sweep").disabled
    enter(app, path, "3" if path.endswith("kernel") else "1")
    assert not app.error and not app.button(key="start_sweep").disabled


def test_a_range_that_is_upside_down_is_refused():
    app = choose(open_page("Sweeps"), RATE, method="random")
    app.number_input(key=f"sweep-preset:fast-{RATE}-low").set_value(0.5)
    refresh(app)
    assert "must be below the highest" in app.error[0].value.replace("\\", "")
    assert app.button(key="start_sweep").disabled


def test_too_many_combinations_and_no_setting_are_refused():
    app = choose(open_page("Sweeps"), RATE, BATCH)
    enter(app, RATE, ", ".join(str(n / 100) for n in range(1, 21)))
    enter(app, BATCH, ", ".join(str(n) for n in range(1, 21)))
    assert "The grid has 400 combinations" in app.error[0].value
    choose(app)
    assert "Choose one to 3 settings" in text(app)
    assert app.button(key="start_sweep").disabled


def test_varied_lengths_are_not_compared_before_their_end(spawned):
    app = choose(open_page("Sweeps"), "training.epochs")
    enter(app, "training.epochs", "1, 2")
    assert app.number_input(key="sweep-preset:fast-epochs").disabled
    assert app.toggle(key="sweep_prune-True").disabled and app.toggle(key="sweep_prune-True").value is False
    click(app, "start_sweep")
    assert started(spawned).prune is False


def test_an_empty_setting_has_a_word(spawned):
    app = choose(open_page("Sweeps"), "data.limit")
    enter(app, "data.limit", "1000, All")
    click(app, "start_sweep")
    assert started(spawned).settings[0].values == (1000, None)


def test_the_base_may_be_a_run_or_what_is_on_the_new_network_page(launcher, spawned):
    run = make_run("stopped")
    app = open_page("Train", run.id)
    click(app, "sweep_over")
    assert app.title[0].value == "Sweeps"
    assert app.selectbox(key="sweep_base").value == f"run:{run.id}"
    assert app.number_input(key=f"sweep-run:{run.id}-limit").value == 5000

    app = open_page("New network")
    click(app, "preset-lenet5")
    click(app, "sweep_over_draft")
    assert app.title[0].value == "Sweeps"
    app.switch_page("pages/4_Sweeps.py")  # a test stays on the page that it was told of itself
    refresh(app)
    click(app, "start_sweep")
    assert started(spawned).base.layers == presets()["lenet5"].layers


def test_images_of_one_s_own_are_swept_over(spawned, runs_folder):
    fill(own_datasets.root() / "Shoes", {"Boot": 12, "Sandal": 12})
    app = open_page("Sweeps", **{"sweep-base": "preset:transfer"})
    dataset = next(field for field in app.selectbox if field.label == "Dataset")
    dataset.select("Shoes · 24 images, 2 classes")
    refresh(app)
    app.multiselect(key="sweep-settings").set_value(["Frozen layers"])
    refresh(app)
    app.text_input(key="sweep-preset:transfer-transfer.frozen-values").set_value("18, 20")
    refresh(app)
    click(app, "start_sweep")
    wanted = started(spawned)
    assert wanted.base.data.classes == ("Boot", "Sandal") and wanted.base.data.card.input_shape == (288, 288, 3)
    assert wanted.settings[0].values == (18, 20)
    run = runs.create(wanted.base, "On shoes")
    app = open_page("Sweeps", sweep="new", **{"sweep-base": f"run:{run.id}"})
    assert next(field for field in app.selectbox if field.label == "Dataset").value == "Shoes"


def test_a_base_that_is_gone_gives_way():
    run = make_run("stopped")
    app = open_page("Sweeps")
    app.selectbox(key="sweep_base").select(f"run:{run.id}")
    refresh(app)
    choose(app, "layers.1.filters")
    runs.delete(run)
    refresh(app)
    assert app.selectbox(key="sweep_base").value == "preset:fast"


@pytest.mark.parametrize("name", presets())
def test_what_is_proposed_can_be_listed(name):
    base = presets()[name]
    numbers = [known for known in hyperparameters_of(base) if known.kind != "choice"]
    assert len(numbers) > 10
    for setting in numbers:
        proposed = form.proposals(setting)
        assert len(proposed) > 1 and list(proposed) == sorted(set(proposed)), setting.path
        assert setting.present is None or setting.present in proposed or not setting.usual[0] < setting.present
        listed = form.listed_values(setting, ", ".join(value_words(setting.path, v) for v in proposed))
        assert listed == proposed
        assert all(setting.low <= value <= setting.high for value in proposed)
        kind = int if setting.kind == "whole number" else float
        assert {type(value) for value in listed} == {kind}


def test_the_time_of_all_trials_is_judged_by_a_run_of_the_same_network():
    app = open_page("Sweeps")
    app.selectbox(key="sweep_base").select("preset:tiny")
    refresh(app)
    assert "of training, one after another" in text(app) and "measured on" in text(app)
    run = make_run("stopped")
    (run.path / "model.keras").write_bytes(b"a network")
    runs.write_status(run.path, replace(run.status, state="finished", epoch=3, seconds=30.0))
    refresh(app)
    words = text(app)
    assert "**About 1 min 30 s** of training, one after another" in words
    assert f"judged by your run {run.name}." in words


# --- a sweep ----------------------------------------------------------------------------------------------------


def test_a_sweep_in_progress():
    sweep = make_sweep()
    app = open_sweep(sweep.id)
    words = text(app)
    line = app.get("progress")[0].proto.text
    assert "**in progress** · 2 of 4 trials · trial 3, epoch 2 of 3" in line
    assert "**Best so far: lr 0.001 · batch 32** · trial 1 · 80.00% in epoch 3 of 3 · 10 s" in words.replace("\\", "")
    assert "stop_sweep" in keys(app) and not {"resume_sweep", "more_sweep"} & keys(app)
    charts = app.get("plotly_chart")
    assert len(charts) == 4
    specs = [json.loads(chart.proto.spec) for chart in charts]
    points = [point for trace in specs[0]["data"] for point in trace.get("customdata", []) if trace["name"] != "best"]
    assert sorted(points) == [1, 2, 3]
    assert specs[0]["layout"]["xaxis"]["type"] == "log"
    assert "3 trials. Best: trial 1" in charts[0].proto.alt
    table = app.dataframe[0].value
    assert list(table["Trial"]) == [1, 2, 3, 4]
    assert list(table["State"]) == ["finished", "stopped early", "training", "waiting"]
    assert list(table["Learning rate"]) == [0.001, 0.001, 0.01, 0.01]


def test_a_chart_is_replaced_below_the_one_that_shows():
    sweep = make_sweep()
    app = open_sweep(sweep.id)
    before = [chart.proto.spec for chart in app.get("plotly_chart")]
    metrics = runs.root() / sweep.trials[2].run_id / "metrics.jsonl"
    epoch = {"kind": "epoch", "epoch": 2, "loss": 1, "accuracy": 0.9, "val_loss": 0.9, "val_accuracy": 0.95}
    metrics.write_text(f"{metrics.read_text().splitlines()[1]}\n{json.dumps(epoch)}\n")
    refresh(app)
    assert [chart.proto.spec for chart in app.get("plotly_chart")] == before, "not yet: it would flicker"
    for name in ("sweep-setting-0", "sweep-setting-1", "sweep-time", "sweep-curves"):
        app.session_state[f"{name}-drawn"]["time"] -= 10
    refresh(app)
    after = app.get("plotly_chart")
    assert len(after) == 8
    assert [chart.proto.spec for chart in after[::2]] == before, "the last one stays until the new one is drawn"
    assert "Best: trial 3" in after[1].proto.alt


@pytest.mark.parametrize(
    ("state", "words", "buttons"),
    [
        ("stopped", "Resume goes on with the trials that are left", {"resume_sweep", "more_sweep"}),
        ("failed", "The sweep failed: The disk is full", {"resume_sweep", "more_sweep"}),
        ("finished", "**Best: lr 0.001 · batch 32** · trial 1", {"more_sweep"}),
    ],
)
def test_a_sweep_that_has_ended(state, words, buttons):
    sweep = make_sweep(state, message="The disk is full" if state == "failed" else "")
    app = open_sweep(sweep.id)
    assert words in text(app).replace("\\", "")
    assert buttons <= keys(app) and "stop_sweep" not in keys(app)
    assert ("resume_sweep" in keys(app)) == ("resume_sweep" in buttons)


def test_a_sweep_whose_process_is_gone_can_go_on(spawned, launcher):
    sweep = make_sweep()
    status = runs.Status(**runs.read_json(sweep.path / "status.json"))
    runs.write_status(sweep.path, replace(status, pid=2**22 - 1))
    app = open_sweep(sweep.id)
    assert "Interrupted. Its process is gone" in text(app)
    click(app, "stop_runs")
    third = sweeps.get(sweep.id).trials[2]
    assert launcher.calls == [("stop", third.run_id)]
    click(app, "resume_sweep")
    assert spawned == [("cnn.sweep", sweep.path)]
    assert "stop_sweep" in keys(app)


def test_stopping_a_sweep_says_so():
    sweep = make_sweep()
    app = click(open_sweep(sweep.id), "stop_sweep")
    assert (sweep.path / "stop").exists()
    assert "stopping, with the run that is training" in app.get("progress")[0].proto.text
    assert app.button(key="stop_sweep").disabled


@pytest.mark.parametrize("with_runs", [False, True])
def test_a_sweep_is_deleted_with_or_without_its_runs(with_runs):
    make_sweep("stopped", settings=(RATES,))
    sweep = make_sweep("stopped")
    for trial in sweep.trials:
        if trial.run_id and trial.state == "training":
            runs.write_status(runs.root() / trial.run_id, runs.Status("stopped"))
    before = len(runs.all_runs())
    app = delete(open_sweep(sweep.id), sweep, with_runs)
    assert len(sweeps.all_sweeps()) == 1
    assert len(runs.all_runs()) == before - 3 * with_runs
    assert not app.warning, "the link goes with it"
    click(app, "undo")
    assert len(runs.all_runs()) == before and app.session_state["sweep"] == sweep.id
    assert "Deleted" not in text(app) and not app.warning


def test_a_trial_is_chosen_by_its_point_or_its_row():
    sweep = make_sweep("stopped")
    app = open_sweep(sweep.id)
    assert "Click a point" in text(app)
    app.query_params["sweep-trial"] = "2"  # as a click leaves it
    refresh(app)
    assert "**Chosen: lr 0.001 · batch 64** · trial 2" in text(app).replace("\\", "")
    assert "stopped early" in text(app)
    other = make_sweep("stopped", settings=(RATES,))
    refresh(app)
    picker(app, "sweep_picker").select(other.id)
    refresh(app)
    assert "Chosen" not in text(app), "it was of the other sweep"


def test_a_click_on_a_trial_is_in_the_link(monkeypatch):
    written = {}
    monkeypatch.setattr(view.links, "write", written.__setitem__)
    monkeypatch.setattr(view.st, "session_state", {"grid": {"selection": {"rows": [1]}}})
    view._choose_row("grid", [4, 7])
    assert written == {"sweep-trial": "7"}
    view.st.session_state["grid"]["selection"]["rows"] = []
    view._choose_row("grid", [4, 7])
    assert written == {"sweep-trial": None}


@pytest.mark.parametrize("trial", ["99", "first", ""])
def test_a_link_to_no_trial_shows_none(trial):
    sweep = make_sweep("finished")
    app = open_page("Sweeps", sweep=sweep.id, **{"sweep-trial": trial})
    assert "Chosen" not in text(app) and "Click a point" in text(app)


def test_the_best_run_is_opened_and_its_settings_used():
    sweep = make_sweep("finished")
    app = click(open_sweep(sweep.id), "open-best")
    assert app.title[0].value == "Training"
    assert app.session_state["run"] == sweep.trials[0].run_id

    app = click(open_sweep(sweep.id), "use-best")
    assert app.title[0].value == "New network"
    assert app.session_state["draft"]["training"]["learning_rate"] == 0.001
    assert app.session_state["draft"]["training"]["batch_size"] == 32


def test_the_best_are_compared_on_the_runs_page():
    sweep = make_sweep("finished")
    app = click(open_sweep(sweep.id), "compare_trials")
    assert app.title[0].value == "Runs"
    best = [sweep.trials[index].run_id for index in (0, 2, 1)]
    assert set(app.session_state["selected_runs"]) == set(best)
    assert "Comparison" in text(app)


def test_a_trial_whose_run_was_deleted_has_none_to_open():
    sweep = make_sweep("finished")
    runs.delete(runs.get(sweep.trials[0].run_id))
    app = open_sweep(sweep.id)
    assert app.button(key="open-best").disabled
    assert not app.button(key="use-best").disabled


def test_the_trials_as_csv():
    sweep = make_sweep("finished", settings=(RATES, Setting(path="data.limit", values=(None, 1000))))
    rows = list(csv.DictReader(io.StringIO(view.as_csv(sweep).decode("utf-8-sig"))))
    assert [row[RATE] for row in rows] == ["0.001", "0.001", "0.01", "0.01"]
    assert [row["state"] for row in rows][:2] == ["finished", "stopped early"]
    assert (rows[0]["validation_accuracy"], rows[0]["best_epoch"], rows[0]["seconds"]) == ("0.8", "3", "10.0")
    table = view.tabulated(sweep)
    assert list(table["Training examples"]) == ["all", "1000", "all", "1000"]
    assert len(open_sweep(sweep.id).get("plotly_chart")) == 4


def test_sweeps_are_chosen_and_linked():
    first, second = make_sweep("finished"), make_sweep("stopped", settings=(RATES,))
    app = open_page("Sweeps")
    assert app.session_state["sweep"] == second.id, "the newest"
    assert len(set(picker(app, "sweep_picker").options)) == 2
    picker(app, "sweep_picker").select(first.id)
    refresh(app)
    assert app.query_params["sweep"] in (first.id, [first.id])
    assert len(app.get("plotly_chart")) == 4
    app.segmented_control(key="sweep_view").set_value("New sweep")
    refresh(app)
    assert in_link(app, "sweep") == "new" and app.button(key="start_sweep")
    app.segmented_control(key="sweep_view").set_value("Results")
    refresh(app)
    assert in_link(app, "sweep") in (first.id, second.id) and in_link(app, "sweep-base") is None


@pytest.mark.parametrize("wanted", ["20200101-000000", "../../etc", "x" * 500])
def test_a_link_to_no_sweep_says_so(wanted):
    assert "there is no such sweep" in open_sweep(wanted).warning[0].value
    sweep = make_sweep("finished")
    app = open_sweep(wanted)
    assert "Showing the newest instead" in app.warning[0].value
    assert "**Best: lr 0.001" in text(app).replace("\\", "") and sweep.name in picker(app, "sweep_picker").options[0]


def test_a_damaged_sweep_can_only_be_deleted():
    sweep = make_sweep("finished")
    (sweep.path / "sweep.json").write_text('{"made by": "another program"}')
    app = open_sweep(sweep.id)
    assert "This sweep is damaged" in app.error[0].value
    assert "resume_sweep" not in keys(app) and not app.get("plotly_chart")
    delete(app, sweep)
    assert sweeps.all_sweeps() == []


def test_a_link_opens_the_form_as_it_was():
    app = open_page("Sweeps", sweep="new", **{"sweep-base": "preset:lenet5", "sweep-method": "Random"})
    assert app.selectbox(key="sweep_base").value == "preset:lenet5"
    assert app.segmented_control(key="sweep-method").value == "Random"
    app = open_page("Sweeps", sweep="new", **{"sweep-base": "run:no-such", "sweep-settings": "No such setting"})
    assert app.selectbox(key="sweep_base").value == "preset:fast"
