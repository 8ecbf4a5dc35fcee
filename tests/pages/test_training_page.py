"""A run on the Training page: the controls of a training, what was done, what the curves say, and the time lapse."""

import json
import os
import time
from dataclasses import replace

import numpy as np
import pytest

from cnn import runs
from cnn.config import Data, RunConfig, presets
from cnn.data import data_of, own_datasets
from cnn.runs import Run, Status, time_lapse
from cnn.training import dataset_record
from cnn.ui.train import buttons
from tests.data.folders_of_images import fill, png
from tests.pages.visit import make_run, open_page, refresh, text

STEP = {
    "kind": "event",
    "what": "step",
    "epoch": 0,
    "step": 41,
    "steps": 79,
    "loss": 0.75,
    "gradient": 2.5,
    "layers": {"conv2d": {"gradient": 2.0, "change": 0.001}, "dense": {"gradient": 1.5, "change": 0.004}},
    "seconds": 3.0,
}


def event(what: str, **values) -> dict:
    return {"kind": "event", "what": what, "epoch": 0, "step": 41, "steps": 79, "seconds": 3.0, **values}


def write_down(run: Run, *records: dict) -> None:
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write("\n" + "".join(json.dumps(record) + "\n" for record in records))


def alive(state: str, **changes) -> Run:
    """A run whose trainer is this process."""
    run = make_run(state)
    status = replace(runs.signed(run.status, state), steps=79, step=41, learning_rate=0.01, **changes)
    runs.write_status(run.path, status)
    return runs.read(run.path)


def asked(run: Run) -> list[tuple[str, float | None]]:
    return [(request["what"], request["value"]) for request in runs.read_requests(run.path, 0)[0]]


@pytest.fixture(autouse=True)
def no_answer(monkeypatch):
    """Nobody trains: a page that waits for the trainer's answer goes on at once."""
    monkeypatch.setattr(buttons, "_ANSWER", 0.0)


# --- steering ---------------------------------------------------------------------------------------------------


def test_a_training_is_paused():
    run = alive("training")
    app = open_page("Train", run.id)
    app.button(key="pause").click()
    refresh(app)
    assert asked(run) == [("pause", None)]


def test_a_paused_training_makes_one_batch_or_goes_on():
    run = alive("paused")
    app = open_page("Train", run.id)
    assert "paused" in text(app) and not [button for button in app.button if button.key == "pause"]
    app.button(key="step").click()
    refresh(app)
    app.button(key="continue").click()
    refresh(app)
    assert asked(run) == [("step", None), ("continue", None)]


@pytest.mark.parametrize("state", ["training", "paused"])
def test_the_learning_rate_is_changed(state):
    run = alive(state)
    app = open_page("Train", run.id)
    field = next(n for n in app.number_input if n.label == "Learning rate")
    assert field.value == 0.01
    field.set_value(0.002)
    refresh(app)
    assert asked(run) == [], "typing alone changes nothing"
    runs.write_status(run.path, replace(runs.read(run.path).status, learning_rate=0.009))  # a schedule goes on
    app.button(key="set_rate").click()
    refresh(app)
    assert asked(run) == [("learning rate", 0.002)]


def test_a_schedule_that_ended_at_zero_can_be_raised():
    run = alive("paused")
    runs.write_status(run.path, replace(runs.read(run.path).status, learning_rate=0.0))
    app = open_page("Train", run.id)
    assert next(n for n in app.number_input if n.label == "Learning rate").value > 0


def test_the_page_waits_for_the_trainers_answer(monkeypatch):
    monkeypatch.setattr(buttons, "_ANSWER", 20.0)
    run = alive("training")
    read, looks = runs.read, []

    def answer(path):
        looks.append(path)
        if asked(run) and len(looks) % 3 == 0:
            runs.write_status(run.path, replace(read(run.path).status, state="paused"))
        return read(path)

    app = open_page("Train", run.id)
    monkeypatch.setattr(runs, "read", answer)
    begun = time.monotonic()
    app.button(key="pause").click()
    refresh(app)
    assert time.monotonic() - begun < 15
    assert app.button(key="continue")


