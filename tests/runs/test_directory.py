"""The run directory: made, read back, changed, and read when it is damaged or its trainer is dead."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cnn import runs
from cnn.config import RunConfig, presets
from cnn.runs import Run, RunExists, Status, UnknownRun, directory

CONFIG = presets()["tiny"]


def finished(name: str = "One") -> Run:
    """A run that looks finished; its model is a few bytes."""
    run = runs.create(CONFIG, name)
    (run.path / "model.keras").write_bytes(b"weights")
    runs.write_status(run.path, Status("finished", created=time.time(), heartbeat=time.time(), epoch=3, steps=5))
    return runs.read(run.path)


def in_state(**changes) -> Run:
    """A run whose status says that this process is training it, with some values replaced."""
    run = runs.create(CONFIG)
    runs.write_status(run.path, replace(runs.signed(run.status, "training"), **changes))
    return runs.read(run.path)


# ---------------------------------------------------------------- making and reading


def test_a_new_run_is_queued_and_reads_back(runs_folder):
    run = runs.create(CONFIG, "  My first\n network ")
    assert run.path.parent == runs_folder == runs.root()
    assert (run.name, run.state, run.active, run.config) == ("My first network", "queued", True, CONFIG)
    assert (run.progress, run.has_model, run.shipped, run.problem) == (0.0, False, False, None)
    assert run.id.endswith("-my-first-network")
    assert runs.get(run.id) == runs.find(str(run.path)) == runs.read(run.path) == run
    assert {file.name for file in run.path.iterdir()} == {"config.json", "label.json", "status.json"}


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("", "-tiny"),
        ("Ärmel & Co.", "-rmel-co"),
        ("../../etc/passwd", "-etc-passwd"),
        ("…", ""),
        ("x" * 500, "-" + "x" * 40),
    ],
)
def test_any_name_gives_an_id_that_can_be_found(name, ending):
    run = runs.create(CONFIG, name)
    assert run.id[15:] == ending
    assert runs.get(run.id) == run
    assert len(run.name) <= 80


def test_a_run_without_name_or_preset_is_called_run():
    assert runs.create(CONFIG.model_copy(update={"preset": None})).name == "run"


def test_runs_made_in_the_same_second_differ():
    made = [runs.create(CONFIG, "same") for _ in range(5)]
    assert len({run.id for run in made}) == 5
    assert {run.id for run in runs.all_runs()} == {run.id for run in made}


def test_all_runs_are_listed_newest_first(runs_folder):
    for run_id in ("20260101-000000-a", "20270101-000000-b", "20260601-000000-c"):
        (runs_folder / run_id).mkdir(parents=True)
    assert [run.id[:8] for run in runs.all_runs()] == ["20270101", "20260601", "20260101"]


def test_no_runs_folder_is_no_runs(runs_folder):
    assert not runs_folder.exists()
    assert runs.all_runs() == []


def test_other_things_in_the_runs_folder_are_not_runs(runs_folder, tmp_path):
    run = runs.create(CONFIG)
    (runs_folder / "notes.txt").write_text("mine")
    (runs_folder / "a-file").write_text("mine")
    (runs_folder / ".hidden").mkdir()
    (runs_folder / "Upper").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (runs_folder / "a-link").symlink_to(tmp_path / "elsewhere")
    assert [found.id for found in runs.all_runs()] == [run.id]


def test_progress_counts_epochs_and_the_steps_of_the_present_one():
    run = in_state(epoch=1, step=3, steps=6)
    assert run.progress == pytest.approx(1.5 / CONFIG.training.epochs)
    assert in_state(epoch=3, step=99, steps=6).progress == 1.0
    assert in_state(epoch=0, step=0, steps=0).progress == 0.0
    assert finished().progress == 1.0


def test_the_runs_folder_can_be_in_the_home_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CNN_RUNS", "~/my runs")
    assert runs.root() == tmp_path / "my runs"


# ---------------------------------------------------------------- ids never reach outside

OUTSIDE = [
    "",
    ".",
    "..",
    "../outside",
    "../runs/inside",
    "inside/../inside",
    "a/b",
    "inside/",
    "~",
    "INSIDE",
    "Inside",
    "-inside",
]
OUTSIDE += [
    ".deleted",
    "inside\n",
    "inside\0",
    "ïnside",
    "in side",
    "in.side",
    "in_side",
    "x" * 81,
    "x" * 10_000,
    "a\\b",
    "C:",
]


@pytest.mark.parametrize("run_id", OUTSIDE, ids=lambda text: ascii(text)[:20])
def test_what_is_not_an_id_is_refused(run_id, runs_folder, tmp_path):
    for folder in (runs_folder / "inside", runs_folder / "INSIDE", runs_folder / ".deleted", tmp_path / "outside"):
        folder.mkdir(parents=True)
        runs.write_json(folder / "config.json", CONFIG.model_dump(mode="json"))
    with pytest.raises(UnknownRun) as caught:
        runs.get(run_id)
    assert "is not a run's id" in str(caught.value) and len(str(caught.value)) < 500
    with pytest.raises(UnknownRun):
        runs.restore(run_id)


def test_an_absolute_path_is_not_an_id():
    with pytest.raises(UnknownRun, match="is not a run's id"):
        runs.get(finished().path)


def test_a_link_in_the_runs_folder_is_not_followed(runs_folder, tmp_path):
    outside = finished().path.rename(tmp_path / "outside")
    (runs_folder / "a-link").symlink_to(outside)
    with pytest.raises(UnknownRun, match="There is no run 'a-link'"):
        runs.get("a-link")


def test_an_unknown_id_names_the_runs_folder(runs_folder):
    with pytest.raises(UnknownRun, match=f"no run 'nothing-here'.*{runs_folder}"):
        runs.get("nothing-here")


@pytest.mark.parametrize(
    "text",
    ["", ".", "nothing", "/", "/etc/passwd", "~", "~no-such-user-here/x", "a\0b", "x" * 5000],
    ids=lambda text: ascii(text)[:20],
)
def test_what_is_neither_an_id_nor_a_runs_directory_is_unknown(text, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownRun):
        runs.find(text)


def test_a_directory_outside_can_be_named_on_the_command_line(tmp_path, monkeypatch):
    outside = finished().path.rename(tmp_path / "Outside")
    monkeypatch.chdir(tmp_path)
    assert runs.find("Outside").path == outside
    assert runs.find("Outside").state == "finished"


# ---------------------------------------------------------------- damaged runs

JUNK = b'\x00\xff\xfe\x80{"[' + bytes(range(256))
DEEP = b"[" * 200_000
OTHER_JSON = [b"", b"{", b"[]", b"null", b"3", b'"text"', JUNK, DEEP]


@pytest.mark.parametrize("content", OTHER_JSON, ids=lambda content: ascii(content[:12]))
def test_a_broken_configuration_is_damage(content):
    good, bad = finished("good"), finished("bad")
    (bad.path / "config.json").write_bytes(content)
    run = runs.read(bad.path)
    assert (run.state, run.config, run.has_model) == ("damaged", None, False)
    assert "config.json is not " in run.problem
    assert {run.state for run in runs.all_runs() if run.id == good.id} == {"finished"}


@pytest.mark.parametrize("content", OTHER_JSON, ids=lambda content: ascii(content[:12]))
@pytest.mark.parametrize(
    "name", ["status.json", "label.json", "evaluation.json", "metrics.jsonl", "examples.npz", "stop"]
)
def test_broken_files_never_raise_and_never_hide_other_runs(name, content):
    good, bad = finished("good"), finished("bad")
    (bad.path / name).write_bytes(content)
    run = runs.read(bad.path)
    assert run.state == ("damaged" if name == "status.json" else "finished")
    assert run.name == (bad.id if name == "label.json" else "bad")
    assert run.evaluation is None and runs.read_metrics(run) == [] and runs.log_tail(run) == ""
    assert {found.id for found in runs.all_runs()} == {good.id, bad.id}
    assert runs.get(good.id).state == "finished"


@pytest.mark.parametrize(
    "name", ["config.json", "status.json", "label.json", "metrics.jsonl", "log.txt", "evaluation.json"]
)
def test_a_folder_in_the_place_of_a_file_never_raises(name):
    run = finished()
    (run.path / name).unlink(missing_ok=True)
    (run.path / name).mkdir()
    found = runs.get(run.id)
    assert found.state == ("damaged" if name in ("config.json", "status.json") else "finished")
    assert runs.read_metrics(found) == [] and runs.log_tail(found) == ""


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"model": "resnet"}, "extra inputs are not permitted"),
        ({"layers": [{"kind": "attention"}]}, "attention"),
        ({"layers": [{"kind": "dense"}]}, "Layer 1 (Dense 64 relu)"),
        ({"layers": [{"kind": "flatten"}], "version": 3}, "written by a newer version"),
    ],
)
def test_a_foreign_configuration_is_damage_with_its_reason(content, named):
    run = finished()
    runs.write_json(run.path / "config.json", content)
    assert runs.read(run.path).state == "damaged"
    assert named in runs.read(run.path).problem


def test_missing_files_are_damage_with_a_reason():
    run = finished()
    (run.path / "model.keras").unlink()
    assert (runs.read(run.path).state, runs.read(run.path).problem) == ("damaged", "Its model.keras is missing.")
    (run.path / "status.json").unlink()
    assert runs.read(run.path).problem == "Its status.json is missing or broken."
    (run.path / "config.json").unlink()
    assert runs.read(run.path).problem == "It has no config.json."
    assert [found.state for found in runs.all_runs()] == ["damaged"]


WRONG = {"state": ["flying", "damaged", 3, None, []], "pid": ["12", 1.5, -1, []], "pid_created": ["now", []]}
WRONG |= {name: ["5", None, [], {}] for name in ("created", "heartbeat", "epoch", "step", "steps", "seconds")}
WRONG |= {
    "message": [5, []],
    "host": [5],
    "devices": [5],
    "images_per_second": ["fast", []],
    "seconds_left": ["soon", []],
}
WRONG |= {"surprise": [1]}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, found in WRONG.items() for value in found])
@pytest.mark.parametrize("state", ["training", "stopped"])
def test_a_status_with_values_of_the_wrong_type_is_damage(key, value, state):
    good, bad = finished("good"), runs.create(CONFIG, "bad")
    status = {name: item for name, item in vars(runs.signed(bad.status, state)).items() if item is not None}
    runs.write_json(bad.path / "status.json", {**status, key: value})
    assert runs.read(bad.path).state == "damaged"
    assert {run.id for run in runs.all_runs()} == {good.id, bad.id}


def test_a_damaged_run_can_be_renamed_and_deleted():
    run = finished()
    (run.path / "config.json").write_bytes(JUNK)
    runs.relabel(runs.get(run.id), name="Broken")
    assert runs.get(run.id).name == "Broken"
    runs.delete(runs.get(run.id))
    assert runs.all_runs() == []


# ---------------------------------------------------------------- metrics and log

BATCH = {"kind": "batch", "epoch": 0, "step": 2, "steps": 5, "loss": 2.0, "accuracy": 0.1, "seconds": 0.5}
EPOCH = {
    "kind": "epoch",
    "epoch": 1,
    "loss": 1.0,
    "accuracy": 0.5,
    "val_loss": 1.1,
    "val_accuracy": 0.4,
    "seconds": 1.0,
}


def test_metrics_pass_over_what_is_not_a_whole_record():
    run = finished()
    lines = [
        json.dumps(BATCH).encode(),
        b"",
        b"{}",
        JUNK,
        b'{"kind": "other"}',
        b"[1]",
        b"null",
        DEEP,
        json.dumps(EPOCH).encode(),
    ]
    (run.path / "metrics.jsonl").write_bytes(b"\n".join(lines) + b"\n" + json.dumps(EPOCH).encode()[:30])
    assert runs.read_metrics(run) == [BATCH, EPOCH]


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "epoch"},
        {"kind": "batch", "epoch": 0},
        {**EPOCH, "loss": "low"},
        {**BATCH, "steps": 0},
        {**EPOCH, "epoch": None},
    ],
)
def test_metrics_pass_over_records_that_cannot_be_drawn(record):
    run = finished()
    (run.path / "metrics.jsonl").write_text(f"{json.dumps(record)}\n{json.dumps(EPOCH)}\n")
    assert runs.read_metrics(run) == [EPOCH]


def test_the_log_shows_what_a_progress_bar_left():
    run = finished()
    (run.path / "log.txt").write_bytes(b"start\n1/9 ...\r2/9 ...\r9/9 done\n\xff\xfe odd bytes\nend \b\n")
    assert runs.log_tail(run) == "start\n9/9 done\n\ufffd\ufffd odd bytes\nend "


def test_the_log_shows_only_its_end():
    run = finished()
    (run.path / "log.txt").write_text("".join(f"line {n}\n" for n in range(100_000)))
    assert runs.log_tail(run, 2) == "line 99998\nline 99999"


# ---------------------------------------------------------------- what a list shows: summary, size, age


def write_epochs(run: Run, accuracies: list[float]) -> None:
    lines = [BATCH, *(EPOCH | {"epoch": n, "val_accuracy": value} for n, value in enumerate(accuracies, 1))]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "ep')


def test_a_summary_has_the_best_epoch_and_the_curve():
    run = finished()
    assert runs.summary(run) == runs.Summary()
    write_epochs(run, [0.25, 0.75, 0.75, 0.5])
    expected = runs.Summary(4, 2, 0.75, 0.5, 1.1, [0.25, 0.75, 0.75, 0.5])
    assert runs.summary(run) == expected, "a run of an older version has its metrics alone"
    runs.write_summary(run.path)
    (run.path / "metrics.jsonl").unlink()
    assert runs.summary(runs.get(run.id)) == expected


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    run = finished()
    write_epochs(run, [n / 1000 for n in range(500)])
    runs.write_summary(run.path)
    summary = runs.summary(runs.get(run.id))
    assert (summary.epoch, summary.best_epoch, summary.best_accuracy) == (500, 500, 0.499)
    assert len(summary.curve) == 40 and summary.curve[0] == 0 and summary.curve[-1] == 0.499
    assert summary.curve == sorted(summary.curve)


@pytest.mark.parametrize("content", [*OTHER_JSON, b'{"epoch": -1}', b'{"curve": [2.0]}', b'{"surprise": 1}'])
def test_a_broken_summary_is_made_from_the_metrics(content):
    run = finished()
    write_epochs(run, [0.25, 0.5])
    (run.path / "summary.json").write_bytes(content)
    assert runs.summary(runs.get(run.id)).best_accuracy == 0.5


def test_metrics_out_of_range_have_no_summary():
    run = finished()
    write_epochs(run, [0.25, 7.5])
    assert runs.summary(run) == runs.Summary()


def test_the_size_is_that_of_all_files():
    run = finished()
    (run.path / "lapse" / "deep").mkdir(parents=True)
    (run.path / "lapse" / "epoch-0001.npz").write_bytes(b"x" * 1000)
    before = runs.get(run.id).size
    assert before == sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file()) > 1000
    (run.path / "lapse" / "deep" / "more").write_bytes(b"x" * 500)
    (run.path / "lapse" / "epoch-0002.npz").write_bytes(b"x" * 2000)
    assert runs.get(run.id).size == before + 2500


def test_a_run_is_as_old_as_its_id_says(runs_folder):
    run = finished()
    assert abs(run.created.timestamp() - time.time()) < 60
    other = run.path.rename(runs_folder / "of-its-own-name")
    assert runs.read(other).created.timestamp() == pytest.approx(run.status.created)
    (other / "status.json").unlink()
    assert runs.read(other).created is None


def test_what_has_long_been_settled_is_read_once_and_again_when_it_changes(monkeypatch):
    run = finished()
    hour_ago = time.time() - 3600
    for file in run.path.iterdir():
        os.utime(file, (hour_ago, hour_ago))
    first = runs.get(run.id)
    monkeypatch.setattr(directory, "read_json", lambda path: pytest.fail("read again"))
    assert runs.get(run.id) == first
    monkeypatch.undo()
    monkeypatch.setenv("CNN_RUNS", str(run.path.parent))
    runs.write_json(run.path / "label.json", {"name": "Two"})
    os.utime(run.path / "label.json", (hour_ago + 5, hour_ago + 5))
    assert runs.get(run.id).name == "Two"
    (run.path / "model.keras").unlink()
    assert runs.get(run.id).state == "damaged"


def test_a_process_that_ends_is_noticed_although_no_file_changes():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pid_created = psutil.Process(child.pid).create_time() - psutil.boot_time()
    run = in_state(pid=child.pid, pid_created=pid_created)
    for file in run.path.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)
    assert runs.get(run.id).state == "training"
    child.communicate(b"\n")
    assert runs.get(run.id).state == "interrupted"


def test_the_users_run_is_listed_instead_of_a_shipped_one_of_the_same_id(runs_folder):
    finished().path.rename(runs_folder / "lecture")
    assert [(run.id, run.shipped) for run in runs.listed()] == [
        ("lecture", False),
        ("dense", True),
        ("photos", True),
        ("wardrobe", True),
    ]


# ---------------------------------------------------------------- is its trainer alive?


def test_a_run_of_a_living_process_is_in_training():
    assert in_state().state == "training"
    assert in_state(heartbeat=0.0).state == "training", "on this machine the process counts, not the heartbeat"


def test_a_run_of_a_dead_process_is_interrupted():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    run = in_state(pid=child.pid, pid_created=time.time())
    assert run.state == "interrupted" and "process is gone" in run.status.message
    assert not run.active and run.state in runs.RESUMABLE


def test_an_impossible_process_id_is_a_dead_process():
    assert in_state(pid=2**80).state == "interrupted"


def test_a_reused_process_id_is_not_the_trainer():
    created = runs.signed(Status("training"), "training").pid_created
    assert in_state(pid_created=created - 3600).state == "interrupted"
    assert in_state(pid_created=created + 0.5).state == "training", "clocks are not that exact"


@pytest.mark.skipif(os.name != "posix", reason="Only Unix keeps ended processes as zombies.")
def test_a_zombie_is_not_the_trainer():
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        process = psutil.Process(child.pid)
        deadline = time.time() + 20
        while process.status() != psutil.STATUS_ZOMBIE and time.time() < deadline:
            time.sleep(0.02)
        assert process.status() == psutil.STATUS_ZOMBIE
        assert in_state(pid=child.pid, pid_created=process.create_time()).state == "interrupted"
    finally:
        child.wait()


def test_on_another_machine_the_heartbeat_counts():
    assert in_state(host="elsewhere", heartbeat=time.time() - 100).state == "training"
    assert in_state(host="elsewhere", heartbeat=time.time() - 1000).state == "interrupted"
    assert in_state(host=socket.gethostname(), heartbeat=time.time() - 1000).state == "training"


def test_a_process_that_never_signed_counts_for_a_moment():
    run = runs.create(CONFIG)
    assert runs.read(run.path).state == "queued"
    runs.write_status(run.path, replace(run.status, heartbeat=time.time() - 60))
    assert runs.read(run.path).state == "interrupted"


@pytest.mark.parametrize("state", ["queued", "starting"])
def test_waiting_and_starting_runs_are_interrupted_too(state):
    run = runs.create(CONFIG)
    runs.write_status(run.path, replace(runs.signed(run.status, state), pid_created=1.0))
    assert runs.read(run.path).state == "interrupted"


def test_a_closed_status_names_no_process():
    status = runs.closed(
        runs.signed(Status("training", epoch=2, images_per_second=9.0), "training"), "stopped", "Enough."
    )
    assert (status.state, status.message, status.epoch) == ("stopped", "Enough.", 2)
    assert (status.pid, status.pid_created, status.host, status.images_per_second, status.seconds_left) == (None,) * 5


# ---------------------------------------------------------------- changing


def test_rename_changes_the_name_alone():
    run = finished()
    runs.relabel(run, name=" A  better\tname ")
    assert (runs.get(run.id).name, runs.get(run.id).path) == ("A better name", run.path)
    runs.relabel(run, name=" \n ")
    assert runs.get(run.id).name == "A better name", "an empty name is no name"
    runs.relabel(run, name="y" * 200)
    assert runs.get(run.id).name == "y" * 80


def test_labels_change_one_by_one_also_while_it_trains():
    run = in_state()
    assert (run.tags, run.note, run.hidden) == ((), "", False)
    runs.relabel(run, tags=["  to  do ", "to do", "", "x" * 99])
    runs.relabel(run, note=" First \r\nsecond\n\n")
    runs.relabel(run, hidden=True)
    runs.relabel(run, name="Named")
    found = runs.get(run.id)
    assert (found.name, found.tags, found.note, found.hidden) == ("Named", ("to do", "x" * 24), "First\nsecond", True)
    runs.relabel(run, tags=[], note="", hidden=False)
    found = runs.get(run.id)
    assert (found.name, found.tags, found.note, found.hidden) == ("Named", (), "", False)
    runs.relabel(run, tags=[str(number) for number in range(50)], note="y" * 5000)
    assert len(runs.get(run.id).tags) == runs.MAX_TAGS and len(runs.get(run.id).note) == runs.MAX_NOTE


@pytest.mark.parametrize("bad", [5, None, {}, [[1]], "text", True, "a\ud800b"])
def test_labels_that_another_program_wrote_badly_are_passed_over(bad):
    run = finished()
    (run.path / "label.json").write_text(json.dumps({"name": "One", "tags": [bad, "good"], "hidden": [bad]}))
    assert runs.get(run.id).tags[-1] == "good" and not runs.get(run.id).hidden
    (run.path / "label.json").write_text(json.dumps({"name": "One", "tags": bad, "note": bad, "hidden": "yes"}))
    found = runs.get(run.id)
    assert (found.name, found.tags, found.hidden) == ("One", (), False) and isinstance(found.note, str)
    runs.relabel(found, tags=["mended"], note="mended")
    assert (runs.get(run.id).tags, runs.get(run.id).note) == (("mended",), "mended")


def test_a_label_of_a_deleted_run_is_a_sentence():
    run = finished()
    runs.delete(run)
    with pytest.raises(UnknownRun, match="One is no longer here"):
        runs.relabel(run, note="Too late")
    assert not run.path.exists()


def test_a_stop_can_be_asked_for():
    run = in_state()
    assert not run.stop_requested
    runs.request_stop(run)
    assert run.stop_requested


def test_shipped_runs_cannot_be_changed(tmp_path, monkeypatch):
    run = finished()
    monkeypatch.setattr(directory, "PRETRAINED", run.path.parent)
    monkeypatch.setenv("CNN_RUNS", str(tmp_path / "other"))
    before = sorted(file.name for file in run.path.iterdir())
    shipped = runs.get(run.id)
    assert shipped.shipped and runs.shipped() == [shipped] and runs.all_runs() == []
    for change in (
        lambda: runs.relabel(shipped, name="Mine"),
        lambda: runs.relabel(shipped, hidden=True),
        lambda: runs.delete(shipped),
        lambda: runs.request_stop(shipped),
    ):
        with pytest.raises(RunExists, match="comes with the project and cannot be changed"):
            change()
    assert sorted(file.name for file in run.path.iterdir()) == before and runs.get(run.id).name == "One"


def test_the_users_run_comes_before_a_shipped_one_of_the_same_id(runs_folder):
    assert runs.get("lecture").shipped
    finished().path.rename(runs_folder / "lecture")
    assert not runs.get("lecture").shipped


# ---------------------------------------------------------------- the run that comes with the project


SHIPPED = ["dense", "lecture", "wardrobe"]  # for clothes as in Fashion-MNIST


def test_four_runs_are_shipped_and_one_of_them_answers():
    assert [run.id for run in runs.shipped()] == sorted([*SHIPPED, runs.COLOUR_ID])
    assert runs.DEFAULT_ID == "wardrobe"
    assert sum(file.stat().st_size for file in directory.PRETRAINED.rglob("*") if file.is_file()) < 26e6
    wardrobe = runs.get("wardrobe")
    assert sum(row.parameters for row in wardrobe.config.rows()) < 1e6
    assert wardrobe.model_path.stat().st_size < 4e6
    assert sum(row.parameters for row in runs.get("lecture").config.rows()) == 1_413_834


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_run_is_a_whole_training_of_its_preset(name):
    run = runs.get(name)
    assert (run.state, run.shipped, run.has_model, run.problem) == ("finished", True, True, None)
    assert run.config == presets()[name]
    assert run.evaluation["n"] == 10_000 and run.evaluation["split"] == "test"
    lowest = 0.85 if name == "dense" else 0.89  # it has no convolution
    assert lowest < run.evaluation["accuracy"] < 0.97
    epochs = [record["epoch"] for record in runs.read_metrics(run) if record["kind"] == "epoch"]
    assert epochs == list(range(1, run.config.training.epochs + 1))


def test_the_shipped_run_in_colour_tells_twelve_classes_apart_on_a_frozen_backbone():
    run = runs.get(runs.COLOUR_ID)
    assert (run.state, run.shipped, run.has_model, run.problem) == ("finished", True, True, None)
    card, preset = run.config.data.card, presets()["transfer"]
    assert (len(card.class_names), card.input_shape, card.own) == (12, (288, 288, 3), True)
    assert (run.config.layers, run.config.transfer) == (preset.layers, preset.transfer)
    assert run.evaluation["accuracy"] > 0.8 and run.model_size > 2 * run.model_path.stat().st_size


@pytest.mark.parametrize("name", [*SHIPPED, runs.COLOUR_ID])
def test_a_shipped_run_says_nothing_about_the_machine_it_was_made_on(name):
    folder = runs.get(name).path
    assert not (folder / "pictures.npz").exists()
    for file in folder.glob("*.json*"):
        assert str(Path.home()) not in (text := file.read_text()) and "/home/" not in text, file.name


# ---------------------------------------------------------------- atomic writes


def _read_while(path: Path, write) -> list:
    """Read a JSON file again and again while `write` runs; what was read."""
    done, seen = threading.Event(), []

    def reader() -> None:
        while not done.is_set():
            seen.append(json.loads(path.read_bytes()))

    def guarded() -> None:
        try:
            reader()
        except Exception as error:
            seen.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        write()
    finally:
        done.set()
        thread.join()
    return seen


def test_a_reader_never_sees_a_half_written_file(tmp_path):
    path = tmp_path / "status.json"
    small, large = ["a"], ["b" * 1000] * 2000
    runs.write_json(path, small)

    def write() -> None:
        for _ in range(40):
            runs.write_json(path, large)
            runs.write_json(path, small)

    seen = _read_while(path, write)
    assert len(seen) > 10 and all(value in (small, large) for value in seen)
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


def test_two_writers_in_one_process_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "label.json"
    values = [["a" * 1000] * 500, ["b" * 1000] * 500, ["c"]]
    runs.write_json(path, values[0])
    errors = []

    def writer(value) -> None:
        try:
            for _ in range(40):
                runs.write_json(path, value)
        except Exception as error:
            errors.append(error)

    def write() -> None:
        threads = [threading.Thread(target=writer, args=[value]) for value in values]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    seen = _read_while(path, write)
    assert errors == []
    assert all(value in values for value in seen)


def test_text_survives_as_it_is(tmp_path):
    runs.write_json(tmp_path / "x.json", {"name": "Ärmel 👕"})
    assert "Ärmel 👕" in (tmp_path / "x.json").read_text(encoding="utf-8")


def test_a_configuration_on_disk_is_the_configuration():
    run = runs.create(CONFIG)
    assert RunConfig.model_validate_json((run.path / "config.json").read_bytes()) == CONFIG
