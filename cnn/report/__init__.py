"""The report of a run: one HTML file to read offline or to print, its numbers, and its charts as SVG.

Knows runs and what is measured of them; knows no page of the dashboard. Computes nothing that it does not print.
"""

import io
import zipfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pandas as pd

from cnn.errors import AtelierError
from cnn.evaluation.predictions import SplitName, measuring_run
from cnn.report.contents import explaining, numbers, tables, without_images
from cnn.runs import Run

Result = TypeVar("Result")
_MEASURED, _EXPLAINED = 0.75, 0.97  # fractions of the time after which this is done


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that is handed out.

    Attributes:
        html: the file. numbers: for JSON. tables: for CSV, by name. charts: SVG files, by name.
    """

    html: str
    numbers: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    charts: dict[str, bytes]


def making(run: Run, split: SplitName = "test") -> Generator[float, None, Report]:
    """Make the report of a run on a split; yields the fraction that is done, in [0, 1].

    Where images cannot be shown, because the dataset is not here, the report says so.

    Raises:
        DataUnavailable: the dataset is not here, and nothing was measured before. UnreadableModel: the run has no
            network.
    """
    from cnn.report import page  # Matplotlib takes half a second to load

    contents = without_images(run, (yield from _part(measuring_run(run, split), 0.0, _MEASURED)))
    try:
        method, shown = yield from _part(explaining(contents), _MEASURED, _EXPLAINED)
        contents = replace(contents, method=method, shown=shown)
    except AtelierError as error:
        contents = replace(contents, missing=str(error))
    yield _EXPLAINED
    drawn = page.draw(contents)
    return Report(page.page(contents, drawn), numbers(contents), tables(contents), page.files(drawn))


def html(run: Run, split: SplitName = "test") -> str:
    """The report as one file. Raises as `making`."""
    steps = making(run, split)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value.html


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Files by their names, in a ZIP."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _part(steps: Generator[float, None, Result], start: float, end: float) -> Generator[float, None, Result]:
    """A part of the work, between two fractions of the whole."""
    while True:
        try:
            done = next(steps)
        except StopIteration as stop:
            return stop.value
        yield start + (end - start) * done
