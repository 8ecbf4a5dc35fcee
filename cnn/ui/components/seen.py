"""The pixels that a value sees, as a frame around them and in words, on Explore and on Learn alike."""

from collections.abc import Sequence

from cnn.config import counted

Frame = tuple[int, int, int, int]  # row, column, height, width


def frame(rows: Sequence[int], columns: Sequence[int]) -> Frame | None:
    """The smallest frame around the pixels in these rows and columns; None where there are none."""
    if not rows or not columns:
        return None
    return rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def words(rows: Sequence[int], columns: Sequence[int]) -> str:
    """Where the frame lies, counted from 1, and how many of its rows and columns count, where not all do."""
    found = frame(rows, columns)
    if found is None:
        return "no pixel: all of its window lies in the padding"
    row, column, height, width = found
    where = f"rows {row + 1} to {row + height}, columns {column + 1} to {column + width}"
    if (len(rows), len(columns)) == (height, width):
        return where
    return f"{where}, with gaps: {counted(len(rows), 'row')} and {counted(len(columns), 'column')} of these"
