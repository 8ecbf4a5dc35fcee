"""A dataset of people's own is made, changed, and every change taken back; names, duplicates, full disks."""

import errno
import threading
from pathlib import Path

import pytest
from PIL import Image

from cnn import disk
from cnn.data import changes, dataset_editing, image_folders, names, own_datasets
from cnn.data.changes import NotChanged
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import UnusableFolder
from cnn.data.names import BadName
from tests.data.folders_of_images import encoded, pixels, png


@pytest.fixture
def hats() -> OwnDataset:
    """Three images of caps, two of top hats."""
    dataset = own_datasets.create("Hats")
    for name, numbers in (("Cap", range(3)), ("Top hat", range(3, 5))):
        dataset.add_class(name)
        dataset.add(name, [(f"{number}.png", png(number)) for number in numbers])
    return dataset


def state(dataset: OwnDataset) -> dict[str, list[str]]:
    """The classes and the names of their images."""
    listing = dataset.listing()
    return {name: [image.name for image in listing.of(name)] for name in listing.classes}


def files_in(dataset: OwnDataset) -> set[str]:
    return {path.relative_to(dataset.path).as_posix() for path in dataset.path.rglob("*") if path.is_file()}


BEFORE = {"Cap": ["0.png", "1.png", "2.png"], "Top hat": ["3.png", "4.png"]}


def test_images_are_kept_in_their_original_bytes(hats):
    assert state(hats) == BEFORE
    assert (hats.path / "Cap" / "1.png").read_bytes() == png(1)
    assert not list(hats.path.rglob(".[0-9]*"))


# ---------------------------------------------------------------- every change can be taken back

