"""Typed names in charts; `tests/e2e/test_names.py` sees how Plotly draws them."""

import pytest

from cnn import charts
from cnn.charts.literal import literal


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("a & b", "a &amp; b"), ("&amp;", "&amp;amp;"), ('it\'s "x"', 'it\'s "x"')],
)
def test_what_plotly_reads_is_taken_from_it(text, escaped):
    assert literal(text) == escaped


def test_the_legend_of_a_comparison_has_the_names_of_the_runs():
    records = [{"kind": "epoch", "epoch": 1, "val_accuracy": 0.5, "accuracy": 0.4, "seconds": 1.0}]
    figure = charts.overlay([('<i>"it\'s"</i>', records)], "accuracy")
    assert figure.data[0].name == '&lt;i&gt;"it\'s"&lt;/i&gt;'
