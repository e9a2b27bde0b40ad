"""The rows of the page's tables."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.figures import Figure


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(x) + " |" for x in lines)


def spread(rounds: Sequence[float], digits: int = 2) -> str:
    """The median, with the lowest and the highest of the rounds."""
    figure = Figure.of(rounds)
    middle, low, high = (f"{x:,.{digits}f}" for x in (figure.median, figure.lowest, figure.highest))
    return f"{middle} ({low} … {high})"
