"""What the pictures share. They follow the reader's choice of light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

COLORS = ("#3f7fc1", "#cf7a2c", "#3d9970", "#8c8f99")
"""Of series; each can be told from the background, light or dark."""
_LETTER_PX = 6.2
REACHED, MISSED = "#3d9970", "#c4553b"

_STYLE = """<style>
.paper { fill: #ffffff } text { fill: #24292f } .axis { stroke: #57606a } .grid { stroke: #d8dee4 }
@media (prefers-color-scheme: dark) {
.paper { fill: #161b22 } text { fill: #e6edf3 } .axis { stroke: #8b949e } .grid { stroke: #30363d }
}
</style>"""


def picture(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """`title`: what it shows, for those who do not see it."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" '
            'font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            _STYLE,
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    """`anchor`: start, middle or end."""
    place = f'x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"'
    return f"<text {place}{more}>{escape(words)}</text>"


def bar(x: float, y: float, width: float, height: float, color: str) -> str:
    size = f'width="{width:.1f}" height="{height:.0f}"'
    return f'<rect x="{x:.1f}" y="{y:.0f}" {size} fill="{color}"/>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "axis") -> str:
    """`kind`: axis or grid."""
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" class="{kind}"/>'


def legend(x: float, y: float, names: Sequence[str]) -> list[str]:
    """The names of the series beside their colors, in one line."""
    parts = []
    for name, color in zip(names, COLORS, strict=False):
        parts += [bar(x, y - 10, 12, 12, color), text(x + 18, y, name)]
        x += 44 + _LETTER_PX * len(name)
    return parts
