"""Many images at once: a table that fills while they are read, in slices short enough for a Stop button to react.

Of each file only its bytes, two thumbnails and the prediction are kept; the images themselves are decoded one at a
time. The table belongs to one visit and one network.
"""

import base64
import io
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from cnn.config import DatasetCard, counted, duration
from cnn.networks.predictor import Answer, Predictor, unsure_below
from cnn.pictures import UnreadableImage
from cnn.runs import Run
from cnn.ui import fragments, shell, state
from cnn.ui.csv import to_csv
from cnn.ui.predict import answer, pictures
from cnn.ui.predict.pictures import File, Picture

_SLICE = 0.7  # seconds of work between two looks at the Stop button
_TICK = 0.8  # seconds from one slice to the next
_LONG_PAUSE = 5.0  # seconds: a longer one was a stop
_REDRAW = 2.0  # seconds between two redraws of the growing table
_THUMBNAIL = 96  # pixels along its longest edge
_ERRORS_SHOWN = 3
_COLUMNS = (
    "image",
    "input",
    "predicted",
    "confidence",
    "doubt",
    "file",
    "second prediction",
    "preprocessing",
    "notes",
    "error",
)


@dataclass(frozen=True, eq=False)
class Row:
    """What became of one file: a prediction with what led to it, or an error.

    Attributes:
        thumbnail: of the image, a data URL.
        seen: the network input of the heaviest reading, a data URL.
        reading: that reading's name.
        answer: the automatic prediction.
        doubt: why it is to be doubted, a word or two.
        notes: what is known from opening the file, and a turn that is recognised better; sentences.
        error: a sentence.
    """

    thumbnail: str | None = None
    seen: str | None = None
    reading: str | None = None
    answer: Answer | None = None
    doubt: str | None = None
    notes: str | None = None
    error: str | None = None


@dataclass
class Batch:
    """The files of one upload, and what is known of them so far."""

    files: list[File] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    stopped: bool = False
    seconds: float = 0.0  # spent so far, with the pauses between two slices
    _paused: float = 0.0  # when the last slice ended

    def take(self, files: list[File]) -> None:
        """Work on these files; what is known of them already is kept, the rest forgotten."""
        known = {file.id for file in self.files}
        if any(file.id not in known for file in files):
            self.stopped = False
        self.files = files
        self.rows = {file.id: self.rows[file.id] for file in files if file.id in self.rows}

    @property
    def waiting(self) -> list[File]:
        return [file for file in self.files if file.id not in self.rows]

    @property
    def done(self) -> list[tuple[File, Row]]:
        return [(file, self.rows[file.id]) for file in self.files if file.id in self.rows]

    @property
    def working(self) -> bool:
        return bool(self.waiting) and not self.stopped

    @property
    def seconds_left(self) -> float | None:
        return self.seconds / len(self.rows) * len(self.waiting) if self.rows else None

    def work(self, predictor: Predictor, seconds: float) -> None:
        """Read the files that wait, one after the other, until the time is up; at least one."""
        begin = time.monotonic()
        since = self._paused if begin - self._paused < _LONG_PAUSE else begin
        for file in self.waiting:
            self.rows[file.id] = _row(file, predictor)
            if time.monotonic() - begin >= seconds:
                break
        self._paused = time.monotonic()
        self.seconds += self._paused - since


def show(files: list[File], run: Run, predictor: Predictor, place: DeltaGenerator) -> None:
    """Read the files and show them in a table, in `place`; below, the image whose row was chosen."""
    batch = _of_session(run)
    batch.take(files)
    st.session_state.pop(state.BATCH_STEERED, None)
    with place:
        progress = st.container()
        fragments.fragment(_table, run_every=_REDRAW if batch.working else None)(batch, predictor)
    if picture := opened(files, predictor.card):
        answer.show(picture, run, predictor, wide=True)
        st.caption("Changes here affect this view only. The table and its CSV keep the automatic prediction.")
    with progress:  # drawn last, because it works: everything else is there by then
        fragments.fragment(_progress, run_every=_TICK if batch.working else None)(batch, predictor)


