"""The same as a picture: how much of its target each measure uses."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .figures import Measure

_LABEL_PX, _SCALE_PX, _ROW_PX, _TOP_PX = 430, 220, 24, 34
_MOST = 2.0
_REACHED, _MISSED = "#3a7d5c", "#b5523b"


def plot(measures: Sequence[Measure]) -> str:
    """SVG. The line at 1 is the target: a bar that ends before it is within."""
    height = _TOP_PX + _ROW_PX * len(measures) + 10
    line_x = _LABEL_PX + _SCALE_PX
    width = int(_LABEL_PX + _SCALE_PX * _MOST + 70)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{line_x}" y="18" text-anchor="middle">target</text>',
    ]
    for number, measure in enumerate(measures):
        parts += _bar(measure, _TOP_PX + number * _ROW_PX)
    parts += [
        f'<line x1="{line_x}" y1="24" x2="{line_x}" y2="{height - 6}" stroke="#333"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(measure: Measure, top: int) -> list[str]:
    used = used_of_target(measure)
    width = _SCALE_PX * max(0.0, min(used, _MOST))
    color = _REACHED if measure.reached else _MISSED
    middle = top + _ROW_PX // 2 + 2
    name = f"{measure.name} / {measure.against}" if measure.reference else measure.name
    return [
        f'<text x="{_LABEL_PX - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{_LABEL_PX}" y="{top + 3}" width="{width:.0f}" height="{_ROW_PX - 8}" '
        f'fill="{color}"/>',
        f'<text x="{_LABEL_PX + width + 6:.0f}" y="{middle}">{used:.2f}</text>',
    ]


def used_of_target(measure: Measure) -> float:
    """1 is the target, less is better."""
    median = measure.judged.median
    return measure.target / median if measure.at_least else median / measure.target
