"""Numbers with their nouns, and the examples that stand in docstrings."""

import doctest

import pytest

from cnn.config import counted, geometry, words


@pytest.mark.parametrize("module", [geometry, words])
def test_the_examples_in_the_docstrings_hold(module):
    results = doctest.testmod(module)
    assert results.attempted and not results.failed


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 feature maps"), (1, "1 feature map"), (2, "2 feature maps"), (1234, "1,234 feature maps")],
)
def test_a_noun_is_in_the_plural_unless_there_is_one(count, expected):
    assert counted(count, "feature map") == expected
