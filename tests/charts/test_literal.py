"""Typed names in charts; `tests/e2e/test_names.py` sees how Plotly draws them."""

import numpy as np
import pytest

from cnn import charts
from cnn.charts.literal import literal


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("a & b", "a &amp; b"), ("&amp;", "&amp;amp;"), ('it\'s "x"', 'it\'s "x"')],
)
def test_what_plotly_reads_is_taken_from_it(text, escaped):
    assert literal(text) == escaped


def test_names_of_runs_and_classes_are_literal():
    figure = charts.published([("A & B", 0.9)], "<b>x</b>", 0.95, (0.94, 0.96))
    assert list(figure.layout.yaxis.ticktext) == ["A &amp; B", "&lt;b&gt;x&lt;/b&gt;"] == list(figure.data[0].hovertext)
    figure = charts.confusion(np.eye(2, dtype=int), ["<b>x</b>", "y"], clickable=True)
    assert list(figure.data[0].x) == ["&lt;b&gt;x&lt;/b&gt;", "y", "all"] == list(figure.data[0].y)
    assert figure.data[1].hovertext[0].startswith("&lt;b&gt;x&lt;/b&gt; predicted as")
    assert charts.table(figure).columns[1] == "<b>x</b>"


def test_the_legend_of_a_comparison_has_the_names_of_the_runs():
    records = [{"kind": "epoch", "epoch": 1, "val_accuracy": 0.5, "accuracy": 0.4, "seconds": 1.0}]
    figure = charts.overlay([('<i>"it\'s"</i>', records)], "accuracy")
    assert figure.data[0].name == '&lt;i&gt;"it\'s"&lt;/i&gt;'
