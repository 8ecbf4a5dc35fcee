"""The frame around the pixels that a value sees, and its words."""

import pytest

from cnn.ui.components import seen


@pytest.mark.parametrize(
    ("rows", "columns", "frame", "words"),
    [
        ([0, 1, 2], [5, 6], (0, 5, 3, 2), "rows 1 to 3, columns 6 to 7"),
        ([0, 2], [4], (0, 4, 3, 1), "rows 1 to 3, columns 5 to 5, with gaps: 2 rows and 1 column of these"),
        ([], [], None, "no pixel: all of its window lies in the padding"),
    ],
)
def test_a_frame_holds_what_counts_and_no_more(rows, columns, frame, words):
    assert seen.frame(rows, columns) == frame
    assert seen.words(rows, columns) == words
