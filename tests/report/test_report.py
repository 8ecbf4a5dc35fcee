"""The report of a run: its file asks for nothing, its numbers are those that were measured, its charts are SVG."""

import io
import json
import re
import shutil
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import cnn
from cnn import report, runs, train
from cnn.config import presets
from cnn.config.run_config import BY_SOFT_LABELS
from cnn.data import DataUnavailable, FashionMnist
from cnn.evaluation import metrics, predictions, scores
from cnn.evaluation.predictions import Predictions
from cnn.networks.load import UnreadableModel
from cnn.report import Report, contents, drawings, page, recipe
from cnn.runs import Run
from cnn.ui import csv

MOST = 3_000_000  # bytes
SVG = "{http://www.w3.org/2000/svg}"
LOADING = ("src", "srcset", "href", "xlink:href", "action", "data", "poster", "background")


class Reader(HTMLParser):
    """What a browser would find in a file."""

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self._open = "", []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, text):
        if self._open and self._open[-1] != "style":
            self.text += text

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def finished(steps) -> Report:
    done = [0.0]
    while True:
        try:
            done.append(next(steps))
        except StopIteration as end:
            assert done == sorted(done) and done[-1] <= 1
            return end.value


@pytest.fixture(scope="module")
def run(tiny: Run, tmp_path_factory) -> Run:
    """A copy of the small run, with a temperature."""
    copy = runs.read(Path(shutil.copytree(tiny.path, tmp_path_factory.mktemp("report") / tiny.id)))
    predictions.of_run(copy)
    predictions.keep_temperature(copy, 1.25)
    return copy


@pytest.fixture(scope="module")
def made(run: Run) -> Report:
    return finished(report.making(run))


@pytest.fixture(scope="module")
def drawn(run: Run) -> dict[str, str]:
    """The run's drawings, for tests of what is written beside them."""
    return page.draw(contents.without_images(run, predictions.of_run(run)))


