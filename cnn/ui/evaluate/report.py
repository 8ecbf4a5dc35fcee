"""The Evaluate page's view that makes a report of the run, shows it, and hands it out with its numbers and charts.

Loads what draws the report only to make it.
"""

import json
from functools import partial

import streamlit as st

from cnn import report
from cnn.evaluation.predictions import SplitName
from cnn.report import Report
from cnn.runs import Run
from cnn.ui import background_work, csv, preload, shell

_CONTENTS = """
- **What the network is**: preset, layers in words, the layer summary with its arithmetic, parameters and MACs
- **Settings**, with those marked that differ from the preset
- **How good it is**: accuracy with its 95% interval, curves, confusion matrix, scores of each class, calibration
- **Where it fails**: the most confident mistakes of the most frequent confusions, each with its attribution maps
- **How to reproduce it**: versions, seed, commands, the whole configuration, data sources and licences
"""
_PREVIEW = 720  # pixels


def show(run: Run, split: SplitName) -> None:
    """Draw the view."""
    name = f"report-{run.id}-{split}-{run.network_key[1]}"
    made: Report | None = background_work.result(name)
    st.markdown(
        "One HTML file to hand in, to print or to read offline: it holds everything and asks no server for anything.",
        width=shell.TEXT_WIDTH,
    )
    if problem := background_work.problem(name):
        st.error(shell.plain(problem), icon=":material/error:")
    if background_work.is_running(name):
        _contents()
        background_work.follow(name, "Making the report")
    elif made is None:
        _contents()
        _make(run, split, name, "Make the report", "primary")
    else:
        _hand_out(run, split, made)
        _make(run, split, name, "Make it again", "tertiary")
        st.subheader("Preview", anchor=False)
        st.iframe(_within_the_page(made.html), height=_PREVIEW, tab_index=0, alt="The report as a browser shows it.")


def _within_the_page(html: str) -> str:
    """The report with links that lead to its own parts: those of a frame without an address lead to the page's."""
    return html.replace("<head>", '<head><base href="about:srcdoc">', 1)


def _contents() -> None:
    st.markdown(_CONTENTS, width=shell.TEXT_WIDTH)


def _make(run: Run, split: SplitName, name: str, label: str, type_: str) -> None:
    if st.button(label, icon=":material/summarize:", type=type_, key="make_report"):
        with st.spinner(preload.LOADING):
            preload.tensorflow()
        background_work.begin(name, partial(report.making, run, split))
        st.rerun()


def _hand_out(run: Run, split: SplitName, made: Report) -> None:
    files = {
        "Report (HTML)": (made.html.encode, "html", "text/html", ":material/description:"),
        "Numbers (JSON)": (partial(_json, made), "json", "application/json", ":material/data_object:"),
        "Tables (CSV, zipped)": (partial(_tables, made), "csv.zip", "application/zip", ":material/table:"),
        "Charts (SVG, zipped)": (partial(report.zipped, made.charts), "svg.zip", "application/zip", ":material/image:"),
    }
    with st.container(horizontal=True):
        for number, (label, (content, ending, mime, icon)) in enumerate(files.items()):
            st.download_button(
                label,
                content,
                file_name=f"report-{run.id}-{split}.{ending}",
                mime=mime,
                icon=icon,
                key=f"report-{ending}",
                type="secondary" if number else "primary",
                on_click="ignore",
            )
    st.caption(f"The HTML file has {len(made.html.encode()) / 1e6:.2f} MB. To make a PDF of it, open it and print it.")


def _json(made: Report) -> bytes:
    return json.dumps(made.numbers, indent=1, ensure_ascii=False).encode()


def _tables(made: Report) -> bytes:
    return report.zipped({f"{name}.csv": csv.to_csv(table) for name, table in made.tables.items()})