CHANGES = {
    "an image is added": (
        lambda hats, images: hats.add("Cap", [("new.png", png(9))]).change,
        {**BEFORE, "Cap": ["0.png", "1.png", "2.png", "new.png"]},
        "1 image was added to Cap.",
    ),
    "images are moved": (
        lambda hats, images: hats.move(images[:2], "Top hat"),
        {"Cap": ["2.png"], "Top hat": ["0.png", "1.png", "3.png", "4.png"]},
        "2 images were moved to Top hat.",
    ),
    "images are removed": (
        lambda hats, images: hats.remove([images[0], images[1], images[4]]),
        {"Cap": ["2.png"], "Top hat": ["3.png"]},
        "3 images were removed from Cap, 1 from Top hat.",
    ),
    "a class is added": (
        lambda hats, images: hats.add_class("  Bérêt / 🧢 "),
        {"Bérêt / 🧢": [], **BEFORE},
        "The class Bérêt / 🧢 was added.",
    ),
    "a class is renamed": (
        lambda hats, images: hats.rename_class("Cap", "Kappe"),
        {"Kappe": BEFORE["Cap"], "Top hat": BEFORE["Top hat"]},
        "The class Cap was renamed Kappe.",
    ),
    "the capitals of a class change": (
        lambda hats, images: hats.rename_class("Cap", "CAP"),
        {"CAP": BEFORE["Cap"], "Top hat": BEFORE["Top hat"]},
        "The class Cap was renamed CAP.",
    ),
    "a class is deleted": (
        lambda hats, images: hats.delete_class("Cap"),
        {"Top hat": BEFORE["Top hat"]},
        "The class Cap was deleted with its images.",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_is_made_said_and_taken_back(hats, kind):
    make, after, text = CHANGES[kind]
    before = hats.changes()
    change = make(hats, hats.listing().images)
    assert state(hats) == after
    assert hats.changes() == [change, *before] and change.time > 1.7e9
    if "removed" not in kind:
        assert change.text == text
    undone = OwnDataset(hats.path).undo(change)  # in another process
    assert undone == change and state(hats) == BEFORE and hats.changes() == before
    with pytest.raises(NotChanged, match=r"undone already|changed again since"):
        hats.undo(change)
    assert state(hats) == BEFORE


def test_what_was_removed_from_several_classes_is_said(hats):
    images = hats.listing().images
    assert hats.remove([images[0], images[1], images[4]]).text == "2 images were removed from Cap, 1 from Top hat."


def test_everything_is_taken_back_to_the_beginning(hats):
    images = hats.listing().images
    hats.move(images[:1], "Top hat")
    hats.rename_class("Top hat", "Hat")
    hats.delete_class("Cap")
    hats.add("Hat", [("x.png", png(8))])
    while hats.changes():
        hats.undo()
    assert state(hats) == {}
    with pytest.raises(NotChanged, match="nothing to undo"):
        hats.undo()


def test_only_the_last_change_can_be_taken_back(hats):
    first = hats.add_class("A")
    hats.add_class("B")
    with pytest.raises(NotChanged, match="changed again since: undo the later changes first"):
        hats.undo(first)
    assert list(state(hats)) == ["A", "B", "Cap", "Top hat"]


def test_old_changes_are_forgotten_with_what_they_took_away(hats, monkeypatch):
    monkeypatch.setattr(changes, "KEPT", 3)
    removed = hats.remove(hats.listing().images[:1])
    taken = hats.path / ".bin" / removed.id
    for number in range(3):
        assert taken.is_dir()
        hats.add_class(f"c{number}")
    assert not taken.exists() and len(hats.changes()) == 3
    with pytest.raises(NotChanged):
        hats.undo(removed)


def test_what_stands_in_the_way_of_an_undo_is_said(hats):
    hats.remove(hats.listing().images[:1])
    (hats.path / "Cap" / "0.png").write_bytes(png(70))
    with pytest.raises(NotChanged, match=r"'0\.png' is there already"):
        hats.undo()
    assert state(hats) == BEFORE


def test_a_journal_that_leads_elsewhere_is_not_followed(hats, tmp_path):
    (hats.path / ".bin" / "99999999999999-1-1.json").write_text('{"text": "x", "moves": [["../../a", "b"]]}')
    (hats.path / ".bin" / "99999999999999-1-2.json").write_text('{"text": "x", "moves": [["/etc/passwd", "b"]]}')
    (hats.path / ".bin" / "99999999999999-1-3.json").write_text("nonsense")
    assert all(change.text != "x" for change in hats.changes()) and len(hats.changes()) == 4


# ---------------------------------------------------------------- images that are added


def test_copies_and_what_is_no_image_are_skipped_with_a_reason(hats):
    files = [("copy.png", png(3)), ("9.png", png(9)), ("again.png", png(9)), ("a.txt", b"no image"), ("e.png", b"")]
    added = hats.add("Cap", files)
    assert added.added == {"Cap": 1} and state(hats)["Cap"] == ["0.png", "1.png", "2.png", "9.png"]
    same = "The same image is there already."
    assert added.skipped[same] == ["copy.png (as Top hat/3.png)", "again.png (as Cap/9.png)"]
    assert {name for names_ in added.skipped.values() for name in names_} >= {"a.txt", "e.png"}
    assert all(reason.endswith(".") for reason in added.skipped)
    lines = added.lines()
    assert lines[0] == "1 image added to Cap." and lines[1].startswith("Not added: copy.png (as Top hat/3.png), again")


def test_where_nothing_is_added_there_is_nothing_to_take_back(hats):
    before = hats.changes(), files_in(hats)
    added = hats.add("Cap", [("copy.png", png(3))])
    assert added.change is None and (hats.changes(), files_in(hats)) == before
    assert hats.add("Cap", []).lines() == ["Nothing was added."]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\photos\\hat.png", "hat.png"),
        (".hidden.png", "hidden.png"),
        ("0.png", "0 (2).png"),
        ("0.PNG", "0 (2).PNG"),
        ("a:b?.png", "a_b_.png"),
        ("帽子 🎩.png", "帽子 🎩.png"),
        ("no ending", "no ending.png"),
        ("", "image.png"),
        ("con.png", "image con.png"),
        ("thumbs.db", "image thumbs.db"),
        ("é" * 200 + ".png", "é" * 50 + ".png"),
        ("line\nbreak\0.png", "line_break_.png"),
        ("caf\udce9.png", "caf_.png"),
    ],
)
def test_files_get_names_that_any_system_can_hold(hats, name, kept):
    hats.add("Cap", [(name, png(20))])
    assert kept in state(hats)["Cap"]
    assert len(list((hats.path / "Cap").iterdir())) == 4


