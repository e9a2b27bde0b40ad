"""The plot of a load run as SVG: calls of each second, the time to answer of each call. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bridge.testing.load.results import LoadCall, LoadResults, per_second

_WIDTH, _LEFT, _RIGHT, _PLOT, _GAP = 900, 60, 20, 180, 60
_POINTS_MAX = 5000


def load_plot(results: LoadResults, seconds: float) -> str:
    """Green went well, red failed. Of more than 5,000 calls some are left out."""
    whole = max(1, math.ceil(seconds))
    height = 2 * (_PLOT + _GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        *_bars(per_second(results.calls, whole), 40),
        *_points(results.calls, whole, 40 + _PLOT + _GAP),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bars(counted: Sequence[tuple[int, int]], top: int) -> Iterator[str]:
    most = max(1, *(well + failed for well, failed in counted))
    width = (_WIDTH - _LEFT - _RIGHT) / len(counted)
    yield from _frame("calls per second", str(most), f"{len(counted)} s", top)
    for place, (well, failed) in enumerate(counted):
        x, bottom = _LEFT + place * width, float(top + _PLOT)
        for count, colour in ((well, "#16713f"), (failed, "#b0241c")):
            tall = _PLOT * count / most
            bottom -= tall
            if count:
                yield (
                    f'<rect x="{x:.1f}" y="{bottom:.1f}" width="{max(0.5, width - 1):.1f}" '
                    f'height="{tall:.1f}" fill="{colour}"/>'
                )


def _points(calls: Sequence[LoadCall], whole: int, top: int) -> Iterator[str]:
    answered = [x for x in calls if x.answer_ms is not None]
    step = max(1, math.ceil(len(answered) / _POINTS_MAX))
    most = max((x.answer_ms or 0 for x in answered), default=1) or 1
    yield from _frame("ms to the answer", f"{most:.0f}", f"{whole} s", top)
    for call in answered[::step]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(call.began_s / whole, 1)
        y = top + _PLOT - _PLOT * (call.answer_ms or 0) / most
        colour = "#b0241c" if call.cause else "#2a56d0"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>'


def _frame(title: str, most: str, end: str, top: int) -> Iterator[str]:
    bottom = top + _PLOT
    yield f'<text x="{_LEFT}" y="{top - 14}" font-weight="bold">{title}</text>'
    yield f'<text x="{_LEFT - 8}" y="{top + 10}" text-anchor="end">{most}</text>'
    yield f'<text x="{_LEFT - 8}" y="{bottom}" text-anchor="end">0</text>'
    yield f'<text x="{_LEFT}" y="{bottom + 18}">0 s</text>'
    yield f'<text x="{_WIDTH - _RIGHT}" y="{bottom + 18}" text-anchor="end">{end}</text>'
    path = f"M{_LEFT} {top}V{bottom}H{_WIDTH - _RIGHT}"
    yield f'<path d="{path}" fill="none" stroke="#888"/>'
