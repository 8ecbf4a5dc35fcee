"""The Evaluate page's view for the dataset: suspected label errors and duplicates, in a page of its own."""

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cnn import data, runs
from cnn.config import presets
from cnn.data import Split, Splits, soft_labels
from cnn.evaluation import dataset_findings, predictions
from cnn.runs import measurement
from cnn.training import cross_validation
from cnn.ui.evaluate import duplicate_pairs, label_suspects
from tests.pages.visit import refresh, text

TRAIN, VALIDATION, TEST = 60, 20, 40
FLIPPED = (7, 65)  # a training image, and one of validation


def page(run_id: str) -> None:
    import streamlit as st

    from cnn import runs
    from cnn.ui import state
    from cnn.ui.evaluate import dataset

    st.session_state[state.LISTED] = runs.listed()
    dataset.show(runs.get(run_id))


@pytest.fixture(autouse=True)
def splits(monkeypatch) -> Splits:
    """A small dataset with planted label errors and duplicates in the place of the synthetic one."""
    chance = np.random.default_rng(0)

    def split(count: int) -> Split:
        return Split(
            chance.integers(0, 256, (count, 28, 28)).astype(np.uint8), (np.arange(count) % 10).astype(np.uint8)
        )

    whole = Splits(split(TRAIN), split(VALIDATION), split(TEST))
    whole.test.images[4], whole.test.labels[4] = whole.train.images[14], 5
    whole.test.images[5] = np.clip(whole.train.images[15].astype(int) + 3, 0, 255)
    whole.train.images[20] = whole.train.images[30]
    monkeypatch.setattr(data, "load", lambda config, on_download=None: whole)
    st.cache_resource.clear()
    yield whole
    st.cache_resource.clear()


@pytest.fixture
def started(monkeypatch) -> list:
    """The cross-validations that would have been started."""
    calls = []

    def start(place, config, folds):
        calls.append((config, folds))
        path = cross_validation.folder(place, config, folds)
        path.mkdir(parents=True, exist_ok=True)
        runs.write_json(path / "folds.json", {"folds": folds})
        runs.write_json(path / "config.json", config.model_dump(mode="json"))
        runs.write_status(
            path, runs.signed(runs.Status("training", step=10, steps=40, seconds_left=75.0), "training", "Fold 1")
        )
        return path

    monkeypatch.setattr(cross_validation, "start", start)
    return calls


@pytest.fixture(autouse=True)
def linked(monkeypatch) -> list[tuple[str, int, int]]:
    """The images that links open: split, index and label. A page of its own has no other page to link to."""
    links: list[tuple[str, int, int]] = []
    monkeypatch.setattr(
        label_suspects,
        "explain_link",
        lambda run, split, labels, index: links.append((split, index, int(labels[index]))),
    )
    return links


def opened(run_id: str, part: str = "Training labels", **link: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=120, args=(run_id,))
    for name, value in {"dataset_part": part, **link}.items():
        app.query_params[name.replace("_", "-")] = value
    return refresh(app)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def finish(run: runs.Run, splits: Splits, folds: int = 3):
    """The result of a cross-validation that is sure of the true classes."""
    config = cross_validation.settings(
        presets()["fast"].model_copy(update={"data": presets()["fast"].data.model_copy(
            update={"dataset": "synthetic", "limit": run.config.data.limit})}), 3
    )  # fmt: skip
    path = cross_validation.folder(dataset_findings.folder(run.config.data, splits), config, folds)
    path.mkdir(parents=True)
    runs.write_json(path / "folds.json", {"folds": folds})
    labels = cross_validation.images_of(splits).labels.astype(int)
    probabilities = np.full((len(labels), 10), 0.01)
    said = labels.copy()
    said[list(FLIPPED)] = (labels[list(FLIPPED)] + 3) % 10
    probabilities[np.arange(len(labels)), said] = 0.91
    fold_of = cross_validation.fold_of(labels, folds, 42)
    for fold in range(folds):
        index = np.flatnonzero(fold_of == fold)
        np.savez(cross_validation.fold_file(path, fold), index=index, probabilities=probabilities[index])
    return path


# ---------------------------------------------------------------- training labels


