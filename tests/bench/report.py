"""The table."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import Figure, Measure

_HEAD = ("measure", "here", "against", "there", "result", "rounds", "target", "")


def table(measures: Sequence[Measure]) -> str:
    """As text in columns, which is also Markdown."""
    rows = [_HEAD, *(_row(x) for x in measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def summary(measure: Measure) -> str:
    """One measure in one line."""
    name, here, against, _, result, _, target, reached = _row(measure)
    return f"{name}: {here} (against {against}: {result}, target {target}: {reached})"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "| " + " | ".join(cells) + " |"


def _row(measure: Measure) -> tuple[str, ...]:
    sign = {"ratio": " x", "difference": f" {measure.unit}", "value": f" {measure.unit}"}[
        measure.judged_as
    ]
    plus = "+" if measure.judged_as == "difference" else ""
    bound = "≥" if measure.at_least else "≤"
    return (
        measure.name,
        f"{_number(measure.value.median)} {measure.unit}",
        measure.against,
        "-" if measure.reference is None else f"{_number(measure.reference.median)} {measure.unit}",
        f"{_signed(measure.judged.median, plus)}{sign}",
        _spread(measure.judged),
        "-" if measure.target is None else f"{bound} {plus}{measure.target:g}{sign}",
        {True: "reached", False: "missed", None: ""}[measure.reached],
    )


def _spread(figure: Figure) -> str:
    return f"{_number(figure.lowest)} … {_number(figure.highest)}"


def _signed(number: float, plus: str) -> str:
    return f"{plus if number >= 0 else ''}{_number(number)}"


def _number(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2f}"
