"""A ladder as SVG: colours by classes and `currentColor`, so the page around it decides them.

It has neither script nor style, so the strictest Content-Security-Policy shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from bridge.ladder.entry import Ladder, LadderEntry
from bridge.ladder.shown_text import many_lines, one_line

_LEFT_PX, _LANE_PX, _ROW_PX, _TOP_PX, _BOTTOM_PX = 80, 170, 30, 44, 16
_LABEL_COLUMNS, _NAME_COLUMNS, _NOTE_COLUMNS = 80, 22, 60
_CHARACTER_PX = 7
_DETAIL_CHARACTERS = 2000


def ladder_svg(ladder: Ladder, title: str = "Call") -> str:
    """One `<svg>` element, readable aloud. `title`: its name for those who cannot see it.

    Classes: `ladder`; of an entry `entry`, its kind and, for a failure, `failed`; `lane`, `moment`.
    """
    rows = len(ladder.entries) + (1 if ladder.left_out else 0)
    height = _TOP_PX + rows * _ROW_PX + _BOTTOM_PX
    width = _LEFT_PX + _LANE_PX * max(1, len(ladder.lanes)) + _note_room(ladder)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="ui-monospace, monospace" font-size="12" fill="currentColor">',
        f"<title>{_xml(one_line(title, 200))}</title>",
        *_lanes(ladder, height),
    ]
    row = 0
    for number, entry in enumerate(ladder.entries):
        if ladder.left_out and number == ladder.gap_at:
            y = _TOP_PX + row * _ROW_PX + 18
            parts.append(
                f'<text class="gap" x="{_LEFT_PX}" y="{y}">'
                f"{ladder.left_out} entries are left out</text>"
            )
            row += 1
        parts += _entry(ladder, entry, _TOP_PX + row * _ROW_PX + 20)
        row += 1
    return "\n".join([*parts, "</svg>"])


def _lanes(ladder: Ladder, height: int) -> Iterator[str]:
    for number, name in enumerate(ladder.lanes):
        x = _x(number)
        yield (
            f'<g class="lane"><title>{_xml(one_line(name, 200))}</title>'
            f'<text x="{x}" y="20" text-anchor="middle" font-weight="bold">'
            f"{_xml(one_line(name, _NAME_COLUMNS))}</text>"
            f'<line x1="{x}" y1="30" x2="{x}" y2="{height - 6}" stroke="currentColor" '
            'stroke-opacity="0.35"/></g>'
        )


def _entry(ladder: Ladder, entry: LadderEntry, y: int) -> Iterator[str]:
    failed = " failed" if entry.failed else ""
    at_ms = entry.at_ms - ladder.begin_ms
    told = many_lines(entry.detail, _DETAIL_CHARACTERS)
    name = f"{at_ms} ms, {entry.sender} to {entry.receiver}: {entry.label}"
    if entry.sender == entry.receiver:
        name = f"{at_ms} ms, {entry.sender}: {entry.label}"
    yield f'<g class="entry {entry.kind.value}{failed}">'
    yield f"<title>{_xml(one_line(name, 400) + (chr(10) + told if told else ''))}</title>"
    yield f'<text class="moment" x="{_LEFT_PX - 14}" y="{y}" text-anchor="end">{at_ms}</text>'
    yield from _drawn(ladder, entry, y)
    yield "</g>"


def _drawn(ladder: Ladder, entry: LadderEntry, y: int) -> Iterator[str]:
    begin, end = (_x(ladder.lanes.index(x)) for x in (entry.sender, entry.receiver))
    if begin == end:
        yield f'<circle cx="{begin}" cy="{y - 4}" r="4"/>'
        label = _xml(one_line(entry.label, _NOTE_COLUMNS))
        yield f'<text class="label" x="{begin + 10}" y="{y}">{label}</text>'
        return
    to_right = end > begin
    head = end - 7 if to_right else end + 7
    yield f'<line x1="{begin}" y1="{y}" x2="{head}" y2="{y}" stroke="currentColor"/>'
    yield f'<path d="M{end} {y} L{head} {y - 4} L{head} {y + 4} Z"/>'
    room = min(_LABEL_COLUMNS, (abs(end - begin) - 12) // _CHARACTER_PX)
    yield (
        f'<text class="label" x="{(begin + end) // 2}" y="{y - 5}" text-anchor="middle">'
        f"{_xml(one_line(entry.label, room))}</text>"
    )


def _note_room(ladder: Ladder) -> int:
    """For notes of the last lanes, which stand on the right of their line."""
    need = 20
    for entry in ladder.entries:
        if entry.sender == entry.receiver:
            behind = len(ladder.lanes) - 1 - ladder.lanes.index(entry.sender)
            text = len(one_line(entry.label, _NOTE_COLUMNS)) * _CHARACTER_PX + 20
            need = max(need, text - behind * _LANE_PX - _LANE_PX // 2)
    return need


def _x(lane: int) -> int:
    return _LEFT_PX + _LANE_PX // 2 + lane * _LANE_PX


def _xml(text: str) -> str:
    return escape(text, quote=True)