def opened(files: list[File], card: DatasetCard) -> Picture | None:
    """For a network of a dataset: the image whose row was chosen, else the first that can be read."""
    rows = st.session_state[state.BATCH].rows if state.BATCH in st.session_state else {}
    wanted = [file for file in files if file.id == st.session_state.get(state.OPENED_FILE)]
    for file in wanted or files:
        error = rows[file.id].error if file.id in rows else None
        if not error:
            try:
                return pictures.with_changes(pictures.of_file(file, card))
            except UnreadableImage as unreadable:
                error = str(unreadable)
        if wanted:
            st.error(f"{shell.plain(file.name)}: {error}", icon=":material/broken_image:")
    return None


def _of_session(run: Run) -> Batch:
    """This visit's table for this network."""
    if st.session_state.get(state.BATCH_RUN) != run.id:
        st.session_state[state.BATCH_RUN] = run.id
        st.session_state[state.BATCH] = Batch()
    return st.session_state[state.BATCH]


def _row(file: File, predictor: Predictor) -> Row:
    try:
        picture = pictures.read(file, predictor.card)
        found, turned = predictor.answer(picture.readings), predictor.better_turned(picture.readings)
        return Row(
            _data_url(picture.shown, "JPEG"),
            _data_url(picture.input_within(_THUMBNAIL), "PNG"),
            picture.reading.name,
            found,
            predictor.doubt(found),
            " ".join([*picture.notes, *([turned.hint] if turned else [])]) or None,
        )
    except UnreadableImage as error:
        return Row(error=str(error))
    except Exception:  # one file that nobody has thought of must not end the work on the others
        logging.getLogger(__name__).exception("A file of a batch could not be read")
        return Row(error="This image could not be read because of an error in this program. Its log says more.")


def _data_url(picture: Image.Image, kind: str) -> str:
    picture = picture.copy()
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


# ---------------------------------------------------------------- how far it is


def _progress(batch: Batch, predictor: Predictor) -> None:
    """The line that moves, the buttons, and, while there is something to do, a slice of the work."""
    done, total = len(batch.rows), len(batch.files)
    ready = done > 0 and not batch.working  # while it grows, the file behind the button is gone with the next tick
    st.progress(done / total, text=_how_far(batch))
    with st.container(horizontal=True, gap="small"):
        if batch.working:
            st.button("Stop", icon=":material/stop:", key="stop_batch", on_click=_stop, args=(batch, True))
        elif batch.waiting:
            st.button(
                "Continue", icon=":material/play_arrow:", key="continue_batch", on_click=_stop, args=(batch, False)
            )
        st.download_button(
            "Download as CSV",
            as_csv(batch.done, predictor.card.class_names) if ready else "",
            file_name="predictions.csv",
            mime="text/csv",
            icon=":material/download:",
            key="csv",
            on_click="ignore",
            disabled=not ready,
            help="One line for each file: predicted label, confidence, all probabilities and doubt, or the error.",
        )
    _errors(batch)
    _redraw_if_steered()
    if batch.working:
        batch.work(predictor, _SLICE)
        if not batch.working:
            st.rerun()


def _how_far(batch: Batch) -> str:
    done, total = len(batch.rows), len(batch.files)
    if batch.working:
        left = f" · {duration(batch.seconds_left)} left" if batch.seconds_left is not None else ""
        return f":material/hourglass_top: {done} of {counted(total, 'file')}{left}"
    if batch.waiting:
        return f":material/pause_circle: Stopped after {done} of {counted(total, 'file')}"
    if refused := sum(bool(row.error) for _, row in batch.done):
        return f":material/warning: {total} chosen, {total - refused} read, {refused} refused"
    return f":material/check_circle: {'All ' * (total > 1)}{counted(total, 'file')} read"


def _stop(batch: Batch, stopped: bool) -> None:
    batch.stopped = stopped
    st.session_state[state.BATCH_STEERED] = True


def _redraw_if_steered() -> None:
    """What was clicked in one part of the page changes the others."""
    if st.session_state.pop(state.BATCH_STEERED, False):
        st.rerun()