def test_what_one_batch_did_is_shown():
    run = alive("paused")
    write_down(run, {**STEP, "step": 40, "loss": 0.5}, STEP)
    app = open_page("Train", run.id)
    assert "epoch 1, batch 41 of 79" in text(app)
    values = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    assert values["Loss"] == ("0.75", "+0.25") and values["Gradient norm"][0] == "2.5"
    table = next(frame.value for frame in app.dataframe if "gradient norm" in frame.value)
    assert table.to_dict("list") == {
        "layer": ["conv2d", "dense"],
        "gradient norm": [2.0, 1.5],
        "weight change": [0.001, 0.004],
    }


def test_manual_changes_are_listed_and_marked_on_the_curves():
    run = make_run("stopped")
    write_down(run, event("paused"), event("learning rate", **{"from": 0.01, "to": 0.002}, factor=0.2), STEP)
    app = open_page("Train", run.id)
    table = next(frame.value for frame in app.dataframe if "what" in frame.value)
    assert table["what"].tolist() == [
        "single step: loss 0.75, gradient norm 2.5",
        "learning rate 0.01 → 0.002",
        "paused",
    ]
    for chart in app.get("plotly_chart")[:2]:
        marks = next(trace for trace in json.loads(chart.proto.spec)["data"] if trace["name"] == "manual changes")
        assert marks["text"][1] == "learning rate 0.01 → 0.002"


def test_a_run_resumes_at_another_learning_rate(launcher):
    run = make_run("failed", message="The loss is no longer a number.", learning_rate=0.5)
    (run.path / "checkpoint.npz").touch()
    app = open_page("Train", run.id)
    next(n for n in app.number_input if n.label == "Learning rate").set_value(0.05)
    app.button(key="resume_at_rate").click()
    refresh(app)
    assert launcher.calls == [("start", run.id)] and asked(run) == [("learning rate", 0.05)]


def test_a_run_whose_dataset_has_changed_is_not_resumed_but_trained_again(launcher):
    dataset = own_datasets.create("Shoes")
    fill(dataset.path, {"Boot": 12, "Sandal": 10})
    config = RunConfig(data=data_of("Shoes", (28, 28)), layers=presets()["tiny"].layers)
    run = runs.create(config, "Shoes, tiny")
    dataset_record.check(run, dataset_record.of(config.data))
    runs.write_status(run.path, Status("stopped", "Stopped by request.", epoch=1))
    (run.path / "checkpoint.npz").touch()
    assert "Resume continues from there" in text(open_page("Train", run.id))

    dataset.add("Boot", [("new.png", png(900))])
    app = open_page("Train", run.id)
    assert app.button(key="resume").disabled
    assert "22 images then, 23 now (Boot 12 then, 13 now)" in app.warning[0].value.replace("\\", "")
    assert "Resume continues" not in text(app)
    app.button(key="again").click()
    refresh(app)
    (again,) = (one for one in runs.all_runs() if one.name == "Shoes, tiny again")
    assert launcher.calls == [("start", again.id)] and again.config == config and run.path.is_dir()

    dataset.undo()
    app = open_page("Train", run.id)
    assert not app.warning
    app.button(key="resume").click()
    refresh(app)
    assert launcher.calls[1:] == [("start", run.id)]

    own_datasets.delete("Shoes")
    app = open_page("Train", run.id)
    assert app.button(key="resume").disabled and "it was deleted or renamed" in app.warning[0].value
    script = next(button for button in app.get("download_button") if button.proto.label.startswith("Keras script"))
    assert script.proto.disabled, "it names files that are gone"


def test_a_run_without_a_checkpoint_starts_again(launcher):
    run = make_run("stopped", epoch=0)
    app = open_page("Train", run.id)
    assert app.button(key="resume").label == "Start again"
    assert "It can be started again" in text(app)


def test_where_a_run_was_stopped_is_said_to_the_batch():
    run = make_run("stopped", epoch=2, step=17, steps=79)
    (run.path / "checkpoint.npz").touch()
    words = text(open_page("Train", run.id))
    assert "Stopped after 2 whole epochs and 17 of 79 batches of the next. Resume continues from there." in words


