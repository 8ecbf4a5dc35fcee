"""Datasets go out as ZIP files and come in again; hostile and foreign archives are refused or said."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from cnn.data import own_datasets, zips
from cnn.data.dataset_editing import Added, OwnDataset
from cnn.data.zips import UnusableArchive, export_zip, import_zip
from cnn.disk import NotWritten
from tests.data.folders_of_images import png
from tests.data.test_dataset_editing import files_in, state


@pytest.fixture
def dataset() -> OwnDataset:
    return own_datasets.create("Things")


def archive(files: dict[str, bytes], **options) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **options) as written:
        for name, content in files.items():
            written.writestr(name, content)
    return made


def images(*names: str, first: int = 0) -> dict[str, bytes]:
    return {name: png(first + number) for number, name in enumerate(names)}


def imported(dataset: OwnDataset, files: dict[str, bytes], **options) -> Added:
    return import_zip(dataset, archive(files, **options))


def test_folders_of_an_archive_become_classes(dataset):
    added = imported(dataset, images("Boot/a.png", "Boot/b.png", "裤子 👖/c.png"))
    assert added.added == {"Boot": 2, "裤子 👖": 1} and not added.skipped
    assert state(dataset) == {"Boot": ["a.png", "b.png"], "裤子 👖": ["c.png"]}
    assert (dataset.path / "Boot" / "a.png").read_bytes() == png(0)
    dataset.undo()
    assert state(dataset) == {}, "all at once"


@pytest.mark.parametrize("top", ["", "my photos/", "./", "x\\"])
def test_all_folders_may_be_in_one(dataset, top):
    files = images(f"{top}Boot/a.png", f"{top}Bag/b.png")
    assert imported(dataset, files).added == {"Boot": 1, "Bag": 1}


def test_an_archive_of_one_class_is_one_class(dataset):
    assert imported(dataset, images("Boot/a.png", "Boot/b.png")).added == {"Boot": 2}


def test_classes_that_there_are_are_filled(dataset):
    dataset.add_class("boot")
    dataset.add("boot", [("a.png", png(0))])
    added = imported(dataset, images("BOOT/a.png", "BOOT/b.png", "Boot/a.png"))
    assert added.added == {"boot": 2} and added.skipped == {
        "The same image is there already.": ["BOOT/a.png (as boot/a.png)"]
    }
    assert state(dataset) == {"boot": ["a (2).png", "a.png", "b.png"]}
    dataset.undo()
    assert state(dataset) == {"boot": ["a.png"]}


def test_what_systems_add_is_passed_over_silently(dataset):
    files = images("Boot/a.png", "__MACOSX/Boot/._a.png", "Boot/.DS_Store", "Boot/Thumbs.db", "desktop.ini", ".git/x")
    assert imported(dataset, files) == Added({"Boot": 1}, {}, dataset.changes()[0])


def test_what_is_no_image_of_a_class_is_said(dataset):
    files = {
        **images("Boot/a.png", "b.png", "Boot/deeper/c.png", "Bag/d.png"),
        "Boot/notes.txt": b"no image",
        "Boot/more.zip": archive(images("Boot/x.png")).getvalue(),
        "Boot/hidden.png": archive(images("Boot/x.png")).getvalue(),
    }
    added = imported(dataset, files)
    assert added.added == {"Boot": 1, "Bag": 1}
    said = {name: reason for reason, names in added.skipped.items() for name in names}
    assert said["b.png"] == "A file that lies in no folder of a class is passed over."
    assert said["Boot/deeper/c.png"] == "A file that lies deeper than in a class's folder is passed over."
    assert "archive within the archive" in said["Boot/more.zip"]
    assert {"Boot/notes.txt", "Boot/hidden.png"} <= set(said) and len(said) == 5
    assert len(added.lines()) == 2 + len(added.skipped)


@pytest.mark.parametrize(
    "path",
    [
        *("../Boot/a.png", "Boot/../../a.png", "/Boot/a.png", "/etc/cron.d/a.png", "C:/Boot/a.png", "C:\\Boot\\a.png"),
        *("..\\Boot\\a.png", "Boot/..\\..\\..\\a.png", "\\\\server\\Boot\\a.png", "c:a/b.png"),
    ],
)
def test_paths_that_climb_out_are_said_and_nothing_is_written_elsewhere(dataset, tmp_path, path):
    before = set(tmp_path.rglob("*"))
    added = imported(dataset, images("Bag/fine.png", "Boot/fine.png", path))
    assert added.added == {"Bag": 1, "Boot": 1}
    assert list(added.skipped) == ["Its path leads out of the archive."]
    assert {file.name for file in set(tmp_path.rglob("*")) - before if file.suffix == ".png"} == {"fine.png"}


@pytest.mark.parametrize(
    ("kind", "said"), [(stat.S_IFLNK, "A link is not followed."), (stat.S_IFIFO, "It is no ordinary file.")]
)
def test_links_and_special_files_are_not_made(dataset, kind, said):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as written:
        written.writestr("Boot/a.png", png(0))
        entry = zipfile.ZipInfo("Boot/link.png")
        entry.external_attr = (kind | 0o777) << 16
        written.writestr(entry, b"/etc/passwd")
    assert import_zip(dataset, made).skipped == {said: ["Boot/link.png"]}
    assert files_in(dataset) >= {"Boot/a.png"} and not (dataset.path / "Boot" / "link.png").exists()


def changed_header(made: io.BytesIO, name: bytes, offset: int, value: bytes) -> io.BytesIO:
    """The archive with a field of a file's entry in the table of contents changed."""
    content = bytearray(made.getvalue())
    at = content.rindex(name) - 46 + offset
    content[at : at + len(value)] = value
    return io.BytesIO(bytes(content))