def _errors(batch: Batch) -> None:
    """The first few files that could not be read; the table names all of them."""
    failed = [(file, row) for file, row in batch.done if row.error]
    for file, row in failed[:_ERRORS_SHOWN]:
        st.error(f"{shell.plain(file.name)}: {row.error}", icon=":material/broken_image:")
    if len(failed) > _ERRORS_SHOWN:
        st.caption(f"{len(failed) - _ERRORS_SHOWN} more could not be read. See the last column of the table.")


# ---------------------------------------------------------------- the table


def _table(batch: Batch, predictor: Predictor) -> None:
    """One row for each file that is done. Choosing one opens its image."""
    _redraw_if_steered()
    done = batch.done
    if not done:
        st.caption("The table starts with the first image.")
        return
    table = as_table(done, predictor.card.class_names)
    least = unsure_below(len(predictor.card.class_names))
    # A selection is a position: where other files come or go, it must not slip to a neighbour.
    key = f"batch-{hash(tuple(file.id for file in batch.files))}"
    st.dataframe(
        table.dropna(axis="columns", how="all"),
        hide_index=True,
        row_height=52,
        placeholder="",
        on_select=lambda: _open(key, batch),
        selection_mode="single-row",
        selection_default={"selection": {"rows": _rows_opened(done)}},
        key=key,
        alt=f"{counted(len(done), 'image')} with file name, predicted class, confidence and preprocessing.",
        column_config={
            "image": st.column_config.ImageColumn(width=64, help="The original. Double-click to enlarge it."),
            "input": st.column_config.ImageColumn(width=64, help="The network input. Double-click to enlarge it."),
            "doubt": st.column_config.TextColumn(
                width=115, help=f"{predictor.unlike.capitalize()}, or unsure: no class reaches {least:.0%}."
            ),
            "file": st.column_config.TextColumn(width=130),
            "confidence": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent", width=130),
            "preprocessing": st.column_config.TextColumn(
                help="The one with most weight. A prediction may combine several."
            ),
        },
    )
    st.caption("Select a row to open its image. Click a column's name to sort by it.")


def _rows_opened(done: list[tuple[File, Row]]) -> list[int]:
    """The place of the image that `opened` shows: nothing is marked yet in a new table."""
    chosen = [index for index, (file, _) in enumerate(done) if file.id == st.session_state.get(state.OPENED_FILE)]
    return chosen or [index for index, (_, row) in enumerate(done) if not row.error][:1]


def _open(key: str, batch: Batch) -> None:
    rows = st.session_state[key].selection.rows
    done = batch.done
    st.session_state[state.OPENED_FILE] = done[rows[0]][0].id if rows and rows[0] < len(done) else None
    st.session_state[state.BATCH_STEERED] = True


def as_table(done: Iterable[tuple[File, Row]], class_names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([_cells(file, row, class_names) for file, row in done])


def _cells(file: File, row: Row, class_names: Sequence[str]) -> dict[str, str | float | None]:
    cells = dict.fromkeys(_COLUMNS)
    if row.answer is None:
        return {**cells, "file": file.name, "error": row.error}
    second = row.answer.probabilities.argsort()[-2]
    return {
        **cells,
        "image": row.thumbnail,
        "input": row.seen,
        "predicted": class_names[row.answer.label],
        "confidence": row.answer.confidence,
        "doubt": row.doubt,
        "file": file.name,
        "second prediction": f"{class_names[second]} {row.answer.probabilities[second]:.0%}",
        "preprocessing": row.reading,
        "notes": row.notes,
    }


def as_csv(done: Iterable[tuple[File, Row]], class_names: Sequence[str]) -> bytes:
    """One line for each file: the predicted label with its confidence, all probabilities and doubt, or the error.

    Notes say what was noticed when a file was opened: that it was turned, or that its end is missing; and which turn
    would be recognised better.
    """
    lines = []
    for file, row in done:
        if row.answer is None:
            lines.append([file.name, *[""] * (3 + len(class_names)), row.error, ""])
        else:
            numbers = [f"{value:.6f}" for value in (row.answer.confidence, *row.answer.probabilities)]
            label = class_names[row.answer.label]
            lines.append([file.name, label, *numbers, row.doubt or "", "", row.notes or ""])
    columns = ["file", "label", "confidence", *class_names, "doubt", "error", "notes"]
    return to_csv(pd.DataFrame(lines, columns=columns, dtype=object))
