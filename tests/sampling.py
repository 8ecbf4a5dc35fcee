"""Which of many like cases run at once; the others are slow."""

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet


def one_in(every: int, cases: Iterable) -> list[ParameterSet]:
    """The first of so many cases at once, and so on; each other is `slow`. A tuple is a case of several arguments."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if at % every == 0 else pytest.mark.slow)
        for at, case in enumerate(cases)
    ]
