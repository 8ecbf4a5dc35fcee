"""A folder as a browser hands it over: what becomes of each file, by its path and what it holds."""

import pytest

from cnn.data import own_datasets
from cnn.data.own_datasets import OwnDataset
from cnn.data.uploaded_folders import UnusableUpload, UploadedPath, add_folder, name_of
from cnn.pictures import MAX_BYTES
from tests.data.folders_of_images import png


@pytest.fixture
def pets() -> OwnDataset:
    dataset = own_datasets.create("Pets")
    dataset.add_class("Cat")
    return dataset


def given(*paths: str, size: int = 100) -> list[UploadedPath]:
    """Images, each another one, unless their paths end as those of texts do."""
    content = [b"hello" if path.endswith((".txt", ".db", ".zip")) else png(number) for number, path in enumerate(paths)]
    return [UploadedPath(path, size, lambda one=one: one) for path, one in zip(paths, content, strict=True)]


def test_a_folder_of_images_goes_into_the_class_that_is_chosen(pets):
    added = add_folder(pets, given("Holiday/1.png", "Holiday/2.png", "Holiday/.DS_Store", "Holiday/Thumbs.db"), "Cat")
    assert added.lines() == ["2 images added to Cat."]
    assert [image.name for image in pets.listing().of("Cat")] == ["1.png", "2.png"]
    pets.undo()
    assert pets.listing().images == ()


def test_without_a_class_it_is_one_itself(pets):
    assert add_folder(pets, given("Holiday/1.png")).added == {"Holiday": 1}


@pytest.mark.parametrize("class_name", ["", "Cat"])
def test_a_folder_of_folders_becomes_classes(class_name, pets):
    files = given("All/cat/1.png", "All/Dog/2.png", "All/Dog/deep/3.png", "All/readme.txt", "All/__MACOSX/Dog/4.png")
    added = add_folder(pets, files, class_name)
    assert added.added == {"Cat": 1, "Dog": 1}, "names that differ in capitals are the same"
    assert added.skipped == {
        "A file that lies deeper than in a class's folder is passed over.": ["All/Dog/deep/3.png"],
        "A file that lies in no folder of a class is passed over.": ["All/readme.txt"],
    }


def test_a_few_files_in_a_folder_beside_images_make_no_classes(pets):
    files = given("Holiday/1.png", "Holiday/2.png", "Holiday/originals/3.png")
    added = add_folder(pets, files, "Cat")
    assert added.added == {"Cat": 2}
    assert list(added.skipped.values()) == [["Holiday/originals/3.png"]]


def test_what_is_hostile_or_no_image_is_said_as_of_an_archive(pets):
    files = given(
        "A/ok.png",
        "A/text.txt",
        "A/more.zip",
        "A/../../out.png",
        "/etc/passwd.png",
        "C:\\Windows\\x.png",
        "A\\windows.png",
    )
    added = add_folder(pets, [*files, *given("A/large.png", size=MAX_BYTES + 1)], "Cat")
    assert added.added == {"Cat": 2}
    assert added.skipped["Its path leads out of the folder."] == [
        "A/../../out.png",
        "/etc/passwd.png",
        "C:/Windows/x.png",
    ]
    assert added.skipped["An archive within the folder is not unpacked: unpack it yourself."] == ["A/more.zip"]
    assert any("larger than" in reason and paths == ["A/large.png"] for reason, paths in added.skipped.items())
    assert any(paths == ["A/text.txt"] for paths in added.skipped.values())
    assert sorted(image.name for image in pets.listing().images) == ["ok.png", "windows.png"]


def test_files_without_their_folders_are_refused(pets):
    for files in (given("1.png", "2.png"), []):
        with pytest.raises(UnusableUpload, match="without the names of their folders"):
            add_folder(pets, files, "Cat")
    assert name_of(given("Über uns/1.png")) == "Über uns" and pets.listing().images == ()


def test_a_folder_without_images_is_refused(pets):
    with pytest.raises(UnusableUpload, match="The folder A has no images"):
        add_folder(pets, given("A/b/c/1.png"))
    assert "Not added" in add_folder(pets, given("A/1.txt"), "Cat").lines()[0]
    assert pets.last_change().text == "The class Cat was added."
