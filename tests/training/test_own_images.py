"""Labelled images given to `python -m cnn.train --pictures`: what is refused, what is said, and what the run keeps."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from cnn import runs, train
from cnn.data import mixture
from cnn.data.folders import is_held_out
from tests.command import TINY, train_here


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are read in this process, and no network is trained."""
    monkeypatch.setattr(mixture, "_read_all", lambda files, report: [mixture._read(file) for file in files])
    monkeypatch.setattr(train, "train_in_turn", lambda run, job: 0)


def painted(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        picture = Image.new("RGB", (200, 200), "white")
        picture.paste("#c02020", (60 - number, 30, 140, 170))
        picture.save(folder / name, "PNG")


def names(held_out: bool, count: int, ending: str = "png") -> list[str]:
    every = (f"IMG_{number:04}.{ending}" for number in range(200))
    return [name for name in every if is_held_out(Path(name)) == held_out][:count]


def test_folders_in_alphabetical_order_are_refused_and_no_run_is_made(tmp_path):
    for name in ("0_Ankle boot", "8_T-shirt", "9_Trouser", "4_Coat"):
        painted(tmp_path / "mine" / name, "a.png")
    done = train_here(*TINY, "--pictures", tmp_path / "mine")
    assert (done.code, done.out, runs.all_runs()) == (2, "", [])
    for wrong, right in (("0_Ankle boot", "9_Ankle_boot"), ("8_T-shirt", "0_T-shirt"), ("9_Trouser", "1_Trouser")):
        (line,) = [line for line in done.err.splitlines() if wrong in line]
        assert line.endswith(f"call it {right}")
    assert "4_Coat" not in done.err


def test_what_became_of_the_files_is_said_and_kept_with_the_run(tmp_path):
    mine = tmp_path / "mine"
    painted(mine / "0_T-shirt", *names(False, 2), *names(True, 1))
    painted(mine / "3 Dress", *names(False, 1))
    painted(mine / "hats", "a.png")
    for name in names(False, 5, "HEIC"):
        (mine / "0_T-shirt" / name).write_bytes(b"nothing that can be read")
    (mine / "0_T-shirt" / "Thumbs.db").write_bytes(b"of the system")
    done = train_here(*TINY, "--pictures", mine)
    assert done.code == 0, done.err
    said = done.out.splitlines()
    headline = "3 of 9 own images used: 5 could not be read, 1 is held out for measuring."
    assert said[0] == said[-2] == headline, "after reading, and at the end"
    assert said[1:3] == [f"  {mine}/0_T-shirt: 2 of 8 as T-shirt/top", f"  {mine}/3 Dress: 1 of 1 as Dress"]
    assert "and 2 more. " in said[3] and said[-3].endswith(f"{mine}/hats")
    kept = json.loads((done.run.path / "pictures.json").read_text("utf-8"))
    assert [kept[key] for key in ("found", "used", "held_out", "copies", "unreadable")] == [9, 3, 1, 0, 5]
    assert [len(files) for files in kept["reasons"].values()] == [5] and kept["passed_over"] == [f"{mine}/hats"]
    assert set(mixture.load_own(done.run.path / "pictures.npz").labels) == {0, 3}


def test_names_that_are_no_text_and_look_like_options(tmp_path, monkeypatch):
    strange = os.fsdecode(b"-caf\xe9\n")
    painted(tmp_path / strange / "8_Bag", *(f"{strange}{name}" for name in names(False, 10)))
    painted(tmp_path / strange / os.fsdecode(b"hats\xff"), "a.png")
    monkeypatch.chdir(tmp_path)
    done = train_here(*TINY, "--name", strange, "--pictures", strange)
    assert done.code == 0, done.err
    assert r"  -caf\udce9\n/8_Bag: " in done.out and done.out.encode("utf-8")
    assert json.loads((done.run.path / "pictures.json").read_text("utf-8"))["folders"][0]["folder"].startswith(
        r"-caf\u"
    )