def test_a_cross_validation_is_started_followed_and_stopped(own_tiny, started, monkeypatch):
    app = opened(own_tiny.id)
    assert "divided into 3 folds" in text(app) and "the Fast preset, 3 epochs" in text(app)
    assert "Takes " in text(app)
    app.button(key="start_folds").click()
    refresh(app)
    ((config, folds),) = started
    assert folds == 3 and config.training.epochs == 3 and config.data.dataset == "synthetic"
    assert config.layers == presets()["fast"].layers
    (bar,) = app.get("progress")
    assert bar.proto.text == "Fold 1 · 1 min 15 s left" and bar.proto.value == 25
    stopped = []
    monkeypatch.setattr(measurement, "stop", stopped.append)
    app.button(key="stop_folds").click()
    refresh(app)
    assert len(stopped) == 1


def test_its_settings_are_in_the_link(own_tiny, started):
    app = opened(own_tiny.id, dataset_network="This run's", dataset_folds="5", dataset_epochs="2")
    assert "divided into 5 folds" in text(app) and "the layers of Tiny one, 2 epochs" in text(app)
    app.button(key="start_folds").click()
    refresh(app)
    ((config, folds),) = started
    assert folds == 5 and config.layers == own_tiny.config.layers and config.training.epochs == 2


@pytest.mark.parametrize(("state", "words"), [("stopped", "1 of 3 folds are done"), ("failed", "It *broke*")])
def test_what_ended_early_goes_on(own_tiny, splits, started, state, words):
    path = finish(own_tiny, splits)
    for fold in (1, 2):
        cross_validation.fold_file(path, fold).unlink()
    runs.write_json(path / "config.json", own_tiny.config.model_dump(mode="json"))
    runs.write_status(path, runs.closed(runs.Status("training"), state, "It *broke*"))
    app = opened(own_tiny.id)
    assert words.replace("*", "\\*") in text(app) and app.button(key="start_folds").label == "Resume"


def test_planted_label_errors_are_listed_with_the_reason(own_tiny, splits, linked):
    finish(own_tiny, splits)
    app = opened(own_tiny.id)
    assert "**2 suspects** among 80 images" in text(app) and "suspects, not errors" in text(app)
    (table,) = app.dataframe
    rows = {(row["split"], row["index"]): row for _, row in table.value.iterrows()}
    assert set(rows) == {("train", 7), ("validation", 5)}
    names = own_tiny.config.data.card.class_names
    row = rows["train", 7]
    assert (row["given label"], row["suggested label"]) == (names[7], names[0])
    assert row["reason"] == f"A network that has not learned it predicts {names[0]} 91%, {names[7]} 1%"
    assert row["margin"] == pytest.approx(-0.9)
    app.selectbox(key="dataset-training-given").select(names[5])
    refresh(app)
    assert len(app.dataframe[0].value) == 1 and "**Validation image 5**" in text(app)
    assert linked == [("validation", 5, 5)], "a training image has no link"
    app.selectbox(key="dataset-training-given").select(names[1])
    refresh(app)
    assert "No image is like that" in text(app)


def test_of_fashion_mnist_the_shipped_soft_labels_name_suspects_at_once(splits, started, monkeypatch):
    labels = splits.train.labels.astype(int)
    soft = np.full((TRAIN, 10), 0.01, np.float32)
    soft[np.arange(TRAIN), labels] = 0.91
    soft[7, [labels[7], 2]] = 0.01, 0.91
    monkeypatch.setattr(soft_labels, "out_of_fold", lambda: soft)
    app = opened("lecture")
    names = runs.get("lecture").config.data.card.class_names
    assert "**1 suspect** among 60 training images" in text(app) and not started
    assert app.dataframe[0].value["suggested label"].tolist() == [names[2]]

    def damaged():
        raise soft_labels.NoSoftLabels("The file is damaged.")

    monkeypatch.setattr(soft_labels, "out_of_fold", damaged)
    app = opened("lecture")
    assert [error.value for error in app.error] == ["The file is damaged."] and not app.exception
    app = opened("lecture", dataset_network="Fast preset")
    assert "start_folds" in keys(app), "you can still let networks of your own judge"


def test_damaged_folds_get_a_sentence(own_tiny, splits):
    cross_validation.fold_file(finish(own_tiny, splits), 1).write_bytes(b"half")
    assert "is damaged" in opened(own_tiny.id).error[0].value


# ---------------------------------------------------------------- test labels