def test_what_was_found_out_while_images_were_added_is_not_found_out_again(hats, monkeypatch):
    monkeypatch.setattr(image_folders, "open_image", lambda source: pytest.fail("decoded again"))
    assert state(hats) == BEFORE
    hats.rename_class("Cap", "Kappe")
    hats.move(hats.listing().images[:1], "Top hat")
    own_datasets.rename("Hats", "Hüte")
    image_folders._kept_index.cache_clear()
    assert len(own_datasets.own("Hüte").listing().images) == 5


def test_a_name_that_is_taken_gets_a_number_when_images_are_moved(hats):
    hats.add("Top hat", [("0.png", png(30))])
    images = hats.listing().of("Cap")
    hats.move(images, "Top hat")
    assert state(hats) == {"Cap": [], "Top hat": ["0 (2).png", "0.png", "1.png", "2.png", "3.png", "4.png"]}
    hats.undo()
    assert (hats.path / "Cap" / "0.png").read_bytes() == png(0)


def test_what_cannot_be_done_is_said_and_nothing_is_changed(hats):
    images = hats.listing().images
    other = own_datasets.create("Others")
    other.add_class("Cap")
    for what, message in (
        (lambda: hats.move(images[:1], "Nowhere"), "There is no class 'Nowhere' any more"),
        (lambda: hats.move(images[:1], "Cap"), "They are in 'Cap' already"),
        (lambda: hats.move([], "Cap"), "No image is chosen"),
        (lambda: hats.remove([]), "No image is chosen"),
        (lambda: other.move(images[:1], "Cap"), "of another dataset"),
        (lambda: hats.add("Nowhere", [("a.png", png(9))]), "There is no class 'Nowhere'"),
        (lambda: hats.delete_class("Nowhere"), "There is no class"),
        (lambda: hats.rename_class("Nowhere", "X"), "There is no class"),
        (lambda: hats.rename_class("Cap", "Cap"), "called 'Cap' already"),
    ):
        with pytest.raises(NotChanged, match=message):
            what()
    assert state(hats) == BEFORE
    (hats.path / "Cap" / "1.png").unlink()
    with pytest.raises(NotChanged, match=r"'1\.png' is no longer there: it was changed in another window"):
        hats.remove(images[:3])
    assert state(hats)["Cap"] == ["0.png", "2.png"], "the first was put back"


