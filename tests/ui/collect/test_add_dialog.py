"""Images of any page are added to a dataset of people's own, either new or not, and taken back."""

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnn.data import own_datasets
from cnn.data.names import BadName
from cnn.ui import state
from cnn.ui.collect import add_dialog
from tests.data.folders_of_images import pixels, png
from tests.pages.visit import open_page, refresh


def counts(name: str) -> dict[str, int]:
    return own_datasets.own(name).listing().counts()


def test_bytes_arrays_and_images_are_added_to_what_is_new():
    images = [("a.png", png(1)), ("b.png", pixels(2)), ("c", Image.fromarray(pixels(3)))]
    name, lines, change = add_dialog.add(" Shoes ", "Boot", images)
    assert (name, lines) == ("Shoes", ["3 images added to Boot."]) and change
    assert [image.name for image in own_datasets.own("Shoes").listing().images] == ["a.png", "b.png", "c.png"]
    for image, number in zip(own_datasets.own("Shoes").listing().images, (1, 2, 3), strict=True):
        assert (np.asarray(image.opened().convert("RGB")) == pixels(number)).all()


def test_names_that_differ_in_capitals_are_the_same():
    add_dialog.add("Shoes", "Boot", [("a.png", png(1))])
    name, lines, _ = add_dialog.add("SHOES", "boot", [("b.png", png(2)), ("c.png", png(1))])
    assert name == "Shoes" and counts("Shoes") == {"Boot": 2} and "The same image is there already" in lines[1]


def test_what_cannot_be_added_leaves_no_dataset_behind():
    assert add_dialog.add("Shoes", "Boot", [("a.png", b"no image")])[2] == ""
    with pytest.raises(BadName):
        add_dialog.add("Hats", " ", [("a.png", png(1))])
    assert own_datasets.listed() == []


def page() -> None:
    from cnn.ui.collect import add_dialog
    from tests.data.folders_of_images import png

    add_dialog.offer("here", lambda: [("a.png", png(1))], 1, "Boot")


def test_the_form_proposes_the_class_and_undoes(monkeypatch):
    monkeypatch.setattr(add_dialog.st, "page_link", lambda *_, **__: None)  # no pages around a script
    own_datasets.create("Shoes").add_class("boot")
    app = AppTest.from_function(page)
    app.session_state[state.add_popover("here")] = True
    refresh(app)
    assert [box.value for box in app.selectbox] == ["Shoes", "boot"]
    app.button(key="add-now-here").click()
    assert refresh(app).success[0].value.replace(
        "\\", ""
    ) == "To the dataset Shoes:  \n1 image added to boot." and counts("Shoes") == {"boot": 1}
    app.button(key="add-undo-here").click()
    assert "Undone" in refresh(app).warning[0].value and counts("Shoes") == {"boot": 0}


def test_closed_it_looks_at_nothing(monkeypatch):
    monkeypatch.setattr(own_datasets, "listed", None)
    assert not refresh(AppTest.from_function(page)).selectbox


def test_predict_offers_what_is_in_view():
    own_datasets.create("Clothes")
    app = open_page("Predict", **{"predict-class": "Bag", "predict-number": "7"})
    app.session_state[state.add_popover("predict")] = True
    refresh(app)
    assert app.selectbox(key="add-class-predict-Clothes-Bag").value == "Bag"
    app.button(key="add-now-predict").click()
    refresh(app)
    (image,) = own_datasets.own("Clothes").listing().images
    assert image.class_name == "Bag" and image.name.startswith("Bag 7 ") and image.opened().size == (28, 28)


def test_evaluate_offers_the_selected_images(own_tiny):
    own_datasets.create("Clothes").add_class("Odd")
    app = open_page("Evaluate", own_tiny.id, **{"evaluate-view": "Images"})
    app.session_state[state.SELECTED_IMAGES] = {(own_tiny.id, "test"): {3, 5}}
    app.session_state[state.add_popover("evaluate")] = True
    refresh(app)
    app.selectbox(key=next(box.key for box in app.selectbox if box.key.startswith("add-class-"))).select_index(0)
    refresh(app)
    assert app.button(key="add-now-evaluate").label == "Add 2 images"
    app.button(key="add-now-evaluate").click()
    refresh(app)
    assert counts("Clothes") == {"Odd": 2}
