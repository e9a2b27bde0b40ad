"""A ladder as text: a column for each lane, the arrow between two, its label on the right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from bridge.ladder.entry import Ladder, LadderEntry
from bridge.ladder.shown_text import columns, one_line

_MS_COLUMNS = 9
_LANE_COLUMNS = (7, 14)
_LABEL_COLUMNS_MIN = 24
_WIDTH_MIN = 72
_LINES, _LINES_OF_FAILURE = 2, 5


def ladder_text(ladder: Ladder, width: int = 120) -> str:
    """Lines of at most `width` columns, which is 72 or more, the last without a line end.

    Moments are in ms since the first entry. A line that begins with `!` tells of a failure.
    """
    if not ladder.entries:
        return "nothing happened"
    width = max(width, _WIDTH_MIN)
    lane = _lane_columns(ladder, width)
    room = max(_LABEL_COLUMNS_MIN - 2, width - _MS_COLUMNS - 2 - lane * len(ladder.lanes))
    lines = [_head(ladder.lanes, lane)]
    for number, entry in enumerate(ladder.entries):
        if ladder.left_out and number == ladder.gap_at:
            lines.append(f"{'…':>{_MS_COLUMNS}}  {ladder.left_out} entries are left out")
        lines += _lines(ladder, entry, lane, room)
    return "\n".join(lines)


def _lane_columns(ladder: Ladder, width: int) -> int:
    """As wide as the longest name wants, as narrow as the labels need."""
    least, most = _LANE_COLUMNS
    wanted = max(columns(one_line(x, most)) for x in ladder.lanes) + 2
    free = (width - _MS_COLUMNS - _LABEL_COLUMNS_MIN) // len(ladder.lanes)
    return max(3, min(max(least, wanted), most, free))


def _head(lanes: Sequence[str], lane: int) -> str:
    names = (one_line(x, lane - 1) for x in lanes)
    head = "".join(x + " " * (lane - columns(x)) for x in names)
    return f"{'ms':>{_MS_COLUMNS}}  {head}".rstrip()


def _lines(ladder: Ladder, entry: LadderEntry, lane: int, room: int) -> Iterator[str]:
    """The arrow with the label, and more lines as far as the text needs and may have them."""
    mark = "!" if entry.failed else " "
    first = f"{mark}{entry.at_ms - ladder.begin_ms:>{_MS_COLUMNS - 1}}  "
    lanes = _arrow(ladder.lanes, entry, lane)
    for text in _said(entry, room):
        yield f"{first}{lanes}{text}".rstrip()
        first, lanes = " " * len(first), ("|" + " " * (lane - 1)) * len(ladder.lanes)


def _said(entry: LadderEntry, room: int) -> list[str]:
    """A detail of one line follows the label; a whole message does not."""
    text = (
        entry.label
        if "\n" in entry.detail.strip()
        else " · ".join(x for x in (entry.label, entry.detail.strip()) if x)
    )
    lines = _LINES_OF_FAILURE if entry.failed else _LINES
    whole = one_line(text, lines * room)
    wrapped = textwrap.wrap(whole, room, max_lines=lines, placeholder="…")
    return wrapped or [""]


def _arrow(lanes: Sequence[str], entry: LadderEntry, lane: int) -> str:
    """The lines of the lanes with what this entry puts on them."""
    cells = [*("|" + " " * (lane - 1)) * len(lanes)]
    begin, end = (lanes.index(x) * lane for x in (entry.sender, entry.receiver))
    if begin == end:
        cells[begin] = "*"
        return "".join(cells)
    left, right = min(begin, end), max(begin, end)
    cells[left + 1 : right] = "-" * (right - left - 1)
    if end > begin:
        cells[right - 1] = ">"
    else:
        cells[left + 1] = "<"
    return "".join(cells)