def test_a_dataset_that_was_deleted_meanwhile_is_a_sentence(hats):
    own_datasets.delete("Hats")
    for what in (lambda: hats.add_class("A"), hats.listing, lambda: hats.delete_class("Cap"), hats.undo):
        with pytest.raises(UnusableFolder, match=r"no longer here"):
            what()
    assert not hats.path.exists()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fills_is_a_sentence_and_nothing_is_changed(hats, monkeypatch, error):
    before, write, number = files_in(hats), Path.write_bytes, iter(range(10))

    def fills(self, content):
        if next(number) == 2:
            write(self, content[:10])
            raise OSError(error, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", fills)
    with pytest.raises(disk.NotWritten) as caught:
        hats.add("Cap", [(f"{n}.png", png(n)) for n in range(40, 44)])
    sentence = str(caught.value)
    assert ("the disk is full: free some space" in sentence) == (error == errno.ENOSPC)
    assert sentence.endswith("Nothing was changed.")
    assert files_in(hats) == before and state(hats) == BEFORE


def test_work_that_is_ended_midway_leaves_nothing(hats):
    before = files_in(hats)

    def files():
        yield "a.png", png(50)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hats.add("Cap", files())
    assert files_in(hats) == before and state(hats) == BEFORE


def test_several_visitors_can_change_a_dataset_at_the_same_time(hats):
    def add(first: int) -> None:
        for number in range(first, first + 5):
            OwnDataset(hats.path).add("Cap", [("same name.png", png(number))])

    threads = [threading.Thread(target=add, args=(first,)) for first in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state(hats)["Cap"]) == 18 and len(hats.changes()) == 4 + 15


# ---------------------------------------------------------------- names of classes and datasets


@pytest.mark.parametrize(
    "name",
    [
        *("T-shirt/top", "..", ".", "...", ".hidden", "a\\b", "CON", "nul.txt", "50%", "%2F", "a:b*c?", "__MACOSX"),
        *("Thumbs.db", "ends.", "裤子", "שמלה", "👩🏽‍🚀", "нос", "a b", "é", "x" * 80, "'\"<>|"),
    ],
)
def test_a_class_can_have_any_name(hats, name):
    hats.add_class(name)
    assert name in hats.classes()
    assert hats.add(name, [("1.png", png(60))]).added == {name: 1}
    (folder,) = {path.name for path in hats.path.iterdir()} - {".bin", ".index.jsonl", "Cap", "Top hat"}
    assert names.from_folder(folder) == name and folder[0] != "." and "/" not in folder and folder[-1] not in ". "


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "has no name"),
        (" \n ", "has no name"),
        ("a\0b", "control character"),
        ("a\x1bb", "control character"),
        ("\u200b", "cannot be seen"),
        ("x" * 81, "too long"),
        ("裤" * 81, "too long"),
        ("/" * 81, "too long"),
        ("🎩" * 70, "too long"),
        ("caf\udce9", "control character"),
    ],
)
def test_names_that_cannot_be_are_refused_with_a_sentence(hats, name, said):
    for refuse in (lambda: hats.add_class(name), lambda: hats.rename_class("Cap", name)):
        with pytest.raises(BadName, match=said) as caught:
            refuse()
        assert str(caught.value).encode() and str(caught.value).endswith(".")
    with pytest.raises(BadName, match=said):
        own_datasets.create(name)
    assert state(hats) == BEFORE


@pytest.mark.parametrize("twin", ["cap", "CAP", " Cap ", "Cap"])
def test_equal_names_are_refused(hats, twin):
    with pytest.raises(NotChanged, match="There is a class called 'Cap' already"):
        hats.add_class(twin)
    with pytest.raises(NotChanged, match="There is a class called 'Cap' already"):
        hats.rename_class("Top hat", twin)


def test_names_that_differ_in_their_encoding_alone_are_equal(hats):
    hats.add_class("Bérêt")
    with pytest.raises(NotChanged, match="There is a class called 'Bérêt' already"):
        hats.add_class("BE\u0301RE\u0302T")


def test_classes_are_in_the_order_of_the_alphabet_and_at_most_200(hats):
    for name in ("b", "A", "c"):
        hats.add_class(name)
    assert hats.classes() == ("A", "b", "c", "Cap", "Top hat")
    for number in range(195):
        (hats.path / f"n{number}").mkdir()
    with pytest.raises(NotChanged, match="200 classes already"):
        hats.add_class("one more")


