"""The ladder of a call: which lanes and entries it has, as text and as SVG."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest

from bridge.ladder import Ladder, LadderEntry, LadderKind, ladder_svg, ladder_text
from bridge.ladder.entry import LANES_MAX, OTHERS
from bridge.ladder.shown_text import columns, many_lines, one_line

SVG = "{http://www.w3.org/2000/svg}"
CALL = (
    LadderEntry(1_000, "app", "service", "POST …/simple", "210 calls 211", LadderKind.REQUEST),
    LadderEntry(1_030, "PBX", "211", "INVITE", "INVITE sip:211\nVia: x", LadderKind.SIP),
    LadderEntry(1_042, "211", "PBX", "486 Busy Here", "", LadderKind.SIP, failed=True),
    LadderEntry(1_050, "PBX", "PBX", "Hangup"),
)
FIRST = ("app", "service", "PBX")

TEXT = """\
       ms  app      service  PBX      211
        0  |------->|        |        |        POST …/simple · 210 calls
           |        |        |        |        211
       30  |        |        |------->|        INVITE
!      42  |        |        |<-------|        486 Busy Here
       50  |        |        *        |        Hangup"""


def test_given_a_call_then_its_text_has_a_column_for_each_lane() -> None:
    assert ladder_text(Ladder.of(CALL, FIRST), 72) == TEXT


def test_given_an_arrow_over_lanes_then_it_crosses_them() -> None:
    ladder = Ladder.of([LadderEntry(5, "c", "a", "back")], ("a", "b", "c"))
    assert ladder.lanes == ("a", "c")
    ladder = Ladder.of([LadderEntry(4, "b", "b", "x"), LadderEntry(5, "c", "a", "y")], "abc")
    assert ladder_text(ladder, 72).splitlines()[1:] == [
        "        0  |      *      |      x",
        "        1  |<------------|      y",
    ]


def test_given_no_entry_then_the_text_says_so_and_the_svg_is_valid() -> None:
    assert ladder_text(Ladder.of([])) == "nothing happened"
    assert ET.fromstring(ladder_svg(Ladder.of([]))).tag == f"{SVG}svg"  # noqa: S314 - our own


def test_given_entries_in_any_order_then_they_stand_by_their_moments() -> None:
    ladder = Ladder.of(reversed(CALL), FIRST)
    assert [x.at_ms for x in ladder.entries] == [1_000, 1_030, 1_042, 1_050]
    same = [LadderEntry(7, "a", "b", str(x)) for x in range(20)]
    assert [x.label for x in Ladder.of(same).entries] == [str(x) for x in range(20)]


def test_given_too_many_entries_then_the_middle_is_left_out_and_told() -> None:
    many = [LadderEntry(x, "a", "b", f"nr {x}") for x in range(100)]
    ladder = Ladder.of(many, entries_max=5)
    assert [x.at_ms for x in ladder.entries] == [0, 1, 2, 98, 99]
    assert ladder.left_out == 95
    assert ladder_text(ladder).splitlines()[4] == "        …  95 entries are left out"
    assert "95 entries are left out" in ladder_svg(ladder)


def test_given_too_many_lanes_then_the_last_ones_are_one() -> None:
    many = [LadderEntry(x, f"p{x}", f"p{x + 1}", "x") for x in range(50)]
    ladder = Ladder.of(many)
    assert len(ladder.lanes) == LANES_MAX
    assert ladder.lanes[-1] == OTHERS
    assert all({x.sender, x.receiver} <= set(ladder.lanes) for x in ladder.entries)
    assert ladder_text(ladder, 60)
    assert ladder_svg(ladder)


@pytest.mark.parametrize("width", [72, 80, 200])
def test_given_a_width_then_no_line_is_longer(width: int) -> None:
    long = LadderEntry(1, "x" * 300, "日本語" * 30, "label " * 90, "detail " * 90, failed=True)
    lines = ladder_text(Ladder.of([*CALL, long], FIRST), width).splitlines()
    assert max(map(columns, lines)) <= width
    assert len(lines) > len(CALL) + 2  # a failure may have more lines


HOSTILE = [
    "</text><script>alert(1)</script>",
    '" onload="alert(1)',
    "\x1b[31mred\x07\x00",
    "a\u202eb\u2028c",
    "\ud800",
    "]]>&amp;<!--",
    "line\nline",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_given_hostile_text_then_it_stays_text(hostile: str) -> None:
    entry = LadderEntry(1, hostile, "b", hostile, hostile, failed=True)
    ladder = Ladder.of([entry, LadderEntry(2, hostile, hostile, hostile)])
    root = ET.fromstring(ladder_svg(ladder, hostile))  # noqa: S314 - our own
    assert {x.tag.removeprefix(SVG) for x in root.iter()} <= {
        *("svg", "title", "g", "text", "line", "path", "circle")
    }
    assert not any(name.startswith("on") for x in root.iter() for name in x.attrib)
    text = ladder_text(ladder)
    assert all(x.isprintable() or x == "\n" for x in text)
    assert len(text.splitlines()) <= 8


def test_given_an_entry_then_the_svg_has_its_kind_its_failure_and_its_detail() -> None:
    root = ET.fromstring(ladder_svg(Ladder.of(CALL, FIRST), "Call 4711"))  # noqa: S314 - our own
    groups = root.findall(f"{SVG}g")
    assert [x.get("class") for x in groups] == [
        *["lane"] * 4,
        *("entry request", "entry sip", "entry sip failed", "entry call"),
    ]
    titles = [x.findtext(f"{SVG}title") for x in groups]
    assert titles[4] == "0 ms, app to service: POST …/simple\n210 calls 211"
    assert titles[5] == "30 ms, PBX to 211: INVITE\nINVITE sip:211\nVia: x"
    assert titles[7] == "50 ms, PBX: Hangup"
    assert root.findtext(f"{SVG}title") == "Call 4711"


def test_given_the_svg_then_no_style_is_in_it() -> None:
    svg = ladder_svg(Ladder.of(CALL, FIRST))
    assert "style" not in svg
    assert 'fill="currentColor"' in svg


ARROW = """\
<g class="entry sip failed">
<title>12 ms, 211 to PBX: 486 Busy Here</title>
<text class="moment" x="66" y="94" text-anchor="end">12</text>
<line x1="335" y1="94" x2="172" y2="94" stroke="currentColor"/>
<path d="M165 94 L172 90 L172 98 Z"/>
<text class="label" x="250" y="89" text-anchor="middle">486 Busy Here</text>
</g>"""


def test_given_an_arrow_then_the_svg_draws_it_so() -> None:
    assert ARROW in ladder_svg(Ladder.of(CALL[1:3], FIRST))


def test_given_a_huge_detail_then_the_svg_stays_small() -> None:
    entry = LadderEntry(1, "a", "b", "x" * 1_000_000, "y\n" * 1_000_000)
    assert len(ladder_svg(Ladder.of([entry]))) < 10_000


def test_given_text_for_one_line_then_it_is_cut_to_its_columns() -> None:
    assert one_line("short", 10) == "short"
    assert one_line("a  b\tc\r\nd", 10) == "a b c d"
    assert one_line("0123456789", 5) == "0123…"
    assert one_line("日本語", 5) == "日本…"
    assert one_line("x" * 1000, 10) == "x" * 9 + "…"
    for text, width in itertools.product(("日本語" * 9, "ab " * 9, "é" * 40), range(1, 30)):
        assert columns(one_line(text, width)) <= width


def test_given_text_of_many_lines_then_they_stay() -> None:
    assert many_lines("a\r\nb\x00\tc", 100) == "a\nb\N{REPLACEMENT CHARACTER}\tc"
    assert many_lines("abc", 2) == "ab…"
