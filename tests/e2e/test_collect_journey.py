"""A dataset from nothing: classes, images, a move that is undone, out as a ZIP file, deleted, and in again."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.data.folders_of_images import fill
from tests.e2e.conftest import Dashboard
from tests.e2e.test_journeys import heading, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.slow]


def test_a_dataset_is_made_tidied_exported_and_imported_again(page: Page, workshop: Dashboard, tmp_path: Path):
    given = fill(tmp_path / "given", {"Cat": 10, "Dog": 10})
    shutil.rmtree(workshop.runs.parent / "datasets", ignore_errors=True)  # of other tests
    page.goto(f"{workshop.url}/Collect")
    expect(page.get_by_text("A dataset is a set of classes")).to_be_visible()

    page.get_by_role("button", name="New dataset").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Pets 🐾")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Name the classes first")).to_be_visible()
    expect(page).to_have_url(re.compile("dataset=Pets"))

    for name in ("Cat", "Dog"):
        box = page.get_by_label("New class")
        box.fill(name)
        box.press("Enter")
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
        settled(page)

    # On a phone two classes stand beside each other, each with its menu.
    page.set_viewport_size({"width": 360, "height": 740})
    for name in ("Cat", "Dog"):
        expect(page.locator(f".st-key-menu-{name.lower()} button")).to_be_in_viewport()
    cat, dog = (page.locator(f".st-key-box-{name}").bounding_box() for name in ("cat", "dog"))
    assert cat["y"] == dog["y"] and cat["x"] + cat["width"] < dog["x"] < dog["x"] + dog["width"] <= 360
    page.set_viewport_size({"width": 1360, "height": 900})

    for number, name in enumerate(("Cat", "Dog")):
        page.get_by_role("button", name="Add", exact=False).and_(
            page.locator(f".st-key-add-{name.lower()} button")
        ).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text(f"0 images in {name} now.")).to_be_visible()
        dialog.locator("input[type=file]").set_input_files(sorted((given / name).iterdir()))
        expect(dialog.get_by_text(f"10 images added to {name}.")).to_be_visible()
        dialog.get_by_role("button", name="Done").click()
        expect(page.get_by_text(f"{10 * (number + 1)} images · 2 classes")).to_be_visible()
        settled(page)

    # One image is moved by keyboard, and that is undone.
    page.get_by_role("button", name="Cat", exact=True).click()
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(10)
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("1 selected")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Move to").click()
    page.get_by_text("Dog", exact=True).last.click()
    expect(page.get_by_text("1 image was moved to Dog.")).to_be_visible()
    expect(tiles).to_have_count(9)
    page.reload()
    expect(tiles).to_have_count(9)
    page.get_by_role("button", name="Undo").click()
    expect(tiles).to_have_count(10)

    # One is seen large; Back leads to the classes.
    tiles.first.dblclick()
    expect(page.get_by_role("dialog").get_by_text("1 of 10 in Cat")).to_be_visible()
    settled(page)
    page.get_by_role("dialog").get_by_role("button", name="Next").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog").get_by_text("2 of 10 in Cat")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    settled(page)
    page.go_back()
    expect(page.get_by_text("What next")).to_be_visible()

    page.get_by_role("button", name="Import and export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as a ZIP file").click()
    download.value.save_as(tmp_path / "Pets.zip")
    page.keyboard.press("Escape")

    page.locator(".st-key-more button").click()
    page.get_by_text("Delete", exact=True).last.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted: Pets")).to_be_visible()
    settled(page)

    page.get_by_role("button", name="Import a ZIP file").click()
    page.locator("input[type=file]").first.set_input_files(tmp_path / "Pets.zip")
    expect(page.get_by_text("10 images added to Cat.")).to_be_visible()
    expect(page.get_by_text("20 images · 2 classes")).to_be_visible()
    settled(page)

    # A folder of class folders is what a ZIP file of it would be; its images are there already, all but one.
    (given / "Dog" / ".DS_Store").write_bytes(b"x")
    fill(given, {"Bird": 1}, first=500)
    page.get_by_role("button", name="Import and export").click()
    page.locator("input[type=file][webkitdirectory]").set_input_files(given)
    expect(page.get_by_text("1 image added to Bird.")).to_be_visible()
    expect(page.get_by_text("The same image is there already.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("20 images · 2 classes")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Train with this dataset").click()
    expect(heading(page, "New network")).to_be_visible()
    expect(page.get_by_text("Cat, Dog. 16 images to train with")).to_be_visible()
