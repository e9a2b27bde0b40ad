"""Where the CPU time of a call goes: one bar for each way to make it, a part for each process."""

from __future__ import annotations

from collections.abc import Mapping

from .svg import COLORS, bar, legend, picture, text

PROCESSES = ("asterisk", "service", "phones", "client")
_LABEL_PX, _SCALE_PX, _ROW_PX, _TOP_PX, _RIGHT_PX = 330, 420, 34, 44, 70
_READABLE_PX = 32
_ON_COLOR = ' style="fill:#ffffff"'
_TITLE = "CPU time of one call, in ms, by process, for each way to make it"


def plot_cpu(cpu_ms: Mapping[str, Mapping[str, float]]) -> str:
    """SVG. `cpu_ms`: ms of a call by way and process."""
    most = max(sum(x.values()) for x in cpu_ms.values()) or 1.0
    parts = legend(_LABEL_PX, 22, PROCESSES)
    for number, (path, processes) in enumerate(cpu_ms.items()):
        top = _TOP_PX + number * _ROW_PX
        parts += _row(path, processes, top, _SCALE_PX / most)
    width, height = _LABEL_PX + _SCALE_PX + _RIGHT_PX, _TOP_PX + _ROW_PX * len(cpu_ms) + 8
    return picture(width, height, _TITLE, parts)


def _row(path: str, processes: Mapping[str, float], top: int, scale: float) -> list[str]:
    middle = top + _ROW_PX // 2 + 1
    parts = [text(_LABEL_PX - 8, middle, path, "end")]
    left = float(_LABEL_PX)
    for place, name in enumerate(PROCESSES):
        ms = processes[name]
        width = ms * scale
        parts.append(bar(left, top + 4, width, _ROW_PX - 10, COLORS[place]))
        if width >= _READABLE_PX:
            parts.append(text(left + width / 2, middle, f"{ms:.1f}", "middle", _ON_COLOR))
        left += width
    return [*parts, text(left + 6, middle, f"{sum(processes.values()):.1f} ms")]