def test_a_trainer_that_hangs_can_be_forced_to_stop(launcher):
    run = alive("training")
    assert "No sign of life" not in text(open_page("Train", run.id))
    runs.write_status(run.path, replace(runs.read(run.path).status, heartbeat=time.time() - 300))
    app = open_page("Train", run.id)
    assert "No sign of life for 5 min" in text(app)
    app.button(key="kill").click()
    refresh(app)
    assert launcher.calls == [("kill", run.id)]


def test_a_full_disk_is_told_in_a_sentence(monkeypatch):
    run = alive("training")
    app = open_page("Train", run.id)

    def full(*arguments):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(runs, "ask", full)
    app.button(key="pause").click()
    refresh(app)
    assert "cannot be written (No space left on device)" in text(app).replace("\\", "")


# --- what the curves say ----------------------------------------------------------------------------------------


EPOCH = {"kind": "epoch", "loss": 0.9, "val_loss": 0.9, "seconds": 3}


def test_trouble_is_named_with_its_numbers():
    run = make_run("stopped")
    epochs = [
        {"kind": "epoch", "epoch": 2 + i, "loss": 0.9 - i / 10, "accuracy": 0.7, "val_loss": 1.0 + i / 5}
        for i in range(4)
    ]
    write_down(run, *({**epoch, "val_accuracy": 0.6} for epoch in epochs))
    assert "Overfitting since epoch 1" in text(open_page("Train", run.id))


@pytest.mark.parametrize(("share", "warned"), [(0.004, False), (0.03, False), (0.031, True)])
def test_waiting_for_data_and_what_the_trial_of_precisions_found_are_told(share, warned):
    trial = "mixed_bfloat16: 2.3 times as fast as float32 in a trial of up to 8 steps."
    run = alive("training", waiting=share, precision="mixed_bfloat16", precision_trial=trial)
    shown = text(open_page("Train", run.id))
    assert f"Waiting for data: {100 * share:.1f}% of the time" in shown and trial in shown
    assert ("prepared more slowly than the network learns" in shown) == warned


def test_a_healthy_training_is_said_to_be():
    run = make_run("stopped")
    write_down(run, {**EPOCH, "epoch": 2, "accuracy": 0.91, "val_accuracy": 0.9})
    assert "No problems found after 2 epochs" in text(open_page("Train", run.id))


def test_a_low_accuracy_is_no_good_news():
    run = make_run("stopped")
    shown = text(open_page("Train", run.id))
    assert "training accuracy is 60.0%" in shown and "linear classifier reaches 84%" in shown
    assert "Validation accuracy, 70.0%, is above training accuracy, 60.0%" in shown and "No problems" not in shown
    assert "Still learning" in text(open_page("Train", alive("training").id))


# --- time lapse -------------------------------------------------------------------------------------------------


def keep_epochs(run: Run, *epochs: int) -> None:
    for epoch in epochs:
        time_lapse.write(
            run.path,
            epoch,
            np.full((28, 28), 9, np.uint8),
            4,
            np.full((5, 5, 1, 8), epoch, np.float32),
            {"conv2d": np.full((14, 14, 8), epoch, np.float32), "conv2d_1": np.ones((7, 7, 16), np.float32)},
            np.diag(np.full(10, epoch)) + 1,
        )


def test_the_time_lapse_shows_the_newest_epoch_and_any_other():
    run = make_run("stopped")
    keep_epochs(run, 1, 2, 3)
    app = open_page("Train", run.id)
    assert "Validation images: 30.8% correct" in text(app) and "Coat" in text(app)
    app.select_slider(key="lapse_epoch").set_value(1)
    refresh(app)
    assert "Validation images: 18.2% correct" in text(app)
    app.selectbox(key="lapse_layer").set_value("conv2d_1")
    refresh(app)
    assert "The 16 maps of conv2d_1" in text(app)


def test_the_time_lapse_plays_to_its_end():
    run = make_run("stopped")
    keep_epochs(run, 1, 2, 3)
    app = open_page("Train", run.id)
    app.button(key="lapse_play").click()
    refresh(app)  # every run of the page is one tick of the player
    seen = [app.select_slider(key="lapse_epoch").value]
    while app.button(key="lapse_play").label == "Pause":
        refresh(app)
        seen.append(app.select_slider(key="lapse_epoch").value)
    assert seen == [2, 3, 3]


