"""A run's curves as a TensorBoard event file. Writing it needs TensorFlow only; the package `tensorboard` shows it.

The file is a TFRecord of `Event` messages, the format of `tensorflow/core/util/event.proto`.
"""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

_Event, _Summary, _SessionLog = tf.compat.v1.Event, tf.compat.v1.Summary, tf.compat.v1.SessionLog


class EventFile:
    """Appends scalars to a file of its own in `folder`. All of its methods raise OSError where the disk is full.

    Args:
        folder: where TensorBoard looks for the run.
        step: what earlier sessions wrote for later steps than this one is trained again: TensorBoard drops it.
    """

    def __init__(self, folder: Path, step: int):
        folder.mkdir(exist_ok=True)
        with _full_disk_as_os_error():
            self._file = tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{time.time_ns()}"))
        self._write(file_version="brain.Event:2")
        # TensorBoard keeps what has a lower step than a start.
        self._write(step=step + 1, session_log=_SessionLog(status=_SessionLog.START))

    def write(self, step: int, **scalars: float) -> None:
        """Values at a step, counted from the start of the training."""
        values = [_Summary.Value(tag=name, simple_value=value) for name, value in scalars.items()]
        self._write(step=step, summary=_Summary(value=values))

    def close(self) -> None:
        with _full_disk_as_os_error():
            self._file.close()

    def _write(self, **content) -> None:
        with _full_disk_as_os_error():
            self._file.write(_Event(wall_time=time.time(), **content).SerializeToString())
            self._file.flush()


@contextmanager
def _full_disk_as_os_error() -> Iterator[None]:
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise OSError(errno.ENOSPC, error.message) from error