def test_a_file_with_a_password_is_said(dataset):
    made = changed_header(archive(images("Boot/a.png", "Boot/b.png")), b"Boot/b.png", 8, b"\1\0")
    assert import_zip(dataset, made).skipped == {"It is locked with a password: unpack it yourself.": ["Boot/b.png"]}


def test_a_damaged_file_and_an_unknown_packing_are_said(dataset):
    made = changed_header(archive(images("Boot/a.png", "Boot/b.png")), b"Boot/b.png", 16, b"\0\0\0\0")
    assert import_zip(dataset, made).skipped == {"The archive is damaged here: make it again.": ["Boot/b.png"]}
    made = changed_header(archive(images("Bag/c.png", "Bag/d.png", first=5)), b"Bag/d.png", 10, b"\x63\0")
    assert list(import_zip(dataset, made).skipped) == [
        "It is packed in a way that cannot be read: make the archive again."
    ]


def test_a_bomb_is_refused_before_anything_is_unpacked(dataset, monkeypatch):
    before = files_in(dataset)
    zeros = {f"Boot/{n}.png": bytes(30_000_000) for n in range(4)}
    made = archive(zeros, compression=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(zips, "_read", lambda *arguments: pytest.fail("unpacked"))
    with pytest.raises(UnusableArchive, match=r"would unpack to 1,0\d\d times its size.*may be a ZIP bomb"):
        import_zip(dataset, made)
    assert files_in(dataset) == before


def test_files_that_overlap_are_refused(dataset):
    made = archive(images("Boot/a.png", "Boot/b.png"))
    with zipfile.ZipFile(made) as read:
        first = read.infolist()[0].header_offset
    with pytest.raises(UnusableArchive, match="overlap"):
        import_zip(dataset, changed_header(made, b"Boot/b.png", 42, struct.pack("<I", first)))
    assert state(dataset) == {}


def test_an_archive_that_would_be_too_large_is_refused(dataset, monkeypatch):
    monkeypatch.setattr(zips, "MAX_UNPACKED", 1_000)
    with pytest.raises(UnusableArchive, match="divide it into several"):
        imported(dataset, images(*(f"Boot/{n}.png" for n in range(5))))
    monkeypatch.setattr(zips, "MAX_FILES", 4)
    with pytest.raises(UnusableArchive, match="more than 4 files"):
        imported(dataset, images(*(f"Boot/{n}.png" for n in range(5))))
    assert state(dataset) == {}


def test_a_file_that_is_larger_than_it_says_is_read_no_further(dataset):
    """Its entry says 10 bytes."""
    made = archive({**images("Boot/a.png"), "Boot/b.png": bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    made = changed_header(made, b"Boot/b.png", 24, struct.pack("<I", 10))
    assert import_zip(dataset, made).added == {"Boot": 1}


def test_a_file_larger_than_an_image_may_be_is_said(dataset, monkeypatch):
    monkeypatch.setattr(zips, "MAX_BYTES", 3_000)
    added = imported(dataset, {**images("Boot/a.png"), "Boot/b.png": bytes(3_001)})
    assert list(added.skipped.values()) == [["Boot/b.png"]] and added.added == {"Boot": 1}


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"no archive", b"PK\5\6" + bytes(18), archive({}).getvalue()[:10], png(0)],
    ids=["empty", "short", "text", "of nothing", "cut", "an image"],
)
def test_what_is_no_archive_is_a_sentence(dataset, tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    for source in (io.BytesIO(content), tmp_path / "a.zip", str(tmp_path / "a.zip")):
        with pytest.raises(UnusableArchive) as caught:
            import_zip(dataset, source)
        assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    with pytest.raises(UnusableArchive, match="cannot be read"):
        import_zip(dataset, tmp_path / "nothing.zip")


def test_an_archive_without_classes_says_how_it_must_look(dataset):
    with pytest.raises(
        UnusableArchive, match=r"must have a folder for each class.*a\.png: A file that lies in no folder"
    ):
        imported(dataset, images("a.png", "b.png"))


def test_class_names_that_cannot_be_are_said(dataset):
    added = imported(dataset, images("Boot/a.png", "x" * 90 + "/b.png", "\u200b/c.png"))
    assert added.added == {"Boot": 1} and len(added.skipped) == 2


def test_more_than_200_classes_are_said(dataset):
    added = imported(dataset, images(*(f"c{n}/a.png" for n in range(203))))
    assert len(added.added) == 200 and added.skipped.keys() == {"A dataset has at most 200 classes."}


def test_names_without_a_word_on_their_encoding_are_utf_8(dataset):
    made = changed_header(archive(images("Ärmel/a.png")), "Ärmel/a.png".encode(), 8, b"\0\0")
    content = bytearray(made.getvalue())
    content[6:8] = b"\0\0"
    assert import_zip(dataset, io.BytesIO(bytes(content))).added == {"Ärmel": 1}


def test_an_import_that_is_ended_midway_changes_nothing(dataset):
    before = files_in(dataset)

    def stop(done, of):
        assert of == 5
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_zip(dataset, archive(images(*(f"Boot/{n}.png" for n in range(5)))), stop)
    assert files_in(dataset) == before and state(dataset) == {}


def test_a_disk_that_fills_leaves_nothing(dataset, monkeypatch):
    before, write, number = files_in(dataset), Path.write_bytes, iter(range(100))

    def fills(self, content):
        if next(number) == 3:
            raise OSError(28, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", fills)
    with pytest.raises(NotWritten, match="the disk is full"):
        imported(dataset, images(*(f"Boot/{n}.png" for n in range(5))))
    assert files_in(dataset) == before


# ---------------------------------------------------------------- out, and in again


def test_an_exported_dataset_is_imported_as_an_equal_one(dataset, tmp_path):
    imported(dataset, images("Boot/a.png", "Boot/b.png", "裤子 👖/c.png"))
    dataset.add_class("T-shirt/top %")
    dataset.add("T-shirt/top %", [("帽子.png", png(9)), ("x.png", png(10))])
    (dataset.path / "Boot" / "broken.png").write_bytes(b"x")
    seen = []
    assert export_zip(dataset, tmp_path / "out.zip", lambda done, of: seen.append((done, of))) == 5
    assert seen == [(number, 5) for number in range(5)]
    with zipfile.ZipFile(tmp_path / "out.zip") as read:
        assert read.testzip() is None
        assert {name.split("/")[0] for name in read.namelist()} == {"Things"}
        assert "Things/裤子 👖/c.png" in read.namelist()
    again = own_datasets.create("Again")
    assert not import_zip(again, tmp_path / "out.zip").skipped
    for one, other in zip(dataset.listing().images, again.listing().images, strict=True):
        assert (one.class_name, one.name, one.content) == (other.class_name, other.name, other.content)
    stream = io.BytesIO()
    assert export_zip(dataset, stream) == 5 and zipfile.ZipFile(stream).testzip() is None


def test_an_archive_that_cannot_be_written_is_a_sentence(dataset, tmp_path, monkeypatch):
    imported(dataset, images("Boot/a.png", "Boot/b.png"))
    with pytest.raises(NotWritten, match="The archive cannot be written"):
        export_zip(dataset, tmp_path / "nowhere" / "out.zip")
    (tmp_path / "out.zip").write_bytes(b"before")
    monkeypatch.setattr(zipfile.ZipFile, "writestr", lambda *arguments: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(NotWritten, match="the disk is full"):
        export_zip(dataset, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == b"before" and not list(tmp_path.glob(".[0-9]*"))