def test_a_time_lapse_of_one_epoch_has_no_slider():
    run = make_run("stopped")
    keep_epochs(run, 1)
    app = open_page("Train", run.id)
    assert "The slider appears after epoch 2" in text(app) and not app.select_slider


def test_a_frame_that_cannot_be_read_is_told():
    run = make_run("stopped")
    keep_epochs(run, 1, 2)
    (run.path / "lapse" / "epoch-0002.npz").write_bytes(b"PK")
    assert "The files of epoch 2 cannot be read" in text(open_page("Train", run.id))


def test_a_network_without_convolutions_has_a_time_lapse_too():
    run = runs.create(RunConfig(layers=presets()["lecture"].layers[8:]))
    runs.write_status(run.path, runs.Status("stopped"))
    for epoch in (1, 2):
        time_lapse.write(run.path, epoch, np.zeros((28, 28), np.uint8), 0, None, {}, np.eye(10, dtype=int))
    words = text(open_page("Train", run.id))
    assert "This network has no convolution." in words and "This network has no feature maps." in words


# --- accuracy over time -----------------------------------------------------------------------------------------


def against_time(app) -> dict:
    """The lines of the last chart by name, as it stands on the page."""
    spec = json.loads(app.get("plotly_chart")[2].proto.spec)
    return {trace["name"]: trace for trace in spec["data"] if "lines" in trace["mode"]}


def epochs_of(run: Run, *pairs: tuple[float, float]) -> None:
    """Write down epochs as (seconds, validation accuracy), and nothing else but a batch."""
    batch = {"kind": "batch", "epoch": 0, "step": 40, "steps": 79, "loss": 1.5, "accuracy": 0.5, "seconds": 1.0}
    whole = {"kind": "epoch", "loss": 1, "accuracy": 0.6, "val_loss": 0.9}
    records = [batch, *({**whole, "epoch": n, "seconds": s, "val_accuracy": a} for n, (s, a) in enumerate(pairs, 1))]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def finish(run: Run, seconds: float) -> None:
    (run.path / "model.keras").touch()
    runs.write_status(run.path, runs.Status("finished", created=time.time(), epoch=2, steps=79, seconds=seconds))


def test_a_run_is_shown_against_the_lecture_network():
    run = make_run("stopped")
    epochs_of(run, (20.0, 0.9), (34.4, 0.93))
    app = open_page("Train", run.id)
    lines = against_time(app)
    assert set(lines) == {run.name, "lecture network", "Wardrobe", "Dense"}
    assert lines[run.name]["y"] == [0.9, 0.93] and len(lines["lecture network"]["x"]) == 10
    assert "Reached 91.0% after **34 s**; the lecture network after **1 h 16 min**." in text(app)
    assert "on another machine, where an epoch took 7 min 37 s" in text(app)


def test_a_run_below_the_lecture_network_says_how_far_it_came():
    run = make_run("stopped")
    epochs_of(run, (20.0, 0.885), (34.4, 0.88))
    words = text(open_page("Train", run.id))
    assert "Best: 88.5%. The lecture network ends with 91.0%" in words and "Reached" not in words
    run = alive("training")
    epochs_of(run, (20.0, 0.885))
    assert "Best so far: 88.5%." in text(open_page("Train", run.id))


def test_a_lecture_run_of_this_machine_is_the_reference():
    values = presets()["lecture"]
    own = runs.create(values, "My lecture")
    epochs_of(own, (70.0, 0.88), (140.0, 0.9))
    finish(own, 140.0)
    run = make_run("stopped")
    epochs_of(run, (20.0, 0.885), (34.4, 0.9))
    app = open_page("Train", run.id)
    assert against_time(app)["lecture network"]["x"] == [70.0, 140.0]
    assert "Reached 90.0% after **34 s**; the lecture network after **2 min 20 s**." in text(app)
    assert "from your run My lecture" in text(app) and "another machine" not in text(app)