def test_datasets_are_made_listed_renamed_and_deleted(hats):
    other = own_datasets.create("a/b 🎩")
    assert own_datasets.listed() == ["a/b 🎩", "Hats"] and other.name == "a/b 🎩"
    assert own_datasets.reference(own_datasets.get("a/b 🎩")) == "a/b 🎩"
    renamed = own_datasets.rename("a/b 🎩", "Zebra")
    assert own_datasets.listed() == ["Hats", "Zebra"] and renamed.name == "Zebra"
    assert own_datasets.rename("Zebra", "ZEBRA").name == "ZEBRA"
    gone = own_datasets.delete("Hats")
    assert own_datasets.listed() == ["ZEBRA"] and [one.name for one in own_datasets.deleted()] == ["Hats"]
    assert gone.path.is_dir()
    assert state(own_datasets.restore("Hats")) == BEFORE and own_datasets.deleted() == []


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "/etc", "~/x", "\\\\server"])
def test_a_dataset_cannot_be_called_like_another_or_a_path(name):
    with pytest.raises(NotChanged, match="cannot be called"):
        own_datasets.create(name)


def test_datasets_of_one_name_are_refused(hats):
    for refuse in (lambda: own_datasets.create("HATS"), lambda: own_datasets.create(" Hats ")):
        with pytest.raises(NotChanged, match="There is a dataset called 'Hats' already"):
            refuse()
    own_datasets.delete("Hats")
    own_datasets.create("hats")
    with pytest.raises(NotChanged, match="There is a dataset called 'hats' already"):
        own_datasets.restore("Hats")
    own_datasets.delete("hats")
    assert state(own_datasets.restore("Hats")) == BEFORE
    with pytest.raises(NotChanged, match="no longer in the bin"):
        own_datasets.restore("Hats")


def test_the_bin_is_emptied_of_what_is_old(hats, monkeypatch):
    own_datasets.delete("Hats")
    now = own_datasets.time.time()
    monkeypatch.setattr(own_datasets.time, "time", lambda: now + 29 * 24 * 3600)
    own_datasets.purge()
    assert len(own_datasets.deleted()) == 1
    monkeypatch.setattr(own_datasets.time, "time", lambda: now + 31 * 24 * 3600)
    own_datasets.purge()
    assert own_datasets.deleted() == []


def test_a_folder_elsewhere_is_not_changed(tmp_path):
    (tmp_path / "elsewhere" / "a").mkdir(parents=True)
    assert not hasattr(own_datasets.get(tmp_path / "elsewhere"), "add_class")
    with pytest.raises(UnusableFolder, match="is not in the datasets folder, so it is not changed here"):
        own_datasets.own(str(tmp_path / "elsewhere"))
    with pytest.raises(UnusableFolder, match="There is no dataset 'Nothing'"):
        own_datasets.own("Nothing")


def test_the_folder_can_be_chosen(hats, tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_DATASETS", str(tmp_path / "chosen"))
    assert own_datasets.root() == tmp_path / "chosen" and own_datasets.listed() == []
    own_datasets.create("A")
    assert (tmp_path / "chosen" / "A").is_dir()


# ---------------------------------------------------------------- thumbnails


def test_thumbnails_are_small_and_made_once(hats, monkeypatch):
    hats.add("Cap", [("wide.jpg", encoded(pixels(1, 400)[:200], "JPEG"))])
    image = next(image for image in hats.listing().images if image.name == "wide.jpg")
    made = own_datasets.thumbnail(hats, image)
    (hats.path / "thumb.webp").write_bytes(made)
    with Image.open(hats.path / "thumb.webp") as opened:
        assert opened.size == (96, 48) and opened.format == "WEBP"
    monkeypatch.setattr(image_folders, "open_image", lambda source: pytest.fail("decoded again"))
    assert own_datasets.thumbnail(hats, image) == made
    hats.move([image], "Top hat")
    moved = next(image for image in hats.listing().images if image.name == "wide.jpg")
    assert own_datasets.thumbnail(hats, moved) == made


def test_dataset_names_are_said_as_they_are(hats):
    said = dataset_editing._said("added", {f"c{n}": n + 1 for n in range(7)})
    assert said == "1 image was added to c0, 2 to c1, 3 to c2, 4 to c3, 3 other classes."
