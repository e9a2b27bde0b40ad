"""The ladder of a timeline, as docs/timeline.md has it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.calls.timeline.entry import EntryType
from bridge.ladder import Ladder, LadderKind, ladder_of_timeline, ladder_text


def ladder(*entries: dict[str, Any]) -> Ladder:
    return ladder_of_timeline({"id": "c3e9", "truncated": False, "entry": list(entries)})


ANSWERED = [
    {"type": "accepted", "ms": 1_000, "app": "user-12", "requestId": "5fa1"},
    {"type": "dial", "ms": 1_010, "direction": "out", "number": "210", "view": "00"},
    {"type": "ringing", "ms": 1_020, "number": "210"},
    {"type": "answered", "ms": 2_000, "number": "210"},
    {"type": "webhook", "ms": 2_005, "host": "hooks", "status": 200, "callStatus": "ANSWERED"},
    {"type": "dial", "ms": 2_010, "direction": "out", "number": "211", "view": "01"},
    {"type": "answered", "ms": 3_000, "number": "211"},
    {"type": "connected", "ms": 3_001},
    {"type": "hangup", "ms": 5_000, "number": "211", "hangupCause": 16},
    {"type": "hangup", "ms": 5_001, "number": "210", "hangupCause": 16},
    {"type": "ended", "ms": 5_001, "disposition": 0, "by": "destination", "reason": "normal"},
]
TEXT = """\
       ms  app      service  PBX      210      hooks    211
        0  |------->|        |        |        |        |        create · app: user-12, requestId:
           |        |        |        |        |        |        5fa1
       10  |        |        |------->|        |        |        dial
       20  |        |        |<-------|        |        |        ringing
     1000  |        |        |<-------|        |        |        answered
     1005  |        |------------------------->|        |        ANSWERED: 200
     1010  |        |        |------------------------->|        dial
     2000  |        |        |<-------------------------|        answered
     2001  |        |        *        |        |        |        connected
     4000  |        |        |<-------------------------|        hang-up (cause 16)
     4001  |        |        |------->|        |        |        hang-up (cause 16)
     4001  |        |        *        |        |        |        ended: answered, by destination,
           |        |        |        |        |        |        normal"""


def test_given_an_answered_call_then_its_text_is_this() -> None:
    assert ladder_text(ladder(*ANSWERED), 100) == TEXT


@pytest.mark.parametrize(
    ("entry", "arrow"),
    [
        ({"type": "accepted"}, "app > service: create"),
        ({"type": "hangupAsked", "by": "api"}, "app > service: hang up"),
        ({"type": "hangupAsked", "by": "age limit"}, "service > service: hang up: age limit"),
        ({"type": "dial", "direction": "in", "number": "210"}, "210 > PBX: dial"),
        (
            {"type": "dial", "direction": "out", "number": "212", "forwardedFrom": "211"},
            "PBX > 212: dial, forwarded from 211",
        ),
        ({"type": "hold", "number": "210"}, "210 > PBX: holds"),
        ({"type": "digitsSent", "number": "210", "count": 4}, "PBX > 210: 4 digits"),
        ({"type": "transfer", "number": "210", "target": "212"}, "210 > PBX: transfer to 212"),
        ({"type": "transfer", "number": "210"}, "210 > PBX: transfer to a call"),
        (
            {"type": "hangup", "number": "211", "hangupCause": 17, "sipCode": 486},
            "! 211 > PBX: hang-up 486 (cause 17)",
        ),
        ({"type": "hangup", "number": "211", "hangupCause": 26}, "PBX > 211: hang-up (cause 26)"),
        (
            {"type": "webhook", "callStatus": "HANGUP", "host": "h", "error": "refused"},
            "! service > h: HANGUP: refused",
        ),
        (
            {"type": "webhook", "eventType": "2", "host": "h", "status": 500},
            "! service > h: event: 500",
        ),
        (
            {"type": "ended", "disposition": 1, "by": "destination", "reason": "busy"},
            "! PBX > PBX: ended: busy, by destination, busy",
        ),
        ({"type": "ended", "disposition": 99}, "! PBX > PBX: ended: unknown, by None, None"),
        ({"type": "ofTomorrow"}, "PBX > PBX: ofTomorrow"),
    ],
)
def test_given_an_entry_then_this_is_its_arrow(entry: dict[str, Any], arrow: str) -> None:
    [found] = ladder({"ms": 1, **entry}).entries
    mark = "! " if found.failed else ""
    assert f"{mark}{found.sender} > {found.receiver}: {found.label}" == arrow


def test_given_a_call_then_the_first_party_that_hangs_up_tells_the_pbx() -> None:
    hangups = [x for x in ladder(*ANSWERED).entries if x.label.startswith("hang-up")]
    assert [(x.sender, x.receiver) for x in hangups] == [("211", "PBX"), ("PBX", "210")]


def test_given_a_delete_then_the_pbx_ends_both() -> None:
    asked = {"type": "hangupAsked", "ms": 4_000, "by": "api"}
    hangups = [x for x in ladder(asked, *ANSWERED[8:]).entries if x.label.startswith("hang-up")]
    assert {x.sender for x in hangups} == {"PBX"}


def test_given_facts_then_those_of_the_label_are_not_told_twice() -> None:
    [found] = ladder({"type": "hangup", "ms": 1, "number": "1", "sipCode": 404, "x": 1}).entries
    assert found.detail == "x: 1"
    assert ladder(ANSWERED[4]).entries[0].kind is LadderKind.WEBHOOK


def test_given_each_type_of_the_api_then_it_is_drawn() -> None:
    for kind in EntryType:
        assert ladder_text(ladder({"type": kind.value, "ms": 1}))


def test_given_no_entry_then_there_is_an_empty_ladder() -> None:
    assert ladder().entries == ()