def test_without_a_comparable_run_it_stands_alone():
    drawn = presets()["tiny"].model_copy(update={"data": Data(dataset="synthetic")})
    run = runs.create(drawn, "On drawn clothes")
    runs.write_status(run.path, runs.Status("stopped", created=time.time()))
    epochs_of(run, (20.0, 0.885))
    app = open_page("Train", run.id)
    assert set(against_time(app)) == {"On drawn clothes"}
    assert "no other finished run of the lecture network on this dataset" in text(app)


def test_before_its_first_epoch_the_rivals_are_there_already():
    run = alive("training")
    epochs_of(run)
    app = open_page("Train", run.id)
    assert set(against_time(app)) == {"lecture network", "Wardrobe", "Dense"}


# --- the figures, and where to go from here ---------------------------------------------------------------------


def page_links(app) -> dict[str, tuple[str, str]]:
    """The links on the page by label: which page, and with which parameters."""
    protos = [link.proto for link in app.get("page_link")]
    return {proto.label: (proto.page, proto.query_string) for proto in protos}


def test_a_training_tells_as_many_figures_from_its_start_to_its_end():
    run = alive("training", images_per_second=1234.5, seconds_left=75.0, seconds=12.0)
    app = open_page("Train", run.id)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown == {
        "Training accuracy": "60.0%",
        "Val. accuracy": "70.0%",
        "Best val. accuracy": "70.0%",
        "Images/s": "1,234",
        "Time left": "1 min 15 s",
    }
    assert all(metric.proto.show_border for metric in app.metric)
    assert "current LR 0.01 · 12 s" in app.get("progress")[0].proto.text
    finished = open_page("Train", "wardrobe")
    assert len(finished.metric) == len(shown)


def test_a_shipped_network_tells_both_of_its_accuracies_and_where_to_go():
    app = open_page("Train", "wardrobe")
    words = text(app)
    assert {m.label: m.value for m in app.metric}["Test accuracy"] == "93.8%"
    assert "a single forward pass for each of 10,000 test images." in words and "augmentation): 94.5%" in words
    links = page_links(app)
    assert links["Look inside"] == ("Explore", "run=wardrobe") and links["Try a photo"] == ("Predict", "run=wardrobe")
    assert links["Compare with Lecture"] == ("Runs", "run=wardrobe&compare=wardrobe%2Clecture")
    assert links["New network"][0] == "New_network"
    assert "Compare with Lecture" not in page_links(open_page("Train", "lecture"))
    assert len(app.get("plotly_chart")) == 3
    assert not [b for b in app.button if b.key in ("rename", "delete", "pause", "stop")]


def test_a_training_that_goes_on_is_not_asked_what_next():
    assert "What next?" not in text(open_page("Train", alive("training").id))


def test_the_settings_of_a_run_are_duplicated(launcher):
    run = make_run("finished")
    (run.path / "model.keras").touch()
    app = open_page("Train", run.id)
    app.button(key="build_on").click()
    refresh(app)
    assert app.title[0].value == "New network"
    assert app.session_state["draft"]["preset"] == "tiny"
    assert app.session_state["draft"]["training"]["epochs"] == run.config.training.epochs


def test_a_run_in_training_cannot_be_deleted():
    app = open_page("Train", alive("training").id)
    assert app.button(key="delete").disabled and app.button(key="rename")


def test_after_a_deletion_no_other_run_is_offered_for_it(launcher):
    kept, gone = make_run("stopped"), make_run("stopped")
    app = open_page("Train", gone.id)
    app.button(key="delete").click()
    refresh(app)
    app.button(key="confirm_delete").click()
    refresh(app)
    assert "confirm_delete" not in [button.key for button in app.button]
    assert [run.id for run in runs.all_runs()] == [kept.id]
    assert "cannot be changed or deleted" in text(app), "the shipped run takes its place"


def test_features_of_frozen_layers_move_the_bar(launcher):
    message = "Computing the features of the frozen layers: 320 of 1,280 images, 31 a second, 32 s left"
    run = make_run("starting", message=message, pid=os.getpid())
    app = open_page("Train", run.id)
    (bar,) = app.get("progress")
    assert bar.proto.value == 25 and "320 of 1,280 images, 31 a second, 32 s left" in bar.proto.text
