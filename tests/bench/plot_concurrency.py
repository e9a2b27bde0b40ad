"""Calls per second and the wait of a POST, over the number of calls at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .concurrency import PATHS, Point
from .svg import COLORS, legend, line, picture, text

_WIDTH, _HEIGHT, _LEFT, _TOP, _BETWEEN = 330, 220, 56, 70, 70
_TITLE = "Calls per second, and ms from POST to 202, with few and with many calls at once"
_TICKS = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def plot_concurrency(points: Sequence[Point]) -> str:
    """SVG of two charts: the rate on a linear scale, the median wait on a logarithmic one."""
    places = sorted({x.at_once for x in points})
    step = _round_step(max(x.per_second.median for x in points))
    waits = [x.post_p50_ms.median for x in points]
    low, high = _tick_below(min(waits)), _tick_above(max(waits))
    right = _LEFT + _WIDTH + _BETWEEN
    parts = legend(_LEFT, 22, PATHS)
    parts += _chart(
        "calls per second",
        _LEFT,
        places,
        [step * x for x in range(5)],
        lambda y: y / (step * 4),
        {x: [(p.at_once, p.per_second.median) for p in points if p.path == x] for x in PATHS},
    )
    parts += _chart(
        "POST to 202, p50, ms (logarithmic)",
        right,
        places,
        [x for x in _TICKS if low <= x <= high],
        lambda y: math.log(y / low) / math.log(high / low),
        {x: [(p.at_once, p.post_p50_ms.median) for p in points if p.path == x] for x in PATHS},
    )
    return picture(right + _WIDTH + 20, _TOP + _HEIGHT + 46, _TITLE, parts)


def _chart(
    title: str,
    left: int,
    places: Sequence[int],
    ticks: Sequence[float],
    share: Callable[[float], float],
    series: dict[str, list[tuple[int, float]]],
) -> list[str]:
    bottom = _TOP + _HEIGHT

    def x_of(at_once: int) -> float:
        return left + 10 + (_WIDTH - 20) * places.index(at_once) / max(1, len(places) - 1)

    def y_of(value: float) -> float:
        return bottom - _HEIGHT * share(value)

    parts = [text(left, _TOP - 16, title)]
    for tick in ticks:
        parts.append(line(left, y_of(tick), left + _WIDTH, y_of(tick), "grid"))
        parts.append(text(left - 6, y_of(tick) + 4, f"{tick:g}", "end"))
    parts.append(line(left, bottom, left + _WIDTH, bottom))
    parts += [text(x_of(x), bottom + 18, str(x), "middle") for x in places]
    parts.append(text(left + _WIDTH / 2, bottom + 36, "calls at once", "middle"))
    for color, found in zip(COLORS, series.values(), strict=False):
        dots = [(x_of(at_once), y_of(value)) for at_once, value in sorted(found)]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in dots]
    return parts


def _round_step(most: float) -> float:
    """A quarter of the axis, a round number."""
    return next((x for x in _TICKS if 4 * x >= most), _TICKS[-1])


def _tick_below(value: float) -> float:
    return max((x for x in _TICKS if x <= value), default=_TICKS[0])


def _tick_above(value: float) -> float:
    return min((x for x in _TICKS if x > value), default=_TICKS[-1])
