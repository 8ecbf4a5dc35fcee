"""What processes say, and how their work ends."""

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from PIL import Image

from cnn import evaluate, predict, runs, sweep, train
from cnn.config import presets
from cnn.errors import CannotGoOn
from cnn.runs import worker


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CannotGoOn("Go on with a lower rate."), "Go on with a lower rate."),
        (runs.RunExists("It trains already."), "It trains already."),  # an OSError, but one for people
        (
            OSError(errno.ENOSPC, "No space"),
            "The disk is full: free some space for {above}, then resume. Nothing is lost.",
        ),
        (OSError(errno.EROFS, "Read-only"), "{folder} cannot be written (Read-only): allow it, then resume."),
        (OSError(errno.EACCES, "Denied", "/runs/file"), "/runs cannot be written (Denied): allow it, then resume."),
    ],
)
def test_trouble_that_is_no_bug_is_a_sentence(error, sentence, tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    assert worker.failure(error, folder, "the training") == sentence.format(folder=folder, above=tmp_path)
    assert capsys.readouterr().err == ""


def test_a_folder_that_is_gone_ends_the_work(tmp_path, capsys):
    gone = tmp_path / "gone"
    found = worker.failure(FileNotFoundError(errno.ENOENT, "missing"), gone, "the sweep")
    assert (found, capsys.readouterr().err) == (f"The folder {gone} was deleted, and the sweep has ended.", "")


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), OSError(errno.EIO, "Input/output error")], ids=str)
def test_a_bug_has_its_traceback_in_the_log(error, tmp_path, capsys):
    try:
        raise error
    except Exception as raised:
        found = worker.failure(raised, tmp_path, "the training")
    assert found == f"{type(error).__name__}: {error}"
    assert "Traceback" in capsys.readouterr().err


def test_where_nothing_can_be_printed_the_work_goes_on(monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space")

    monkeypatch.setattr("builtins.print", full)
    worker.say("words")
    worker.complain("cnn.train", "words")


@pytest.mark.parametrize("full", [False, True], ids=["space", "full disk"])
def test_the_last_status_is_written_even_on_a_full_disk(full, monkeypatch):
    run = runs.create(presets()["tiny"])
    runs.write_status(run.path, runs.signed(run.status, "training"))

    def refuse(*arguments):
        raise OSError(errno.ENOSPC, "No space")

    if full:
        monkeypatch.setattr(worker, "write_status", refuse)
    worker.close(run.path, runs.read(run.path).status, "failed", "The disk is full.")
    status = runs.read(run.path).status
    assert (status.state, status.message, status.pid) == ("failed", "The disk is full.", None)


def test_a_status_whose_folder_is_gone_is_given_up():
    run = runs.create(presets()["tiny"])
    shutil.rmtree(run.path)
    worker.close(run.path, run.status, "stopped", "")
    assert not run.path.exists()


@pytest.mark.parametrize("command", [train, predict, evaluate, sweep], ids=lambda module: module.__name__)
def test_commands_print_what_the_encoding_of_the_terminal_lacks(command, monkeypatch):
    printed = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(SystemExit) if command is not sweep else nullcontext():
        command.main(["--no-such-option", "--another"])
    print("Größe 38 – 裤子.jpg", flush=True)
    assert printed.buffer.getvalue().decode("cp1252").rstrip() == r"Größe 38 – \u88e4\u5b50.jpg"


NAMES = [
    b"caf\xe9.png",
    "Größe – 裤子.png".encode(),
    "🥾👨‍👩‍👧.png".encode(),
    b"two\nlines.png",
    b"\x1b[31mred.png",
    b"-1.png",
    b"-h.png",
    b"--jso.png",
    "\u2028\x85.png".encode(),
    b"\"quoted'.png",
    b" .png",
    b"missing\xff\n.png",
]


@pytest.fixture
def strange_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files of all names but the last, in the current folder."""
    picture = Image.new("RGB", (60, 60), "white")
    picture.paste("#c02020", (20, 10, 40, 50))
    monkeypatch.chdir(tmp_path)
    for name in map(os.fsdecode, NAMES[:-1]):
        picture.save(Path(name), "PNG")
    return list(map(os.fsdecode, NAMES))


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["words", "json"])
def test_every_file_gets_one_line_whatever_its_name(encoding, options, strange_names, own_tiny, monkeypatch, capfd):
    printed = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", printed)
    assert predict.main(["--run", own_tiny.id, *options, *strange_names]) == 1
    lines = printed.buffer.getvalue().decode(encoding).splitlines()
    assert len(lines) == len(NAMES)
    if options:
        assert [json.loads(line)["file"] for line in lines] == strange_names
        assert ["error" in json.loads(line) for line in lines] == [False] * (len(NAMES) - 1) + [True]
    else:
        assert all(line.isprintable() or encoding == "utf-8" for line in lines)
        assert lines[0].startswith(r"caf\udce9.png: ") and lines[3].startswith(r"two\nlines.png: ")
        assert lines[4].startswith(r"\x1b[31mred.png: ") and lines[6].startswith("-h.png: ")


@pytest.mark.slow
def test_a_process_without_a_locale_answers_for_names_that_its_terminal_lacks(tmp_path):
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "cp1252"}
    names = ["Größe – 裤子.jpg".encode(), "🥾.png".encode(), b"caf\xe9\n.png"]
    done = subprocess.run(
        [sys.executable, "-m", "cnn.predict", *names],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    lines = done.stdout.decode("cp1252").splitlines()
    assert len(lines) == 3 and lines[2].startswith(r"caf\udce9\n.png: caf\udce9\n.png could not be opened")


def test_a_file_named_like_an_option_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("-1.png").touch()
    given = ["--run", "-1.png", "-2.png", "--", "a", "-" + "x" * 300]
    assert worker.with_dashes(given) == ["--run", "./-1.png", *given[2:]]
    monkeypatch.setattr(sys, "argv", ["command", "-1.png"])
    assert worker.with_dashes(None) == ["./-1.png"]
