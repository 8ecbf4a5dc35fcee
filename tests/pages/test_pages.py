"""Each page, run in-process: what it shows for every state of a run, and what its widgets do."""

import base64
import io
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from cnn import config, jobs, runs

PROJECT = Path(__file__).resolve().parents[2]
PAGES = {"Start": "0_Start", "Train": "1_Train", "Model": "2_Model", "Explore": "3_Explore", "Predict": "4_Predict"}


@pytest.fixture(autouse=True)
def fresh_caches():
    yield
    st.cache_data.clear()


def open_page(name: str, run: str | None = None) -> AppTest:
    """Open a page as by its menu entry."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    if run:
        app.query_params["run"] = run
    app.run()
    app.switch_page(f"pages/{PAGES[name]}.py")
    return refresh(app)


def open_train(view: str, run: str | None = None) -> AppTest:
    """Open the Train page in one of its views."""
    app = open_page("Train", run)
    app.segmented_control(key="train_view").set_value(view)
    return refresh(app)


def refresh(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def run_in_link(app: AppTest) -> str:
    """AppTest hands a parameter back as a list until a page has set it, then as a string."""
    value = app.query_params["run"]
    return value if isinstance(value, str) else value[0]


def text(app: AppTest) -> str:
    """Everything that a visitor can read in the main part and the sidebar."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "metric", "button")
    words = [str(getattr(e, "value", "")) + " " + str(getattr(e, "label", "")) for k in kinds for e in app.get(k)]
    return "\n".join(words)


class RecordingLauncher:
    """Stands in for the one that starts processes."""

    def __init__(self):
        self.calls: list[tuple[str, str]] = []

    def start(self, run):
        self.calls.append(("start", run.id))

    def stop(self, run):
        self.calls.append(("stop", run.id))
        runs.request_stop(run)

    def kill(self, run):
        self.calls.append(("kill", run.id))


@pytest.fixture
def launcher(monkeypatch) -> RecordingLauncher:
    fake = RecordingLauncher()
    monkeypatch.setattr(jobs, "launcher", lambda: fake)
    return fake


def make_run(state: str, **status) -> runs.Run:
    """A run of the tiny preset in some state, with the curves of one epoch."""
    run = runs.create(config.presets()["tiny"], f"a {state} run")
    runs.write_status(run.path, runs.Status(state, created=time.time(), heartbeat=time.time(), **status))
    batch = {"kind": "batch", "epoch": 0, "step": 40, "steps": 79, "loss": 1.5, "accuracy": 0.5, "seconds": 1.0}
    epoch = {
        "kind": "epoch",
        "epoch": 1,
        "loss": 1,
        "accuracy": 0.6,
        "val_loss": 0.9,
        "val_accuracy": 0.7,
        "seconds": 2,
    }
    (run.path / "metrics.jsonl").write_text(f'{json.dumps(batch)}\n{json.dumps(epoch)}\n{{"kind": "ba')
    return runs.read(run.path)


# --- every page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_with_the_shipped_model(name):
    app = open_page(name)
    assert app.title[0].value == ("CNN Atelier" if name == "Start" else name)
    assert run_in_link(app) == "lecture"
    assert not app.error and not app.warning


@pytest.mark.parametrize("wanted", ["../../etc", "no-such-run", "A B", "x" * 500])
def test_a_link_to_no_run_opens_the_shipped_model_and_says_so(wanted):
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    app.query_params["run"] = wanted
    refresh(app)
    assert "Showing the shipped model instead" in app.warning[0].value
    assert run_in_link(app) == "lecture"


@pytest.mark.parametrize("name", PAGES)
def test_page_says_that_a_run_is_damaged(name):
    run = make_run("finished")
    (run.path / "config.json").write_text('{"made by": "another program"}')
    app = open_page(name, run.id)
    if name != "Start":
        assert "This run is damaged" in text(app)


@pytest.mark.parametrize("name", ["Explore", "Predict"])
def test_page_says_that_there_is_no_network_yet(name):
    app = open_page(name, make_run("stopped").id)
    assert "no trained network yet" in text(app)


@pytest.mark.parametrize("name", ["Explore", "Predict"])
def test_page_says_that_the_model_file_is_broken(name):
    run = make_run("finished")
    (run.path / "model.keras").write_bytes(b"PK\x03\x04 not a model")
    assert "cannot be read" in text(open_page(name, run.id))


def test_start_and_train_do_not_load_tensorflow(tmp_path):
    script = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(PROJECT / "app.py")!r}, default_timeout=60).run()
