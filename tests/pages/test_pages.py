"""Each page, run in-process: what it shows for every state of a run, and what its widgets do."""

import base64
import csv
import io
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import CLASS_NAMES, Data, RunConfig, presets
from cnn.config.datasets import FASHION_MNIST
from cnn.networks.predictor import Answer
from cnn.pictures import NetworkInput, readings, to_network_input
from cnn.pictures.readings import Reading
from cnn.ui.predict import batch, inputs, pictures
from cnn.ui.predict.pictures import File
from tests.pages.visit import PAGES, PROJECT, make_run, open_page, picker, refresh, run_in_link, text

# --- every page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_with_the_shipped_model(name):
    app = open_page(name)
    titles = {"Start": "CNN Atelier", "Learn": "Lessons", "Train": "Training", "Model": "Architecture"}
    assert app.title[0].value == titles.get(name, name)
    assert run_in_link(app) == runs.DEFAULT_ID
    assert not app.error and not app.warning


@pytest.mark.parametrize("wanted", ["../../etc", "no-such-run", "A B", "x" * 500])
def test_a_link_to_no_run_opens_the_shipped_model_and_says_so(wanted):
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    app.query_params["run"] = wanted
    for _ in range(2):  # the words outlast a redraw of the page with the corrected link
        refresh(app)
        assert "Showing the shipped model instead" in app.warning[0].value
        assert app.session_state["run"] == runs.DEFAULT_ID
    assert run_in_link(app) == runs.DEFAULT_ID
    app.switch_page("pages/7_Model.py")
    refresh(app)
    assert not app.warning


@pytest.mark.parametrize("name", PAGES)
def test_page_says_that_a_run_is_damaged(name):
    run = make_run("finished")
    (run.path / "config.json").write_text('{"made by": "another program"}')
    app = open_page(name, run.id)
    if name not in ("Start", "Collect", "New network", "Runs", "Sweeps"):  # which are of all runs, or of none
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


def test_pages_that_need_no_network_do_not_load_tensorflow(tmp_path):
    script = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(PROJECT / "app.py")!r}, default_timeout=60).run()
