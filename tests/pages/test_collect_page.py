"""Collect: datasets of people's own are made, filled, tidied and deleted; whatever cannot be done is said."""

import io
import shutil
import zipfile

import pytest
import streamlit as st
from streamlit.runtime.download_data_util import convert_data_to_bytes_and_infer_mime
from streamlit.testing.v1 import AppTest

from cnn.data import own_datasets
from cnn.ui import state
from cnn.ui.collect import adding, board, jobs, opened
from tests.data.folders_of_images import fill, png
from tests.pages.visit import open_page, refresh, text


@pytest.fixture(autouse=True)
def no_jobs():
    yield
    jobs._jobs.clear()


@pytest.fixture
def shoes() -> own_datasets.OwnDataset:
    dataset = own_datasets.create("Shoes")
    fill(dataset.path, {"Boot": 12, "Sandal": 10})
    return dataset


def opened_class(name: str = "Boot", **link: str) -> AppTest:
    return open_page("Collect", dataset="Shoes", **{state.OWN_CLASS: name}, **link)


def link(app: AppTest, name: str) -> str | None:
    """AppTest hands a parameter back as a list until a page has set it, then as a string."""
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return refresh(app)


def counts() -> dict[str, int]:
    return own_datasets.own("Shoes").listing().counts()


def test_without_a_dataset_it_says_what_one_is():
    app = open_page("Collect")
    (said,) = (info.value for info in app.info)
    assert said.count(". ") == 1 and "at least two classes" in said and "ZIP file" in said
    assert {button.key for button in app.button} >= {"new_dataset_button"} and app.file_uploader


def test_a_dataset_is_made_and_opened():
    app = click(open_page("Collect"), "new_dataset_button")
    app.text_input(key="collect_name-").set_value("  Hats & caps  ")
    click(app, "collect_named")
    assert own_datasets.listed() == ["Hats & caps"] and link(app, "dataset") == "Hats & caps"
    assert "Name the classes first" in text(app)


def test_a_name_that_cannot_be_is_refused_in_the_dialog(shoes):
    app = click(open_page("Collect"), "new_dataset_button")
    app.text_input(key="collect_name-").set_value("SHOES")
    click(app, "collect_named")
    assert "There is a dataset called" in app.error[0].value and own_datasets.listed() == ["Shoes"]


def test_classes_are_boxes_and_another_is_added_by_its_name(shoes):
    app = open_page("Collect", dataset="Shoes")
    assert "12 images" in text(app) and "**Sandal**" in text(app) and "22 images · 2 classes" in text(app)
    app.text_input(key=state.NEW_CLASS).set_value("Clog")
    click(app, "add_class_button")
    assert list(counts()) == ["Boot", "Clog", "Sandal"] and app.text_input(key=state.NEW_CLASS).value == ""
    app.text_input(key=state.NEW_CLASS).set_value("boot")
    click(app, "add_class_button")
    assert "There is a class called" in app.error[0].value and app.text_input(key=state.NEW_CLASS).value == "boot"
    click(app, "undo-page")
    assert list(counts()) == ["Boot", "Sandal"]


def test_many_classes_come_by_the_page_and_are_found():
    dataset = own_datasets.create("Many")
    fill(dataset.path, {f"Class {number}": 0 for number in range(200)})
    app = open_page("Collect", dataset="Many")
    boxes = [button for button in app.button if (button.key or "").startswith("open-")]
    assert len(boxes) == board.BOXES
    app.text_input(key=state.CLASSES_FOUND).set_value("CLASS 19")
    assert [button.label for button in refresh(app).button if (button.key or "").startswith("open-")] == [
        f"**Class {name}**" for name in sorted(["19", *map(str, range(190, 200))])
    ]


def test_files_are_added_and_what_is_not_is_said(shoes):
    app = open_page("Collect", dataset="Shoes", **{state.ADDING_TO: "Boot"})
    files = [("new.png", png(900), "image/png"), ("old.png", png(0), "image/png"), ("text.txt", b"no", "text/plain")]
    app.file_uploader(key=state.uploader(0)).set_value(files)
    refresh(app)
    said = app.warning[0].value
    assert "1 image added to Boot" in said and "The same image is there already" in said and "text.txt" in said
    assert counts() == {"Boot": 13, "Sandal": 10} and "13 images in Boot now" in text(app)
    click(app, "done_adding")
    assert link(app, state.ADDING_TO) is None and not app.warning
    click(app, "undo-page")
    assert counts() == {"Boot": 12, "Sandal": 10}


def test_a_drawing_is_added(shoes, monkeypatch):
    import numpy as np

    from cnn.ui.components import drawing_board

    ink = np.zeros((280, 280, 4), np.uint8)
    ink[100:180, 100:180, 3] = 255
    monkeypatch.setattr(adding.drawing_board, "ask", lambda templates: ink)
    app = open_page("Collect", dataset="Shoes", **{state.ADDING_TO: "Boot"})
    app.session_state[state.KEPT_DRAWING] = drawing_board.Kept()
    app.segmented_control(key=state.ADD_WAY).set_value("Draw")
    refresh(app)
    click(app, "add_drawing")
    (added,) = (image for image in own_datasets.own("Shoes").listing().of("Boot") if image.name.startswith("drawing"))
    pixels = np.asarray(added.opened())
    assert pixels.shape[:2] == (280, 280) and (pixels[140, 140].max(), pixels[0, 0].min()) == (0, 255)


