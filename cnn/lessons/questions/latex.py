"""Numbers, sums and matrices as LaTeX, for the workings of the answers."""

from collections.abc import Iterable, Sequence

# ---------------------------------------------------------------- numbers in words and in LaTeX


def num(value: float, decimals: int = 6) -> str:
    """A number within a formula, without superfluous zeros."""
    text = f"{round(value, decimals) + 0:,}"
    return text.removesuffix(".0").replace(",", "{,}")


def bracketed(value: float) -> str:
    """The same as a term of a sum or a product: in brackets if it is negative."""
    return f"({num(value)})" if value < 0 else num(value)


def sum_of(values: Iterable[float]) -> str:
    first, *others = values
    return " + ".join([num(first), *map(bracketed, others)])


def listed(values: Iterable[float]) -> str:
    return r",\ ".join(num(value) for value in values)


def matrix(rows: Sequence[Sequence[float]]) -> str:
    lines = r" \\ ".join(" & ".join(num(value) for value in row) for row in rows)
    return rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"


def by(edge: int) -> str:
    return f"{edge} × {edge}"