app.switch_page("pages/1_Train.py").run()
app.switch_page("pages/2_Model.py").run()
assert not app.exception
print(sorted({{"tensorflow", "keras"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


# --- Start ------------------------------------------------------------------------------------------------------


def test_start_shows_a_garment_and_another():
    app = open_page("Start")
    first = app.get("plotly_chart")[0].proto.spec
    assert "says" in text(app) and "Nothing. Start a network" in text(app)
    next(button for button in app.button if button.label == "Another garment").click()
    refresh(app)
    assert app.get("plotly_chart")[0].proto.spec != first


def test_start_shows_what_is_training():
    run = make_run("queued")  # just queued, no process yet
    assert run.active
    app = open_page("Start")
    assert app.get("progress")
    app.button(key=f"watch-{run.id}").click()
    refresh(app)
    assert run_in_link(app) == run.id and app.title[0].value == "Train"


def test_a_test_accuracy_on_drawn_clothes_says_so():
    drawn = config.RunConfig(data=config.Data(dataset="synthetic"), layers=config.presets()["tiny"].layers)
    run = runs.create(drawn)
    runs.write_status(run.path, runs.Status("stopped"))
    runs.write_json(run.path / "evaluation.json", {"split": "test", "n": 2000, "accuracy": 0.9, "loss": 0.3})
    for page in ("Train", "Model"):
        assert "Test accuracy · synthetic data" in text(open_page(page, run.id))


# --- Train ------------------------------------------------------------------------------------------------------


def test_train_starts_the_configuration_that_is_shown(launcher):
    app = open_page("Train")
    app.segmented_control(key="preset").set_value("tiny")
    refresh(app)
    app.number_input(key=next(n.key for n in app.number_input if n.label == "Epochs")).set_value(7)
    app.text_input(key="new_name").set_value("Seven epochs")
    refresh(app)
    app.button(key="start").click()
    refresh(app)
    (run,) = runs.all_runs()
    assert launcher.calls == [("start", run.id)]
    assert run.name == "Seven epochs"
    assert run.config.training.epochs == 7
    assert run.config.layers == config.presets()["tiny"].layers
    assert run_in_link(app) == run.id


def test_train_edits_layers(launcher):
    app = open_page("Train")
    app.button(key="add-dropout").click()
    refresh(app)
    app.button(key="add-dense").click()
    refresh(app)
    app.button(key="start").click()
    refresh(app)
    added = runs.all_runs()[0].config.layers[-2:]
    assert [layer.kind for layer in added] == ["dropout", "dense"]


def test_train_refuses_an_impossible_stack(launcher):
    app = open_page("Train")
    app.button(key="add-convolution").click()
    refresh(app)
    assert "Layer 7 (Conv 32 3×3 same relu) needs feature maps" in text(app)
    assert app.button(key="start").disabled


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("stopped", {"epoch": 1}, "Stopped after 1 whole epoch."),
        ("failed", {"message": "ValueError: no"}, "The training failed: ValueError"),
        ("training", {"pid": 2**22 - 1, "host": socket.gethostname(), "epoch": 1}, "Interrupted after 1 whole epoch."),
    ],
)
def test_train_explains_a_run_and_resumes_it(launcher, state, status, words):
    run = make_run(state, **status)
    app = open_page("Train", run.id)
    assert words in text(app)
    assert len(app.get("plotly_chart")) == 2
    app.button(key="resume").click()
    refresh(app)
    assert launcher.calls == [("start", run.id)]


def test_train_stops_a_run(launcher):
    run = make_run("queued")
    app = open_page("Train", run.id)
    app.button(key="stop").click()
    refresh(app)
    assert launcher.calls == [("stop", run.id)]
    app.button(key="kill").click()
    refresh(app)
    assert launcher.calls[-1] == ("kill", run.id)


def test_train_renames_deletes_and_restores(launcher):
    run = make_run("stopped")
    app = open_page("Train", run.id)
    app.text_input(key=f"name-{run.id}").set_value("  Better   name ")
    app.button(key="rename").click()
    refresh(app)
    assert runs.get(run.id).name == "Better name"
    app.button(key="delete").click()
    refresh(app)
    assert runs.all_runs() == []
    app.button(key="undo").click()
    refresh(app)
    assert [r.id for r in runs.all_runs()] == [run.id]


def test_train_lists_every_run_also_damaged_ones(launcher):
    good, bad = make_run("stopped"), make_run("failed")
    (bad.path / "config.json").write_bytes(b"\x00\xff")
    app = open_train("All runs")
    table = app.dataframe[0].value
    assert set(table["id"]) == {good.id, bad.id}
    assert dict(zip(table["id"], table["state"], strict=True))[bad.id] == "damaged"


def test_train_says_where_the_files_go_when_there_is_no_data(launcher, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    words = text(open_page("Train"))
    assert "train-images-idx3-ubyte.gz" in words and str(tmp_path / "keras") in words and "synthetic" in words


def test_train_offers_the_synthetic_dataset_after_a_failed_download(launcher, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    run = make_run("failed", message="could not be downloaded")
    app = open_page("Train", run.id)
    next(b for b in app.button if b.label == "Train the same network on the synthetic dataset").click()
    refresh(app)
    new = next(r for r in runs.all_runs() if r.id != run.id)
    assert new.config.data.dataset == "synthetic" and new.config.layers == run.config.layers


def test_two_runs_of_one_name_stay_apart(launcher):
    older, newer = make_run("stopped"), make_run("stopped")
    app = open_train("A new run", newer.id)
    app.button(key="add-dense").click()  # any click makes the browser send the picker's label back
    refresh(app)
    assert run_in_link(app) == newer.id
    app.selectbox(key="run_picker").select(older.id)
    refresh(app)
    assert run_in_link(app) == older.id


def test_names_are_shown_as_they_are(launcher):
    run = make_run("stopped")
    runs.rename(run, "lr *0.1* $x$ [a](b) :red[c]")
    assert r"lr \*0.1\* \$x\$ \[a\]\(b\) \:red\[c\]" in text(open_page("Train", run.id))


# --- Model ------------------------------------------------------------------------------------------------------


def test_model_shows_the_lecture_summary():
    app = open_page("Model")
    table = app.dataframe[0].value
    assert list(table["parameters"])[:4] == [3200, 0, 73856, 147584]
    assert table["output shape"][0] == "(None, 28, 28, 64)"
    assert "1,413,834" in text(app)
    assert app.get("graphviz_chart") and app.get("download_button")


# --- Explore ----------------------------------------------------------------------------------------------------


def test_explore_shows_maps_and_kernels_of_every_layer():
    app = open_page("Explore")
    layers = app.selectbox(key="map_layer").options
    assert len(layers) == 8  # five convolutions and three poolings
    for index in (1, 7):
        app.selectbox(key="map_layer").select_index(index)
        refresh(app)
        assert len(app.get("plotly_chart")) == 3
    for scale in ("the layer", "the whole network"):
        app.segmented_control(key="scale").set_value(scale)
        refresh(app)
    assert len(app.selectbox(key="kernel_layer").options) == 5
    app.selectbox(key="kernel_layer").select_index(4)
    refresh(app)
    assert "The 256 kernels" in str([image.proto for image in app.get("image")])


def test_explore_chooses_a_map_by_number():
    app = open_page("Explore")
    app.number_input(key="map-conv2d").set_value(5)
    refresh(app)
    assert "Map 5 of conv2d" in text(app)


# --- Predict ----------------------------------------------------------------------------------------------------


def trousers() -> bytes:
    image = Image.new("RGB", (300, 400), "white")
    outline = [(90, 20), (210, 20), (230, 380), (170, 380), (150, 120), (130, 380), (70, 380)]
    ImageDraw.Draw(image).polygon(outline, "#345")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_predict_a_sample_of_each_class():
    app = open_page("Predict")
    for name in ("Trouser", "Ankle boot"):
        app.selectbox(key="sample_class").select(name)
        refresh(app)
        assert f"the dataset calls it {name}" in text(app)


def test_predict_uploads_good_and_bad():
    app = open_page("Predict")
    app.segmented_control(key="way").set_value("Upload")
    refresh(app)
    uploader = app.file_uploader[0]
    uploader.upload("trousers.png", trousers())
    uploader.upload("empty.png", b"")
    uploader.upload("letter.jpg", b"Dear Sir or Madam")
    refresh(app)
    words = text(app)
    assert "### Trouser" in words
    assert "empty.png: The file is empty" in words and "letter.jpg: This is no picture" in words
    assert len(app.error) == 2


def test_predict_a_drawing():
    app = open_page("Predict")
    app.segmented_control(key="way").set_value("Draw")
    refresh(app)
    assert "Nothing is drawn yet" in text(app)
    draw_trousers(app)
    assert "Subsample" in text(app)
    del app.session_state["canvas-0"]  # a browser forgets the canvas when its page is left
    app.switch_page("pages/3_Explore.py")
    refresh(app)
    app.segmented_control(key="way").set_value("Draw")  # which a browser keeps
    refresh(app)
    assert "From before: Your drawing" in text(app) and "**Trouser** with confidence" in text(app)
    app.button(key="forget").click()
    refresh(app)
    assert "Nothing is drawn yet" in text(app)


def draw_trousers(app: AppTest) -> None:
    """Put into the session what the canvas would send."""
    drawn = Image.open(io.BytesIO(trousers())).convert("RGBA").resize((280, 280))
    buffer = io.BytesIO()
    drawn.save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    app.session_state["canvas-0"] = {"drawing": {"raw": {"objects": [{"type": "Path"}]}, "data": url}}
    refresh(app)