def test_photos_are_added_as_many_as_are_chosen(shoes, monkeypatch):
    asked = {}

    def burst(key, count, every, take, held):
        asked.update(count=count, take=take, held=held)

    monkeypatch.setattr(adding.camera, "burst", burst)
    app = open_page("Collect", dataset="Shoes", **{state.ADDING_TO: "Sandal"})
    app.segmented_control(key=state.ADD_WAY).set_value("Camera")
    refresh(app)
    assert (asked["count"], asked["held"]) == (100, True) and "5 photos a second while you hold" in text(app)
    asked["take"]([png(901), png(902)])
    assert counts()["Sandal"] == 12
    for chosen, count in (("10 photos", 10), ("1 photo", 1)):
        app.segmented_control(key="collect-photos").set_value(chosen)
        refresh(app)
        assert (asked["count"], asked["held"]) == (count, False)


def archive(**classes: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name, first in classes.items():
            for number in range(first, first + 3):
                written.writestr(f"{name}/{number}.png", png(number))
        written.writestr("readme.txt", "hello")
    return file.getvalue()


def test_a_zip_becomes_a_dataset_with_an_account_that_is_dismissed():
    app = open_page("Collect")
    app.file_uploader(key="zip-new-0").set_value(("Pets.zip", archive(Cat=0, Dog=10), "application/zip"))
    refresh(app)
    assert link(app, "dataset") == "Pets" and own_datasets.own("Pets").listing().counts() == {"Cat": 3, "Dog": 3}
    said = app.warning[0].value
    assert "3 images added to Cat" in said and "readme" in said and "in no folder of a class" in said
    assert not click(app, "dismiss-page").warning


def of_folder(**files: bytes) -> list[tuple[str, bytes, str]]:
    """Files as a browser hands over those of a folder."""
    return [(path, content, "image/png") for path, content in files.items()]


def test_a_folder_of_images_goes_into_the_class_and_a_folder_of_folders_becomes_classes(shoes):
    app = open_page("Collect", dataset="Shoes", **{state.ADDING_TO: "Boot"})
    app.segmented_control(key=state.ADD_WAY).set_value("Folder")
    refresh(app)
    assert "A folder of images goes into Boot" in text(app)
    files = {"Winter/1.png": png(901), "Winter/2.png": png(902), "Winter/.DS_Store": b"x", "Winter/notes.txt": b"x"}
    app.file_uploader(key="folder-0").set_value(of_folder(**files))
    refresh(app)
    said = app.warning[0].value
    assert "2 images added to Boot" in said and "notes.txt" in said and "DS" not in said
    assert counts() == {"Boot": 14, "Sandal": 10}
    files = {"All/Clog/1.png": png(903), "All/Sandal/2.png": png(904)}
    app.file_uploader(key="folder-1").set_value(of_folder(**files))
    refresh(app)
    assert counts() == {"Boot": 14, "Clog": 1, "Sandal": 11}
    app.file_uploader(key="folder-2").set_value(of_folder(**{"1.png": png(905)}))
    refresh(app)
    assert "without the names of their folders" in app.error[0].value and sum(counts().values()) == 26


def test_a_folder_of_folders_becomes_a_dataset_called_as_it():
    app = open_page("Collect")
    files = {f"Pets/{name}/{number}.png": png(number) for name, number in (("Cat", 1), ("Cat", 2), ("Dog", 3))}
    app.file_uploader(key="folder-new-0").set_value(of_folder(**files))
    refresh(app)
    assert link(app, "dataset") == "Pets" and own_datasets.own("Pets").listing().counts() == {"Cat": 2, "Dog": 1}
    for bad, said in (("1.png", "without the names"), ("Fish/a/b/1.png", "has no images")):
        app = open_page("Collect")
        app.file_uploader(key="folder-new-0").set_value(of_folder(**{bad: png(5)}))
        assert said in refresh(app).error[0].value and own_datasets.listed() == ["Pets"]


def test_a_zip_that_is_none_leaves_nothing_behind():
    app = open_page("Collect")
    app.file_uploader(key="zip-new-0").set_value(("Pets.zip", b"no archive", "application/zip"))
    refresh(app)
    assert "no ZIP file" in app.error[0].value and own_datasets.listed() == [] and own_datasets.deleted() == []


def test_selected_images_are_moved_and_removed_and_both_is_undone(shoes):
    app = opened_class()
    app.session_state[state.SELECTED_OWN] = (("Shoes", "Boot"), {"000.png", "003.png", "gone.png"})
    refresh(app)
    assert "**2 selected**" in text(app)
    click(app, "remove_selected")
    assert counts() == {"Boot": 10, "Sandal": 10} and "2 images were removed from Boot" in text(app)
    app = opened_class()  # after a reload
    click(app, "undo-page")
    assert counts() == {"Boot": 12, "Sandal": 10}


def test_an_image_is_seen_large_and_one_walks_to_the_next(shoes):
    app = opened_class(**{state.OWN_IMAGE: "003.png"})
    assert "4 of 12 in Boot" in text(app) and "24 × 24 pixels" in text(app)
    click(app, "large-Next")
    assert link(app, state.OWN_IMAGE) == "004.png"
    click(app, "delete_large")
    assert counts()["Boot"] == 11 and link(app, state.OWN_IMAGE) == "005.png"


def test_only_a_page_of_images_is_sent(shoes, monkeypatch):
    monkeypatch.setattr(opened, "PAGE", 5)
    sent = []
    monkeypatch.setattr(opened.album, "show", lambda images, *_, **__: sent.append([name for name, _ in images]))
    opened_class(**{state.ALBUM_PAGE: "3"})
    assert sent[-1] == ["010.png", "011.png"]


def test_copies_are_shown_and_one_is_kept(shoes):
    first = sorted((shoes.path / "Boot").iterdir())[0]
    shutil.copy(first, shoes.path / "Boot" / "copy.png")
    shutil.copy(first, shoes.path / "Sandal" / "wrong.png")
    (shoes.path / "Sandal" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    app = open_page("Collect", dataset="Shoes")
    assert "3 images are the same file" in text(app) and "one of the labels is wrong" in text(app)
    click(app, "keep-duplicates-0")
    assert counts() == {"Boot": 12, "Sandal": 10} and "are the same file" not in text(app)
    click(app, "remove_unreadable")
    assert "cannot be read" not in text(app) and own_datasets.own("Shoes").listing().unreadable == ()


def test_it_says_how_images_are_split_and_leads_to_the_training(shoes):
    app = open_page("Collect", dataset="Shoes")
    assert "18 images to train with, 2 to choose by, 2 to measure with" in text(app)
    assert not app.button(key="train_own").disabled
    shutil.rmtree(shoes.path / "Boot")
    app = open_page("Collect", dataset="Shoes")
    assert app.button(key="train_own").disabled and "at least two classes" in text(app)


def test_a_dataset_that_was_deleted_meanwhile_is_said_and_restored(shoes):
    app = open_page("Collect", dataset="Shoes")
    own_datasets.delete("Shoes")
    click(app, "add-boot")
    assert "deleted or renamed" in app.warning[0].value
    click(app, "restore_lost")
    assert counts() == {"Boot": 12, "Sandal": 10} and "**Boot**" in text(app)


def test_a_class_that_was_renamed_meanwhile_is_said(shoes):
    app = opened_class()
    shoes.rename_class("Boot", "Wellington")
    refresh(app)
    assert "There is no class Boot" in app.warning[0].value and "**Wellington**" in text(app)


def test_a_full_disk_is_said_and_nothing_is_lost(shoes, monkeypatch):
    from cnn.data import changes

    def full(*_):
        raise OSError(28, "No space left on device")

    app = opened_class()
    app.session_state[state.SELECTED_OWN] = (("Shoes", "Boot"), {"000.png"})
    refresh(app)
    monkeypatch.setattr(changes.Journal, "make", full)
    click(app, "remove_selected")
    assert "the disk is full" in app.error[0].value and counts()["Boot"] == 12


def test_a_dataset_is_deleted_and_that_is_undone(shoes):
    app = open_page("Collect", dataset="Shoes")
    app.session_state[state.COLLECT_DIALOG] = ("delete dataset", "Shoes", "", st.context.url)
    assert "with 22 images" in text(refresh(app))
    click(app, "confirm_delete_dataset")
    assert link(app, "dataset") is None and own_datasets.listed() == []
    assert "Deleted: Shoes" in text(app)
    click(app, "undo_dataset")
    assert own_datasets.listed() == ["Shoes"] and link(app, "dataset") == "Shoes"


def test_a_class_is_renamed_and_stays_open(shoes):
    app = opened_class()
    app.session_state[state.COLLECT_DIALOG] = ("rename class", "Shoes", "Boot", st.context.url)
    refresh(app)
    app.text_input(key="collect_name-Boot").set_value("Wellington / 裤子")
    click(app, "collect_named")
    assert list(counts()) == ["Sandal", "Wellington / 裤子"] and link(app, state.OWN_CLASS) == "Wellington / 裤子"


def test_the_export_is_a_file_that_streamlit_sends_and_that_is_imported_again(shoes):
    content, _ = convert_data_to_bytes_and_infer_mime(board._zipped(shoes), AssertionError())
    app = open_page("Collect")
    app.file_uploader(key="zip-new-0").set_value(("Again.zip", content, "application/zip"))
    refresh(app)
    assert own_datasets.own("Again").listing().counts() == {"Boot": 12, "Sandal": 10}