app.switch_page("pages/6_Train.py").run()
app.switch_page("pages/4_Sweeps.py").run()
app.switch_page("pages/7_Model.py").run()
assert not app.exception
print(sorted({{"tensorflow", "keras", "optuna"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


# --- Start ------------------------------------------------------------------------------------------------------


def test_start_shows_what_is_training():
    run = make_run("queued")  # just queued, no process yet
    assert run.active
    app = open_page("Start")
    assert app.get("progress")
    assert run.name in [link.proto.label for link in app.get("page_link")]


def test_a_test_accuracy_on_drawn_clothes_says_so():
    drawn = RunConfig(data=Data(dataset="synthetic"), layers=presets()["tiny"].layers)
    run = runs.create(drawn)
    runs.write_status(run.path, runs.Status("stopped"))
    runs.write_json(run.path / "evaluation.json", {"split": "test", "n": 2000, "accuracy": 0.9, "loss": 0.3})
    assert "2,000 test images, which are synthetic data" in text(open_page("Train", run.id))
    assert "Test accuracy · synthetic data" in text(open_page("Model", run.id))


# --- New network and Training -----------------------------------------------------------------------------------


def test_the_configuration_that_is_shown_is_started(launcher):
    app = open_page("New network")
    app.button(key="preset-tiny").click()
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
    assert run.config.layers == presets()["tiny"].layers
    assert run_in_link(app) == run.id


def test_layers_are_added(launcher):
    app = open_page("New network")
    for kind in ("dropout", "dense"):
        app.menu_button(key="add_layer").click(kind)
        refresh(app)
    app.button(key="start").click()
    refresh(app)
    added = runs.all_runs()[0].config.layers[-2:]
    assert [layer.kind for layer in added] == ["dropout", "dense"]


def test_an_invalid_network_is_refused(launcher):
    app = open_page("New network")
    app.button(key=f"up-{app.session_state['draft']['layers'][-1]['uid']}").click()
    refresh(app)
    assert "Layer 7 (Conv 192 3×3 same batch norm relu) needs feature maps" in text(app).replace("\\", "")
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
    assert len(app.get("plotly_chart")) == 3
    app.button(key="resume").click()
    refresh(app)
    assert launcher.calls == [("start", run.id)]


@pytest.mark.slow
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
    app.button(key="confirm_delete").click()
    refresh(app)
    assert runs.all_runs() == []
    app.button(key="undo").click()
    refresh(app)
    assert [r.id for r in runs.all_runs()] == [run.id]


def test_train_says_where_the_files_go_when_there_is_no_data(launcher, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    words = text(open_page("New network"))
    assert "train-images-idx3-ubyte.gz" in words and str(tmp_path / "keras") in words and "synthetic" in words


def test_train_offers_the_synthetic_dataset_after_a_failed_download(launcher, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    run = make_run("failed", message="Fashion-MNIST is not in Keras's cache and could not be downloaded.")
    app = open_page("Train", run.id)
    next(b for b in app.button if b.label == "Train the same network on the synthetic dataset").click()
    refresh(app)
    new = next(r for r in runs.all_runs() if r.id != run.id)
    assert new.config.data.dataset == "synthetic" and new.config.layers == run.config.layers


def test_two_runs_of_one_name_stay_apart(launcher):
    older, newer = make_run("stopped"), make_run("stopped")
    app = open_page("New network", newer.id)
    app.menu_button(key="add_layer").click("dense")  # any click makes the browser send the picker's label back
    refresh(app)
    assert run_in_link(app) == newer.id
    picker(app, "run_picker").select(older.id)
    refresh(app)
    assert run_in_link(app) == older.id


def test_names_are_shown_as_they_are(launcher):
    run = make_run("stopped")
    runs.relabel(run, name="lr *0.1* $x$ [a](b) :red[c]")
    assert r"lr \*0.1\* \$x\$ \[a\]\(b\) :color[\:]red\[c\]" in text(open_page("Train", run.id))


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
        app.selectbox(key="predict-class").select(name)
        refresh(app)
        assert f"Prediction for {name} 1" in text(app) and ": this is the true label" in text(app)
        assert f"{name} · " in progress_texts(app)[0]
        assert len(progress_texts(app)) == 3


def progress_texts(app: AppTest) -> list[str]:
    """The most probable classes, with their probabilities."""
    return [bar.proto.text for bar in app.get("progress")]


def test_the_link_says_which_image_is_in_view():
    app = open_page("Predict", **{"predict-class": "Bag", "predict-number": "7"})
    assert "Prediction for Bag 7" in text(app)
    app = open_page("Predict", **{"predict-from": "Mistake", "predict-mistakes": "Shirt", "predict-mistake": "2"})
    assert "Prediction for Shirt, mistake 2" in text(app) and "Wrong: the true label is Shirt" in text(app)
    app = open_page("Predict", **{"predict-from": "Nonsense", "predict-class": "Nonsense", "predict-number": "-4"})
    assert r"Prediction for T\-shirt/top 1" in text(app)


@pytest.mark.slow
def test_the_image_in_view_goes_along_to_the_other_pages():
    app = open_page("Predict")
    app.selectbox(key="predict-class").select("Coat")
    refresh(app)
    app.number_input(key="predict-number").set_value(3)
    refresh(app)
    for page, control in (("9_Explore", "explore-number"), ("1_Learn", "sample_number")):
        app.switch_page(f"pages/{page}.py")
        refresh(app)
        assert app.number_input(key=control).value == 3 and "Coat 3" in text(app) + captions(app)


def test_the_thumbnails_are_those_around_the_chosen_image(monkeypatch):
    strips = []
    monkeypatch.setattr(inputs.sheet, "show", lambda shown, *_, **__: strips.extend(shown))
    images = np.arange(20, dtype=np.uint8)[:, None, None].repeat(28, axis=1).repeat(28, axis=2)
    indices = np.arange(19, 2, -1)
    for number in (1, 12, 13, 17):
        inputs._thumbnails(images, indices, number, "key", "label")
    assert [list(strip.maps) for strip in strips] == [[*range(1, 13)]] * 2 + [[*range(13, 18)]] * 2
    assert [strip.chosen for strip in strips] == [[0], [11], [0], [4]]
    assert strips[2].colours[:, 0, 0].tolist() == [[value] * 3 for value in indices[12:]]


def test_random_chooses_an_image(monkeypatch):
    app = open_page("Predict")
    default_rng = np.random.default_rng
    monkeypatch.setattr(inputs.np.random, "default_rng", lambda seed=3: default_rng(seed))
    click(app, "random_sample")
    labels = inputs.test_pictures(runs.get(runs.DEFAULT_ID))[0].labels
    label = CLASS_NAMES.index(app.selectbox(key="predict-class").value)
    chosen = np.flatnonzero(labels == label)[app.number_input(key="predict-number").value - 1]
    assert chosen == default_rng(3).integers(len(labels)) and f"Prediction for {CLASS_NAMES[label]}" in text(app)
    app.segmented_control(key="predict-from").set_value("Mistake")
    refresh(app)
    click(app, "random_mistake")
    assert f"mistake {app.number_input(key='predict-mistake').value}" in text(app)


def test_two_networks_predict_one_image_side_by_side():
    app = open_page("Predict", **{"predict-compare": "lecture"})
    assert "**Wardrobe" in text(app) and "**Lecture" in text(app)
    assert len(progress_texts(app)) == 6 and len(app.get("plotly_chart")) == 2
    one, other = (chart.proto.spec for chart in app.get("plotly_chart"))
    assert one != other


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    app.segmented_control(key="predict-from").set_value("Upload")
    refresh(app)
    for name, content in files:
        app.file_uploader[0].upload(name, content)
    return refresh(app)


def has_button(app: AppTest, key: str) -> bool:
    return any(button.key == key for button in app.button)


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return refresh(app)


def open_expander(app: AppTest, key: str) -> AppTest:
    app.session_state[key] = True
    return refresh(app)


def go_to_explore(app: AppTest) -> AppTest:
    app.switch_page("pages/9_Explore.py")
    return refresh(app)


def captions(app: AppTest) -> str:
    """What stands below the images."""
    return str([image.proto for image in app.get("image")])


@pytest.fixture
def three_readings(monkeypatch) -> list[Image.Image]:
    """Every picture is read in three ways, of which two count. Returns the pictures that were read."""
    seen: list[Image.Image] = []

    def of_picture(image, notes=(), used_only=False, card=None):
        seen.append(image)
        whole = to_network_input(image, notes)
        half = NetworkInput(whole.pixels * np.float32(0.5), whole.steps[:1], whole.notes, whole.frame)
        nothing = NetworkInput(whole.pixels * np.float32(0.02), whole.steps[:2], (), whole.frame)
        return (
            Reading("Whole", "All of it.", whole, 0.75),
            Reading("Half", "Half as bright.", half, 0.25),
            Reading("Faint", "Nearly nothing.", nothing, 0.0),
        )

    monkeypatch.setattr(readings, "of_picture", of_picture)
    return seen


def test_predict_shows_one_reading_without_a_choice():
    app = open_expander(open_page("Predict"), "predict-preprocessing")
    assert "Steps: Fashion-MNIST's format" in text(app) and not has_button(app, "reading-automatic")
    assert "Original" in captions(app) and "Network input" in captions(app)


@pytest.mark.slow
def test_what_stands_in_a_closed_expander_is_not_computed():
    app = open_page("Predict")
    assert "Steps:" not in text(app) and "training examples with" not in text(app)
    open_expander(app, "predict-nearest")
    assert "training examples with" in text(app)
    assert "Steps:" in text(open_page("Predict", **{"predict-preprocessing": "true"}))


def test_predict_offers_every_reading_with_its_answer(three_readings):
    app = upload(open_page("Predict"), ("trousers.png", trousers()))
    open_expander(app, "predict-preprocessing")
    assert "Automatic uses the mean of “Whole” (75%) and “Half” (25%)." in text(app)
    assert [app.button(key=f"reading-{number}").label for number in range(3)] == ["Whole", "Half", "Faint"]
    assert "**Steps: Whole**" in text(app)
    automatic = app.get("plotly_chart")[0].proto.spec

    click(app, "reading-2")
    assert "**Steps: Faint**" in text(app)
    assert app.get("plotly_chart")[0].proto.spec != automatic
    click(app, "reading-automatic")
    assert app.get("plotly_chart")[0].proto.spec == automatic


def test_the_chosen_reading_goes_along_to_explore_and_ends_with_its_picture(three_readings):
    app = upload(open_page("Predict"), ("trousers.png", trousers()))
    open_expander(app, "predict-preprocessing")
    click(app, "reading-1")
    go_to_explore(app)
    assert ": Half." in text(app) and "From before: trousers.png" in text(app)
    app.segmented_control(key="explore-from").set_value("Sample")
    refresh(app)
    app.segmented_control(key="explore-from").set_value("Upload")
    refresh(app)
    assert ": Whole." in text(app)
    click(app, "remove_files")
    assert "From before" not in text(app)


@pytest.mark.slow
def test_predict_turns_inverts_and_takes_it_back(three_readings):
    app = upload(open_page("Predict"), ("trousers.png", trousers()))
    upright = three_readings[-1]
    assert upright.size == (300, 400) and not has_button(app, "reset")
    click(app, "Rotate left")
    turned = three_readings[-1]
    assert turned.size == (400, 300) and "Rotated" in captions(app)
    assert turned.transpose(Image.Transpose.ROTATE_270).tobytes() == upright.tobytes()
    click(app, "invert")
    assert np.array_equal(np.asarray(three_readings[-1]), 255 - np.asarray(turned))
    assert "Rotated and inverted" in captions(app)
    assert "Inverting changes nothing here" in text(app)  # nor does it, with the recipe alone
    read = len(three_readings)
    click(app, "Rotate right")
    click(app, "invert")
    assert "Original" in captions(app) and not has_button(app, "reset")
    click(app, "Rotate right")
    click(app, "reset")
    assert "Original" in captions(app)
    assert len(three_readings) == read + 3  # upright, inverted and not, and turned to the right: none of them twice


def test_predict_turns_a_sample_and_a_drawing():
    app = open_page("Predict")
    before = app.get("plotly_chart")[0].proto.spec
    click(app, "Rotate left")
    assert "Rotated" in captions(app) and app.get("plotly_chart")[0].proto.spec != before
    app.number_input(key="predict-number").set_value(2)
    refresh(app)
    assert "Original" in captions(app)
    app.segmented_control(key="predict-from").set_value("Draw")
    refresh(app)
    draw_trousers(app)
    click(app, "Rotate left")
    assert "Rotated" in captions(app) and not has_button(app, "invert")


# --- Predict: many pictures at once -----------------------------------------------------------------------------


@pytest.fixture
def one_at_a_time(monkeypatch) -> list[str]:
    """A run of the page reads one file. Returns the names of the files that were read."""
    names: list[str] = []
    row = batch._row
    monkeypatch.setattr(batch, "_SLICE", 0.0)
    monkeypatch.setattr(batch, "_row", lambda file, predictor: names.append(file.name) or row(file, predictor))
    return names


def read_all(app: AppTest) -> AppTest:
    """In a browser a timer keeps the work going."""
    for _ in range(100):
        if not app.session_state["batch"].working:
            return app
        refresh(app)
    raise AssertionError("the files were never all read")


FILES = (("trousers.png", trousers()), ("empty.png", b""), ("letter.jpg", b"Dear Sir"), ("more.png", trousers()))


def test_many_files_become_a_table():
    app = read_all(upload(open_page("Predict"), *FILES))
    table = app.dataframe[0].value
    assert list(table["file"]) == [name for name, _ in FILES]
    assert list(table["predicted"].fillna("")) == ["Trouser", "", "", "Trouser"]
    assert table["confidence"][0] == pytest.approx(table["confidence"][3]) and 0 < table["confidence"][0] <= 1
    assert table["image"][0].startswith("data:image/jpeg;base64,")
    assert table["input"][0].startswith("data:image/png")
    assert "The file is empty" in table["error"][1] and "This file is not an image" in table["error"][2]
    words = text(app)
    assert "Trouser" in [head.value for head in app.subheader]
    assert "Prediction for trousers.png" in words  # the first that can be read is open
    assert "empty.png: The file is empty" in words and "letter.jpg: This file is not an image" in words
    assert len(app.error) == 2 and "4 chosen, 2 read, 2 refused" in app.progress[0].text


def test_an_image_on_its_side_is_offered_turned_and_never_turned_unasked():
    upright = Image.open(io.BytesIO(trousers()))
    buffer = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG")
    app = upload(open_page("Predict", "wardrobe"), ("side.png", buffer.getvalue()))
    assert "Recognised better when turned right: Trouser" in text(app).replace("\\", "")
    assert app.subheader[0].value != "Trouser"
    click(app, "rotate")
    assert app.subheader[0].value == "Trouser" and "Recognised better" not in text(app)
    click(app, "reset")
    assert "Recognised better when turned right: Trouser" in text(app).replace("\\", "")


def test_what_is_not_like_clothes_is_said_with_what_was_measured():
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    app = upload(open_page("Predict", "wardrobe"), ("noise.png", buffer.getvalue()))
    (said,) = [warning.value for warning in app.warning if "Not like clothes" in warning.value]
    measured = runs.get("wardrobe").evaluation["familiarity"]
    assert f"{measured['others_refused']:.0%} of the images of other things" in said
    assert f"{1 - measured['garments_kept']:.0%} of the garments that it recognised" in said


def test_the_csv_has_a_line_for_each_file():
    app = read_all(upload(open_page("Predict"), *FILES))
    assert not app.get("download_button")[0].proto.disabled
    content = batch.as_csv(app.session_state["batch"].done, CLASS_NAMES)
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert list(lines[0]) == ["file", "label", "confidence", *CLASS_NAMES, "doubt", "error", "notes"]
    assert [line["file"] for line in lines] == [name for name, _ in FILES]
    probabilities = [float(lines[0][name]) for name in CLASS_NAMES]
    assert lines[0]["label"] == "Trouser" and float(lines[0]["confidence"]) == max(probabilities)
    assert sum(probabilities) == pytest.approx(1, abs=1e-4) and lines[0]["error"] == ""
    assert lines[1]["label"] == lines[1]["Bag"] == "" and lines[1]["error"].startswith("The file is empty")


def test_a_batch_stops_goes_on_and_reads_no_file_twice(one_at_a_time):
    app = upload(open_page("Predict"), *FILES)
    assert one_at_a_time == ["trousers.png"]
    refresh(app)
    assert one_at_a_time == ["trousers.png", "empty.png"] and "1 of 4 files" in app.progress[0].text
    click(app, "stop_batch")
    refresh(app)
    assert len(one_at_a_time) == 2 and "Stopped after 2 of 4 files" in app.progress[0].text
    assert len(app.dataframe[0].value) == 2
    read_all(click(app, "continue_batch"))
    refresh(app)
    assert one_at_a_time == [name for name, _ in FILES]


def test_a_row_opens_its_picture_which_goes_along_to_explore():
    app = read_all(upload(open_page("Predict"), *FILES))
    app.session_state["opened_file"] = app.session_state["batch"].files[3].id
    refresh(app)
    assert "Prediction for more.png" in text(app)
    app.session_state["opened_file"] = app.session_state["batch"].files[1].id
    refresh(app)
    assert "Prediction for" not in text(app) and "empty.png: The file is empty" in text(app)
    app.session_state["opened_file"] = app.session_state["batch"].files[3].id
    go_to_explore(app)
    assert "From before: 4 files" in text(app) and "more.png" in text(app)


def test_an_unforeseen_mistake_costs_one_row_only(monkeypatch):
    open_image = pictures.open_image
    monkeypatch.setattr(pictures, "open_image", lambda data: 1 / 0 if data == b"strange" else open_image(data))
    strange, good = File("1", "strange.png", b"strange"), File("2", "good.png", trousers())
    work = batch.Batch()
    work.take([strange, good])
    work.work(FakePredictor(), seconds=60)
    rows = [row for _, row in work.done]
    assert "error in this program" in rows[0].error and rows[1].answer.probabilities[1] == 1
    assert not work.working and work.seconds_left == 0


def test_a_batch_keeps_what_it_knows_of_the_files_that_stay():
    one, two, three = (File(str(number), f"{number}.png", trousers()) for number in range(3))
    work = batch.Batch()
    work.take([one, two])
    work.work(FakePredictor(), seconds=0)
    work.stopped = True
    work.take([two, one])
    assert work.stopped and [file for file, _ in work.done] == [one] and work.waiting == [two]
    work.take([one, three])
    assert work.working and work.waiting == [three]
    work.take([three])
    assert work.done == [] and work.seconds_left is None


class FakePredictor:
    """Says Trouser."""

    card = FASHION_MNIST

    def answer(self, readings) -> Answer:
        return Answer(np.eye(10, dtype=np.float32)[1], 1.0)

    def doubt(self, answer: Answer) -> None:
        return None

    def better_turned(self, readings) -> None:
        return None


def test_predict_a_drawing():
    app = open_page("Predict")
    app.segmented_control(key="predict-from").set_value("Draw")
    refresh(app)
    assert "Nothing is drawn yet" in text(app)
    draw_trousers(app)
    assert "Prediction for Your drawing" in text(app) and "Nothing is drawn yet" not in text(app)
    go_to_explore(app)
    assert "Your drawing" in text(app)


def test_the_ways_to_preprocess_a_drawing_are_computed_when_they_are_looked_at(monkeypatch):
    pictures._of_canvas.clear()
    found = []
    of_canvas = readings.of_canvas
    monkeypatch.setattr(readings, "of_canvas", lambda *given: found.append(of_canvas(*given)) or found[-1])
    app = open_page("Predict", **{"predict-from": "Draw"})
    draw_trousers(app)
    open_expander(app, "predict-preprocessing")
    few, all_ = found
    assert len(few) < len(all_) and few[0].name == all_[0].name and all(reading.weight for reading in few)
    last = all_[-1].name
    click(app, f"reading-{len(all_) - 1}")
    app.session_state["predict-preprocessing"] = False
    refresh(app)
    go_to_explore(app)
    assert not all_[-1].weight and f": {last}." in text(app)


def draw_trousers(app: AppTest) -> None:
    """Put into the session what the board would send."""
    drawn = Image.open(io.BytesIO(trousers())).convert("L").resize((280, 280))
    ink = Image.new("RGBA", drawn.size, "black")
    ink.putalpha(drawn.point(lambda level: 255 if level < 128 else 0))
    buffer = io.BytesIO()
    ink.save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    app.session_state["drawing_board-0"] = {"drawing": {"raw": {"objects": []}, "data": url}}
    refresh(app)
