"""What processes say, and how their work ends."""

import errno
import io
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

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


def test_a_prediction_of_a_file_whose_name_the_terminal_lacks():
    names = ["Größe – 裤子.jpg", "🥾.png"]
    done = subprocess.run(
        [sys.executable, "-m", "cnn.predict", *names],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    first, second = done.stdout.decode("cp1252").splitlines()
    assert first.startswith(r"Größe – \u88e4\u5b50.jpg: ") and second.startswith(r"\U0001f97e.png: ")
