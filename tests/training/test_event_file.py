"""The event file, read back as TensorBoard reads it."""

import errno
from pathlib import Path

import pytest
import tensorflow as tf

from cnn.training.event_file import EventFile

START = tf.compat.v1.SessionLog.START


def events(folder: Path) -> list:
    """The events of all files, in the order of their names."""
    files = sorted(str(file) for file in folder.glob("*tfevents*"))  # TensorBoard looks for this word
    return [tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]


def scalars(found: list) -> list[tuple[int, str, float]]:
    return [(event.step, value.tag, round(value.simple_value, 5)) for event in found for value in event.summary.value]


def test_scalars_read_back_with_their_steps(tmp_path):
    file = EventFile(tmp_path / "tensorboard", 0)
    file.write(3, **{"batch/loss": 1.5, "batch/accuracy": 0.25})
    file.write(10, **{"epoch/val_loss": 1.25})
    assert len(events(tmp_path / "tensorboard")) == 4, "every write can be read at once"
    file.close()
    found = events(tmp_path / "tensorboard")
    assert found[0].file_version == "brain.Event:2"
    assert scalars(found) == [(3, "batch/loss", 1.5), (3, "batch/accuracy", 0.25), (10, "epoch/val_loss", 1.25)]
    assert [event.wall_time for event in found] == sorted(event.wall_time for event in found)


def test_a_resumed_session_drops_what_is_trained_again(tmp_path):
    """By the rule of TensorBoard's `event_accumulator`: at a START, what has a lower step than the start's is kept."""
    first = EventFile(tmp_path, 0)
    for step in (5, 10, 15, 20):
        first.write(step, loss=float(step))
    first.close()
    second = EventFile(tmp_path, 10)  # the checkpoint was written after step 10
    second.write(15, loss=-15.0)
    second.close()
    shown = []
    for event in events(tmp_path):
        if event.HasField("session_log") and event.session_log.status == START:
            shown = [item for item in shown if item[0] < event.step]
        shown += scalars([event])
    assert shown == [(5, "loss", 5.0), (10, "loss", 10.0), (15, "loss", -15.0)]


def test_a_full_disk_is_an_os_error(tmp_path):
    """As everywhere else, so that the training can say so."""
    if not Path("/dev/full").exists():
        pytest.skip("This system has no device that is always full.")
    folder = tmp_path / "tensorboard"
    file = EventFile(folder, 0)
    (written,) = folder.iterdir()
    file.close()
    written.unlink()
    file._file = tf.io.TFRecordWriter("/dev/full")
    with pytest.raises(OSError) as caught:
        for step in range(100):
            file.write(step, loss=1.0)
    assert caught.value.errno == errno.ENOSPC


def test_a_folder_that_is_gone_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        EventFile(tmp_path / "deleted" / "tensorboard", 0)