def known(run: runs.Run, splits: Splits, wrong: dict[int, int], seed: int) -> None:
    """Predictions of a run that are right but for some images."""
    said = splits.test.labels.astype(int)
    for index, label in wrong.items():
        said[index] = label
    logits = np.random.default_rng(seed).normal(0, 0.1, (TEST, 10)).astype(np.float32)
    logits[np.arange(TEST), said] += 5
    predictions.keep(run, predictions.Predictions("test", splits.test.labels.astype(np.int64), logits))


def another(run: runs.Run, seed: int) -> runs.Run:
    training = run.config.training.model_copy(update={"seed": seed})
    made = runs.create(run.config.model_copy(update={"training": training}), f"Seed {seed}")
    made.model_path.write_bytes(run.model_path.read_bytes())
    runs.write_status(made.path, runs.closed(made.status, "finished"))
    return runs.read(made.path)


def test_networks_that_agree_name_suspects_of_the_test_images(own_tiny, splits, linked):
    networks = [own_tiny, another(own_tiny, 1), another(own_tiny, 2)]
    for seed, network in enumerate(networks):
        known(network, splits, {3: 8, 10 + seed: 1}, seed)
    app = opened(own_tiny.id, "Test labels")
    names = own_tiny.config.data.card.class_names
    assert "**1 suspect** among 40 images" in text(app) and "All 3 networks predict the same" in text(app)
    (table,) = app.dataframe
    assert table.value["index"].tolist() == [3]
    assert table.value["reason"].tolist() == [f"3 networks agree on {names[8]}, mean confidence 94%"]
    assert linked == [("test", 3, 3)]


def test_networks_that_have_not_predicted_yet_are_offered(own_tiny, splits):
    known(own_tiny, splits, {}, 0)
    other = another(own_tiny, 1)
    again = runs.create(own_tiny.config, "The same again")
    again.model_path.write_bytes(own_tiny.model_path.read_bytes())
    runs.write_status(again.path, runs.closed(again.status, "finished"))
    app = opened(own_tiny.id, "Test labels")
    assert "1 network on this dataset has predicted the test images, 1 not yet" in text(app)
    assert "At least two networks" in text(app)
    app.button(key="measure_others").click()
    for _ in range(30):
        refresh(app)
        if "All 2 networks" in text(app):
            break
    assert "measure_others" not in keys(app)
    assert predictions.kept(other, "test") is not None and predictions.kept(again, "test") is None


# ---------------------------------------------------------------- duplicates


def test_planted_duplicates_are_found_counted_and_kept(own_tiny, splits, monkeypatch):
    known(own_tiny, splits, {4: 1}, 0)
    app = opened(own_tiny.id, "Duplicates")
    assert "All 120 images are compared with one another" in text(app)
    app.button(key="find_duplicates").click()
    for _ in range(20):
        refresh(app)
        if app.dataframe:
            break
    counts = app.dataframe[0].value.set_index("pairs")
    assert counts.loc["train and test"].tolist() == [1, 1, 1]
    assert counts.loc["within train"].tolist() == [1, 0, 0]
    assert counts.to_numpy().sum() == 4
    assert "**1 test image has** a twin of the same pixels" in text(app)
    assert "**1 other has** one that is nearly the same" in text(app)
    assert "is right for 50.0% (9.5% to 90.5%, 2 images) of those with a twin" in text(app)
    assert "train 14 · test 4" in text(app) and ":red[" in text(app)
    monkeypatch.setattr(duplicate_pairs, "_search", None)
    again = opened(own_tiny.id, "Duplicates", dataset_pairs="Within a split")
    assert "train 20 · train 30" in text(again) and "train 14" not in text(again)
    again.toggle(key="dataset-differ").set_value(True)
    refresh(again)
    assert "No pair is like that" in text(again)


def test_without_the_dataset_the_view_says_what_to_do(own_tiny, monkeypatch):
    monkeypatch.setattr(type(data.DATASETS["synthetic"]), "missing", lambda self: "It is not here.")
    assert "It is not here." in text(opened(own_tiny.id))


def test_a_link_that_says_nonsense_is_brought_into_range(own_tiny, started):
    app = opened(own_tiny.id, "Elsewhere", dataset_folds="99", dataset_network="None", dataset_epochs="0")
    assert "divided into 3 folds" in text(app) and "the Fast preset, 3 epochs" in text(app), text(app)
