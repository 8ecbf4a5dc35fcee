"""CSV files that a spreadsheet opens right."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from cnn.ui.csv import to_csv


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_csv_begins_with_the_mark_by_which_spreadsheets_know_utf_8():
    content = to_csv(pd.DataFrame({"File": ["Größe 38 – 裤子.jpg"]}))

    assert content.startswith(b"\xef\xbb\xbf")
    assert read(content) == [["File"], ["Größe 38 – 裤子.jpg"]]


@pytest.mark.parametrize(
    "text", ["=1+1.jpg", "+49", "-x", "-5", "@here", "\tindented", "\rreturned", "=cmd|' /C calc'!A0"]
)
def test_no_text_runs_as_a_formula(text):
    assert read(to_csv(pd.DataFrame({text: [text]}))) == [["'" + text], ["'" + text]]


@pytest.mark.parametrize("text", ["plain", "1. list.jpg", 'a "quoted", one', "two\nlines", "'=1", "", "🥾"])
def test_other_text_stays_as_it_is(text):
    assert read(to_csv(pd.DataFrame({"n": [1], "t": [text]}))) == [["n", "t"], ["1", text]]


def test_numbers_stay_numbers():
    table = pd.DataFrame(
        {"a": [-1.5, 2.0], "b": [-3, 4], "c": pd.Series([-7, None], dtype=object), "d": [True, np.nan]}
    )

    assert read(to_csv(table)) == [["a", "b", "c", "d"], ["-1.5", "-3", "-7", "True"], ["2.0", "4", "", ""]]


def test_categories_of_text_are_text_too():
    assert read(to_csv(pd.DataFrame({"a": pd.Categorical(["=1", "b"])}))) == [["a"], ["'=1"], ["b"]]


def test_half_a_character_does_not_stop_the_file():
    assert read(to_csv(pd.DataFrame({"a": ["\ud83d.jpg"]}, dtype=object))) == [["a"], ["?.jpg"]]


def test_a_table_without_rows_has_its_headers():
    assert read(to_csv(pd.DataFrame(columns=["a", "=b"]))) == [["a", "'=b"]]
