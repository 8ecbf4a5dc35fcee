"""Accuracy over the strength of corruptions: every line, its interval and its numbers."""

import numpy as np

from cnn import charts
from cnn.charts.robustness import Line, accuracy_over_strength

NAMES = ("Blur", "Noise", "Scale", "JPEG")


def line(name: str, top: float) -> Line:
    accuracy = np.linspace(top, 0.2, 6)
    return Line(name, accuracy, accuracy - 0.02, accuracy + 0.01)


def test_each_corruption_has_a_chart_and_each_run_a_line():
    lines = {name: [line("one <b>", 0.9), line("two", 0.8)] for name in NAMES}
    labels = {name: ["none", *(f"{strength} px" for strength in range(1, 6))] for name in NAMES}
    figure = accuracy_over_strength(lines, labels, 4)
    assert len(figure.data) == 8 and [title.text for title in figure.layout.annotations] == list(NAMES)
    assert [trace.showlegend for trace in figure.data] == [True, True, *[False] * 6]
    guessing = [shape for shape in figure.layout.shapes if shape.y0 == 0.25]
    assert len(guessing) == 4, "one of four classes"
    table = charts.table(figure)
    assert list(table.columns) == ["Series", "Strength", "Accuracy", "Lower", "Upper", "Note"] and len(table) == 48
    first = table.iloc[0]
    assert (first["Series"], first["Strength"], first["Accuracy"], first["Note"]) == ("one <b>", 0, 0.9, "Blur: none")
    assert (first["Lower"], first["Upper"]) == (0.88, 0.91)


def test_one_corruption_is_large_and_in_its_own_units():
    figure = accuracy_over_strength({"Rotation": [line("one", 0.9)]}, {"Rotation": ["none", *"abcde"]}, 10)
    assert figure.layout.xaxis.ticktext == ("none", *"abcde") and not figure.layout.annotations
    assert len(charts.table(figure)) == 6 and figure.layout.height > 300