def of_classes(run: Run, names: tuple[str, ...], count: int = 400) -> contents.Contents:
    """What would be reported, did the network know other classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(len(names), size=count)
    logits = rng.normal(size=(count, len(names))).astype(np.float32)
    logits[np.arange(count), labels] += 1.5
    return contents.without_images(run, Predictions("test", labels, logits, names))


def written(it: contents.Contents) -> str:
    return page.page(it, page.draw(it))


def expect_whole(text: str) -> Reader:
    """A file that is well-formed, loads nothing and can be read out."""
    assert len(text.encode()) < MOST
    read = Reader(text)
    for tag, attributes in read.tags:
        for name in LOADING:
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,")), (tag, name)
        assert not [name for name in attributes if name.startswith("on")]
        assert "url(http" not in attributes.get("style", "")
    assert not read.all("script", "link", "iframe", "object", "embed", "form", "base")
    assert "@import" not in text
    policy = next(meta["content"] for meta in read.all("meta") if "http-equiv" in meta)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    ids = Counter(attributes["id"] for _, attributes in read.tags if "id" in attributes)
    assert set(ids.values()) == {1}
    for _, attributes in read.tags:
        refers = [attributes.get("aria-labelledby"), attributes.get("href"), attributes.get("xlink:href")]
        assert all(name.lstrip("#") in ids for name in refers if name and not name.startswith("data:"))
    assert all(image["alt"] for image in read.all("img"))
    assert all(drawing["aria-label"] for drawing in read.all("svg"))
    levels = [int(tag[1]) for tag, _ in read.tags if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    return read


def test_the_file_is_whole_and_asks_for_nothing(made, run):
    read = expect_whole(made.html)
    sections = {
        *("network", "layers", "settings", "training", "confusion"),
        *("classes", "mistakes", "calibration", "again", "data"),
    }
    assert sections <= {attributes["id"] for attributes in read.all("h2")}
    assert {f"#{name}" for name in sections} == {attributes["href"] for attributes in read.all("a")}
    assert len(read.all("svg")) == len(made.charts) == 6
    assert run.name in read.text and "synthetic" in read.text


def test_its_numbers_are_those_that_were_measured(made, run):
    found, text = predictions.of_run(run), Reader(made.html).text
    numbers = made.numbers
    assert (
        numbers["accuracy"] == metrics.summary(found)["accuracy"] and numbers["loss"] == metrics.summary(found)["loss"]
    )
    assert numbers["ece"] == metrics.summary(found)["calibration_error"]
    right = int(found.right.sum())
    assert numbers["interval"] == [round(end, 6) for end in scores.interval(right, len(found))]
    assert numbers["confusion"] == scores.confusion(found).tolist()
    assert numbers["per_class"] == [one.rounded() for one in scores.per_class(found)]
    assert sum(numbers["reliability"]["count"]) == numbers["n"] == len(found)
    assert numbers["parameters"] == sum(layer["parameters"] for layer in numbers["layers"])
    assert f"{right:,} of {len(found):,}" in text and f"{found.accuracy:.2%}" in text
    for one in scores.per_class(found):
        assert one.name in text and f"{one.recall:.1%}" in text
    worst = scores.most_confused(scores.confusion(found))[0]
    assert f"{worst.count:,} of {worst.of:,} times" in text
    assert "temperature that was fitted on the validation images afterwards is 1.25" in text
    assert f"{numbers['parameters']:,} parameters" in text and "5·5·1·8 + 8" in text
    assert json.loads(json.dumps(numbers)) == numbers


def test_the_tables_hold_the_same_numbers(made):
    tables, numbers = made.tables, made.numbers
    assert tables["confusion"].iloc[:, 1:].to_numpy().tolist() == numbers["confusion"]
    assert tables["per-class"]["recall"].tolist()[:-2] == [one["recall"] for one in numbers["per_class"]]
    assert tables["epochs"]["val_accuracy"].tolist() == [one["val_accuracy"] for one in numbers["epochs"]]
    assert tables["layers"]["parameters"].sum() == numbers["parameters"]
    assert all(csv.to_csv(table).startswith(b"\xef\xbb\xbf") for table in tables.values()), "a cell holds one value"


def test_every_chart_is_an_svg_file(made):
    with zipfile.ZipFile(io.BytesIO(report.zipped(made.charts))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files == made.charts
    assert set(files) == {f"{n}.svg" for n in ("loss", "accuracy", "confusion", "per-class", "reliability", "layers")}
    for name, content in files.items():
        root = ElementTree.fromstring(content)
        assert root.tag == f"{SVG}svg" and root.find(f"{SVG}title").text
        words = [element.text for element in root.iter(f"{SVG}text")]
        assert words, name  # text is text
    counts = [e.text for e in ElementTree.fromstring(files["confusion.svg"]).iter(f"{SVG}text")]
    assert {f"{count:,}" for row in made.numbers["confusion"] for count in row if count} <= set(counts)


def test_mistakes_are_the_most_confident_of_the_most_frequent_confusions(made, run):
    found = predictions.of_run(run)
    worst = scores.most_confused(scores.confusion(found))[0]
    kind = np.flatnonzero((found.labels == worst.true) & (found.predicted == worst.predicted))
    first = kind[found.confidence[kind].argmax()]
    text = Reader(made.html).text
    assert f"Image {first}: " in text and f"a confidence of {found.confidence[first]:.1%}" in text
    read = Reader(made.html)
    shown = sum(min(contents.MISTAKES_EACH, c.count) for c in scores.most_confused(scores.confusion(found), 3))
    assert len(read.all("img")) == 3 * shown
    assert f"Grad-CAM for {found.class_names[worst.predicted]} over image {first}." in [
        i["alt"] for i in read.all("img")
    ]


def test_whatever_a_name_holds_is_text(run):
    named = replace(run, name='<script>alert(1)</script> \x07 & "co"', note="<img src=http://x.y/z onerror=alert(2)>")
    names = ("<b>bold</b>", "$5 & $6", "裤子", "</svg><script>", 'a"b', "x" * 60)
    text = written(of_classes(named, names))
    read = expect_whole(text)
    assert '<script>alert(1)</script> \\x07 & "co"' in read.text and "http://x.y/z" in read.text
    assert all(name in read.text for name in names)


@pytest.mark.parametrize("count", [2, 40, pytest.param(200, marks=pytest.mark.slow)])
def test_two_classes_and_two_hundred(run, count):
    it = of_classes(run, tuple(f"class {number}" for number in range(count)))
    expect_whole(written(it))
    assert len(drawings.confusion(it.matrix, it.found.class_names)) < 200_000


def test_a_network_without_mistakes(run):
    labels = np.arange(40) % 3
    perfect = Predictions("validation", labels, np.eye(3, dtype=np.float32)[labels] * 9, ("a", "b", "c"))
    read = expect_whole(written(contents.without_images(run, perfect)))
    assert "None of them was predicted wrongly" in read.text and "every image was predicted correctly" in read.text
    words = " ".join(read.text.split())
    assert "predicts 40 of 40 validation images correctly" in words and "so these may flatter it" in words
    assert "--split validation" in words


def test_a_class_without_images_is_not_drawn_as_one_that_is_never_recognised(run):
    labels = np.arange(40) % 2
    found = Predictions("test", labels, np.eye(3, dtype=np.float32)[1 - labels], ("a", "b", "absent"))
    it = contents.without_images(run, found)
    assert [one.name for one in it.present] == ["a", "b"] and len(it.classes) == 3
    assert "absent" not in page.draw(it)["per-class"] and "a has the lowest F1" in written(it)


def test_of_many_classes_so_many_are_named_as_can_be_read():
    names = [f"class {number}" for number in range(130)]
    svg = drawings.confusion(np.eye(130, dtype=int), names)
    assert {name for name in names if f">{name}<" in svg} == set(names[::3])


def test_a_run_without_curves_evaluation_and_versions(run, tmp_path):
    copy = Path(shutil.copytree(run.path, tmp_path / "bare"))
    for name in ("metrics.jsonl", "evaluation.json", "environment.json", "status.json"):
        (copy / name).unlink()
    shutil.rmtree(copy / "found")
    bare = runs.read(copy)
    it = contents.without_images(bare, predictions.of_run(run))
    found = page.draw(it)
    assert set(found) == {"confusion", "per-class", "reliability", "layers"}
    read = expect_whole(page.page(it, found))
    assert "No whole epoch was recorded" in read.text and "were not recorded" in read.text


def test_without_the_dataset_a_sentence_stands_in_the_place_of_images(run, monkeypatch):
    def missing(run, split):
        raise DataUnavailable("The dataset <is> not here.")

    monkeypatch.setattr(predictions, "images_of", missing)
    read = expect_whole(report.html(run))
    assert "No images are shown. The dataset <is> not here." in read.text and not read.all("img")
    with pytest.raises(DataUnavailable):
        report.html(run, "validation")  # nothing was measured


def test_a_run_without_a_network_has_no_report(runs_folder):
    with pytest.raises(UnreadableModel, match="no trained network yet"):
        report.html(runs.create(presets()["tiny"], "new"))


def test_a_network_without_feature_maps_is_explained_by_integrated_gradients(run, monkeypatch):
    from cnn.interpret.attribution import Explainer

    monkeypatch.setattr(contents, "SHOWN_CONFUSIONS", 1)
    monkeypatch.setattr(Explainer, "layers", property(lambda self: [], lambda self, value: None), raising=False)
    read = expect_whole(report.html(run))
    assert "Integrated gradients shows" in read.text and "orange against it" in read.text


def test_images_of_any_size_and_colour_are_shown_small():
    assert contents._small(np.zeros((300, 200, 3), np.uint8)).shape == (100, 67, 3)
    assert contents._small(np.zeros((28, 28, 1), np.uint8)).shape == (28, 28)
    assert contents._small(np.zeros((128, 64), np.float32)).shape == (128, 64)


COMMANDS = [
    ("lecture", {}, {}),
    ("fast", {"epochs": 7, "seed": 3}, {"limit": 2000, "dataset": "synthetic"} | dict.fromkeys(BY_SOFT_LABELS, 0.0)),
    ("wardrobe", {"seed": 1}, {}),
    ("tiny", {}, {"own_images": 0.15}),
]


@pytest.mark.parametrize(("preset", "training", "data"), COMMANDS, ids=[name for name, *_ in COMMANDS])
def test_the_command_makes_the_same_configuration(preset, training, data):
    values = presets()[preset].model_dump()
    values["training"] |= training
    values["data"] |= data
    config = type(presets()[preset]).model_validate(values)
    words = recipe.command(config).split()
    assert words[:3] == ["python", "-m", "cnn.train"]
    assert train._configure(train._parse(words[3:])) == config


def test_other_configurations_are_trained_from_their_file(run, drawn):
    lecture = presets()["lecture"]
    slower = lecture.model_copy(update={"training": lecture.training.model_copy(update={"learning_rate": 0.5})})
    own = lecture.model_copy(update={"preset": None})
    all_images = presets()["tiny"].model_copy(update={"data": lecture.data})  # `--limit` cannot say so
    assert [recipe.command(config) for config in (slower, own, all_images)] == [None] * 3
    (rate,) = [setting for setting in recipe.settings(slower) if setting.usual is not None]
    assert rate == ("Learning rate", "0.5", "0.001")
    it = contents.without_images(replace(run, config=slower), predictions.of_run(run))
    text = Reader(page.page(it, drawn)).text
    configuration = text[text.index('{\n "version"') : text.index("\n}", text.index('{\n "version"')) + 2]
    assert type(lecture).model_validate_json(configuration) == slower
    assert "1 setting differs from the preset Lecture" in text


def test_manual_changes_are_told(run, drawn, tmp_path):
    copy = Path(shutil.copytree(run.path, tmp_path / "steered"))
    event = {"kind": "event", "what": "learning rate", "epoch": 1, "step": 2, "steps": 5, "factor": 0.5, "rate": 0.005}
    with (copy / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    it = contents.without_images(runs.read(copy), predictions.of_run(run))
    assert drawings.curve(it.records, "loss") != drawn["loss"]  # a dotted line
    text = Reader(page.page(it, drawn)).text
    assert "Changed by hand" in text and "not part of the configuration" in text


def test_only_the_drawings_know_matplotlib():
    files = Path(cnn.__file__).parent.rglob("*.py")
    knowing = [
        file for file in files if re.search(r"^\s*(import|from) matplotlib", file.read_text("utf-8"), re.MULTILINE)
    ]
    assert [file.name for file in knowing] == ["drawings.py"]


def shown_view(path: str) -> None:
    from pathlib import Path

    from cnn import runs
    from cnn.ui.evaluate import report

    report.show(runs.read(Path(path)), "test")


def test_the_view_makes_shows_and_hands_out_a_report(run):
    app = AppTest.from_function(shown_view, default_timeout=120, args=(str(run.path),)).run()
    assert not app.exception and not app.get("iframe")
    app.button(key="make_report").click().run()
    assert app.get("iframe") or [button.label for button in app.button] == ["Stop"]
    for _ in range(200):
        if app.get("iframe"):
            break
        app.run()
        assert not app.exception
    assert len(app.get("download_button")) == 4
    assert [button.label for button in app.button] == ["Make it again"]
    assert datetime.now().strftime("%B %Y") in app.get("iframe")[0].proto.srcdoc


@pytest.mark.slow
@pytest.mark.skipif(not FashionMnist().is_cached(), reason="Fashion-MNIST is not in Keras's cache")
@pytest.mark.parametrize("name", ["wardrobe", "lecture", "dense"])
def test_shipped_runs_have_a_report_of_less_than_3_mb(name):
    read = expect_whole(report.html(runs.get(name)))
    assert f"{runs.get(name).evaluation['accuracy']:.2%}" in read.text
    assert len(read.all("img")) == 3 * contents.SHOWN_CONFUSIONS * contents.MISTAKES_EACH
