"""How much of its target each measure uses."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import Measure
from .svg import MISSED, REACHED, bar, line, picture, text

_LABEL_PX, _SCALE_PX, _ROW_PX, _TOP_PX = 500, 200, 24, 34
_MOST = 2.0
_TITLE = "How much of its target each measure uses; a bar that ends before the line is within"


def plot(measures: Sequence[Measure]) -> str:
    """SVG. The line at 1 is the target: a bar that ends before it is within."""
    rows = [x for x in measures if x.target is not None]
    height = _TOP_PX + _ROW_PX * len(rows) + 10
    line_x = _LABEL_PX + _SCALE_PX
    parts = [text(line_x, 18, "target", "middle")]
    for number, measure in enumerate(rows):
        parts += _bar(measure, _TOP_PX + number * _ROW_PX)
    parts.append(line(line_x, 24, line_x, height - 6))
    return picture(int(_LABEL_PX + _SCALE_PX * _MOST + 60), height, _TITLE, parts)


def _bar(measure: Measure, top: int) -> list[str]:
    used = used_of_target(measure)
    width = _SCALE_PX * max(0.0, min(used, _MOST))
    color = REACHED if measure.reached else MISSED
    middle = top + _ROW_PX // 2 + 2
    name = f"{measure.name} / {measure.against}" if measure.reference else measure.name
    return [
        text(_LABEL_PX - 8, middle, name, "end", ' font-size="10"'),
        bar(_LABEL_PX, top + 3, width, _ROW_PX - 8, color),
        text(_LABEL_PX + width + 6, middle, f"{used:.2f}"),
    ]


def used_of_target(measure: Measure) -> float:
    """1 is the target, less is better. The measure must have one."""
    assert measure.target is not None
    median = measure.judged.median
    return measure.target / median if measure.at_least else median / measure.target
