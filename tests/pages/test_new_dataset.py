"""A dataset that is added by one class is read, loaded, offered and exported; nothing else has to be changed."""

import numpy as np
import pytest
from pydantic import ValidationError

from cnn import data, runs, train
from cnn.config import DATASET_CARDS, Data, DatasetCard, RunConfig, explain
from cnn.data import DATASETS, Dataset, Script, Split, Splits
from cnn.training.keras_script import keras_script
from cnn.ui import shell
from tests.pages.visit import open_page, refresh, text
from tests.training.test_keras_script import assert_sound, run_script


class Stripes(Dataset):
    """Ten images, of which the i-th has i white columns."""

    card = DatasetCard("stripes", "Stripes", "white columns that are to be counted", training_images=200)
    samples = "Test images of white columns."

    def load(self, limit, on_download) -> Splits:
        on_download("Painting stripes")
        images = np.uint8(255 * (np.arange(28)[None, None, :] < np.arange(10)[:, None, None])).repeat(28, axis=1)
        split = Split(images, np.arange(10, dtype=np.uint8))
        count = limit or self.card.training_images
        return Splits(Split(np.resize(images, (count, 28, 28)), np.resize(split.labels, count)), split, split)

    def script(self, limit) -> Script:
        count = limit or self.card.training_images
        return Script(
            (
                "digits = np.arange(10, dtype=np.uint8)",
                "columns = digits[:, None, None] > np.arange(28)[None, None, :]",
                "test_images, test_labels = np.uint8(255 * columns).repeat(28, axis=1), digits",
                "validation_images, validation_labels = test_images, test_labels",
                f"which = list(islice(cycle(digits), {count}))",
                "train_images, train_labels = test_images[which], test_labels[which]",
            ),
            imports=("from itertools import cycle, islice",),
        )

    def missing(self) -> str:
        return "The stripes are not painted yet."

    def by_hand(self) -> str:
        return "Paint them yourself."


@pytest.fixture(autouse=True)
def stripes():
    """The dataset, for as long as a test lasts."""
    data.register(Stripes())
    yield
    del DATASETS["stripes"], DATASET_CARDS["stripes"]


CONFIG = {"data": {"dataset": "stripes", "limit": 120}, "layers": [{"kind": "flatten"}], "training": {"epochs": 1}}


def test_it_is_loaded():
    said = []
    splits = data.load(Data(dataset="stripes", limit=120), said.append)
    assert splits.train.images.shape == (120, 28, 28) and splits.test.labels.tolist() == list(range(10))
    assert (splits.test.images[:, 0] > 0).sum(axis=1).tolist() == list(range(10)) and said == ["Painting stripes"]


def test_a_run_of_it_is_read_and_is_not_called_synthetic():
    run = runs.create(RunConfig.model_validate(CONFIG))
    assert runs.get(run.id).config.data.card.title == "Stripes" and shell.synthetic_note(run) == ""


def test_it_is_offered_on_the_command_line(capsys):
    config = train._configure(train._parse(["--preset", "tiny", "--dataset", "stripes"]))
    assert config.data.dataset == "stripes"
    assert train.main(["--preset", "tiny", "--dataset", "spots"]) == 2
    assert "There is no dataset 'spots': choose one of fashion-mnist, synthetic, mnist, cifar-10, stripes, or give" in (
        capsys.readouterr().err
    )


def test_it_is_offered_on_the_train_page_with_what_is_missing(launcher):
    app = open_page("New network")
    sentence = "The stripes are not painted yet. Paint them yourself. Or choose the synthetic dataset."
    assert sentence not in text(app), "it is said of the chosen dataset only"
    dataset = next(field for field in app.selectbox if field.label == "Dataset")
    assert dataset.options == list(DATASETS) and "stripes: white columns that are to be counted." in dataset.help
    dataset.select("stripes")
    refresh(app)
    assert sentence in text(app)
    app.button(key="start").click()
    refresh(app)
    assert runs.all_runs()[0].config.data.dataset == "stripes"


def test_it_is_offered_for_sweeps(launcher):
    app = open_page("Sweeps")
    dataset = next(field for field in app.selectbox if field.label == "Dataset")
    assert dataset.options == list(DATASETS)
    dataset.select("stripes")
    assert "The stripes are not painted yet." in text(refresh(app))


@pytest.mark.slow
def test_the_exported_script_has_the_very_same_images(tmp_path):
    script = keras_script(RunConfig.model_validate(CONFIG))
    assert_sound(script)
    assert script.startswith('"""Train a convolutional network on Stripes, with Keras alone.')
    part = script[script.index("digits =") : script.index("STEPS =")]
    made: dict = {}
    exec("from itertools import cycle, islice\nimport numpy as np\n" + part, made)
    splits = data.load(Data(dataset="stripes", limit=120))
    for name in ("train", "validation", "test"):
        for kind in ("images", "labels"):
            expected = getattr(getattr(splits, name), kind)
            assert made[f"{name}_{kind}"].dtype == np.uint8 and np.array_equal(made[f"{name}_{kind}"], expected)
    assert "Test accuracy" in run_script(script, tmp_path / "alone")


def test_an_unknown_dataset_is_refused_with_those_that_there_are():
    with pytest.raises(ValidationError) as caught:
        Data(dataset="spots")
    assert (
        explain(caught.value)
        == "There is no dataset 'spots': choose one of fashion-mnist, synthetic, mnist, cifar-10, stripes."
    )


def test_every_card_has_a_class_of_its_name():
    assert list(DATASETS) == list(DATASET_CARDS)
    assert all(DATASETS[name].card is card and card.name == name for name, card in DATASET_CARDS.items())
