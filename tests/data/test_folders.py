"""Which class a folder of labelled images means, what is refused, and how the files in it are counted."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from cnn.config import CLASS_NAMES
from cnn.data import folders, mixture
from cnn.data.folders import (
    COPY,
    HELD,
    USED,
    Account,
    NoPictures,
    WrongFolders,
    class_of,
    headline,
    is_held_out,
    labelled_files,
    lines,
    right_name,
)


def put(path: Path, content: bytes = b"anything") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


SPELLINGS = {
    0: ["T-shirt", "T-shirt_top", "Tshirt", "tshirt/top", "t shirt", "T_SHIRT", "T-Shirts", "tops", "T‑shirt – top"],
    1: ["Trouser", "trousers", "TROUSERS"],
    2: ["Pullover", "pull-over", "Pullovers"],
    3: ["Dress", "dresses"],
    4: ["Coat", "coats"],
    5: ["Sandal", "sandals"],
    6: ["Shirt", "shirts"],
    7: ["Sneaker", "sneakers"],
    8: ["Bag", "bags"],
    9: ["Ankle boot", "Ankle_boots", "ankle-boot", "AnkleBoot", "ANKLE  BOOTS"],
}


@pytest.mark.parametrize("label", SPELLINGS)
def test_a_class_is_known_in_every_spelling_with_its_number_and_without(label):
    for name in (*SPELLINGS[label], CLASS_NAMES[label]):
        for form in ("{0}_{1}", "{0} {1}", "{0}-{1}", "{0}{1}", "0{0}_{1}", " {0} . {1} ", "{1}"):
            assert class_of(form.format(label, name)) == label, (form, name)


@pytest.mark.parametrize("label", range(10))
def test_a_number_with_the_name_of_another_class_is_refused(label):
    for other in range(11):
        for name in SPELLINGS[label]:
            if other != label:
                with pytest.raises(ValueError, match=rf"call it {right_name(label)}$"):
                    class_of(f"{other}_{name}")


@pytest.mark.parametrize("name", ["5_Boot", "0_Trowser", "8_handbag", "3_Dress - Copy", "6_T", "7 1"])
def test_a_number_with_a_name_of_no_class_is_refused(name):
    with pytest.raises(ValueError, match=f"{name[0]} is {CLASS_NAMES[int(name[0])]}: call it {name[0]}_"):
        class_of(name)


@pytest.mark.parametrize(
    "name", ["other", "5", "5_", "10_more", "2024 holiday", "Boot", "T", "-", "²", "x\udce9", "a\nb"]
)
def test_other_names_mean_no_class(name):
    assert class_of(name) is None


def test_labelled_files_are_those_in_folders_of_classes_in_order(tmp_path):
    for place in ("8_Bag/b.png", "8_Bag/a.png", "0_T-shirt/z.png", "Coat/c", "other/x.png", "10_more/x.png", "5/x.png"):
        put(tmp_path / place)
    for place in (
        "loose.png",
        "1_Trouser.png",
        ".DS_Store",
        "8_Bag/Thumbs.db",
        "8_Bag/._a.png",
        ".hidden/x",
        "__MACOSX/x",
    ):
        put(tmp_path / place)
    (tmp_path / "3_Dress").mkdir()
    put(tmp_path / "8_Bag" / "deeper" / "c.png")
    assert [(str(file.relative_to(tmp_path)), label) for file, label in labelled_files(tmp_path)] == [
        ("0_T-shirt/z.png", 0),
        ("8_Bag/a.png", 8),
        ("8_Bag/b.png", 8),
        ("Coat/c", 4),
    ]
    over = [str(path.relative_to(tmp_path)) for path in folders.search([tmp_path]).passed_over]
    assert over == ["10_more", "1_Trouser.png", "5", "8_Bag/deeper", "loose.png", "other"]
    assert mixture.labelled_files is labelled_files


@pytest.mark.parametrize("kind", ["missing", "empty", "empty subfolders", "a file", "other classes"])
def test_a_folder_without_pictures_is_refused_in_one_sentence(kind, tmp_path):
    folder = tmp_path / "mine"
    match kind:
        case "empty":
            folder.mkdir()
        case "empty subfolders":
            (folder / "0_T-shirt").mkdir(parents=True)
        case "a file":
            folder.write_text("no folder")
        case "other classes":
            put(folder / "hat" / "a.png")
    for refuse in (labelled_files, lambda folder: mixture.read_own([folder], lambda text: None)):
        with pytest.raises(NoPictures) as caught:
            refuse(folder)
        sentence = str(caught.value)
        assert str(folder) in sentence and "0_T-shirt, 1_Trouser and so on" in sentence
        assert sentence.endswith(".") and ". " not in sentence and "\n" not in sentence
        assert ("(it has hat)" in sentence) == (kind == "other classes")


def test_all_wrong_folders_are_named_at_once_with_their_right_names(tmp_path):
    for name in ("0_Ankle boot", "8_T-shirt", "9_Trouser", "5_Boot", "4_Coat"):
        put(tmp_path / name / "a.png")
    with pytest.raises(WrongFolders) as caught:
        labelled_files(tmp_path)
    first, *others = str(caught.value).splitlines()
    assert first.endswith("nothing was trained. Rename and start again:")
    assert [line.rsplit("/", 1)[1] for line in others if "top" not in line] == [
        "5_Boot: 5 is Sandal: call it 5_Sandal if it holds those",
        "8_T-shirt: 8 is Bag: call it 0_T-shirt",
        "9_Trouser: 9 is Ankle boot: call it 1_Trouser",
    ]
    assert others[0] == f"  {tmp_path}/0_Ankle boot: 0 is T-shirt/top: call it 9_Ankle_boot" and len(others) == 4


def test_one_picture_in_five_is_held_out_by_its_name():
    held_out = [is_held_out(Path(f"{number}.png")) for number in range(2000)]
    assert np.mean(held_out) == pytest.approx(1 / folders.HELD_OUT, abs=0.03) and folders.HELD_OUT == 5
    assert [is_held_out(Path("here") / f"{n}.png") for n in range(2000)] == held_out, "wherever it lies"
    digest = int(hashlib.sha256(b"shirt.png").hexdigest(), 16)
    assert is_held_out(Path("shirt.png")) == (digest % 5 == 0), "in every process and on every machine"
    assert is_held_out(Path(os.fsdecode(b"caf\xe9.png"))) in (True, False), "a name that is no text has bytes"


def test_contents_are_compared_only_where_sizes_are_equal(tmp_path, monkeypatch):
    files = [put(tmp_path / str(n), content) for n, content in enumerate((b"ab", b"cd", b"ab", b"long", b""))]
    one, other, again, *single = folders.contents(files)
    assert one == again != other and len({one, other, *single}) == 4
    monkeypatch.setattr(folders, "_checksum", lambda file: pytest.fail("read for nothing"))
    folders.contents(files[2:])


def test_what_became_of_every_file_is_counted_and_said(tmp_path):
    bags, boots = tmp_path / "8_Bag", tmp_path / "9_Ankle\nboot"
    reason = "HEIC cannot be read."
    files = [(bags / f"{n}.jpg", 8, fate) for n, fate in enumerate((USED, COPY, HELD, reason, reason, reason, reason))]
    account = Account([*files, (boots / "x", 9, USED)], [*"aabcccc", "a"], [tmp_path / "hats"]).values()
    assert [account[kind] for kind in ("found", "used", "held_out", "copies", "unreadable")] == [8, 2, 1, 1, 4]
    assert account["folders"][1] == {
        "folder": f"{tmp_path}/9_Ankle\\nboot",
        "class": "Ankle boot",
        "found": 1,
        "used": 1,
        "held_out": 0,
        "copies": 0,
        "unreadable": 0,
    }
    assert lines(account) == [
        "2 of 8 own images used: 4 could not be read, 1 is held out for measuring, 1 is a copy of another.",
        f"  {bags}: 1 of 7 as Bag",
        f"  {tmp_path}/9_Ankle\\nboot: 1 of 1 as Ankle boot",
        f"  Not read: {bags}/3.jpg, {bags}/4.jpg, {bags}/5.jpg and 1 more. {reason}",
        "  The same image is in folders of different classes, and is used for each: "
        f"{bags}/0.jpg, {bags}/1.jpg, {tmp_path}/9_Ankle\\nboot/x",
        f"  Passed over, because they are of no class: {tmp_path}/hats",
    ]
    assert headline(Account([(bags / "a", 8, USED)], ["a"], []).values()) == "1 of 1 own images used."
