"""Flows that are written from the timeline of a call."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest

from bridge.flows.reading import read_flow
from bridge.flows.recorded import flow_of_timeline

Entry: TypeAlias = tuple[int, str, str, dict[str, Any]]
A, B, C = "0003*210", "0003*211", "0003*212"


def timeline(*entries: Entry) -> dict[str, Any]:
    """Each entry: ms, type, number, other facts."""
    shown = [
        {"type": kind, "ms": 1_000 + at_ms, **({"number": number} if number else {}), **facts}
        for at_ms, kind, number, facts in entries
    ]
    return {"id": "c3e9", "entry": shown}


OUT, IN = {"direction": "out"}, {"direction": "in"}
ENDED = {"disposition": 0, "by": "destination", "reason": "normal clearing"}
BEGINS: list[Entry] = [
    (0, "accepted", "", {"app": "user-12"}),
    (10, "dial", A, OUT),
    (11, "ringing", A, {}),
    (1_500, "answered", A, {}),
    (1_510, "dial", B, OUT),
    (1_520, "ringing", B, {}),
]
ANSWERED: list[Entry] = [*BEGINS, (1_600, "answered", B, {}), (1_601, "connected", "", {})]
BEGIN_TEXT = """\
flow: Call c3e9
phones:
  phone_0003_210: 0003*210
  phone_0003_211: 0003*211
steps:
  - {who: app, does: create, source: phone_0003_210, destination: phone_0003_211}
  - {who: phone_0003_210, expects: ringing}
  - {who: phone_0003_210, does: wait, for_s: 1.5}
  - {who: phone_0003_210, does: answer}
  - {who: phone_0003_211, expects: ringing}
"""
ANSWERED_TEXT = BEGIN_TEXT + (
    "  - {who: phone_0003_211, does: answer}\n  - {who: app, expects: talking}\n"
)


def test_given_a_call_that_the_destination_ended_then_its_phone_hangs_up() -> None:
    ends: list[Entry] = [
        (9_000, "hangup", B, {"hangupCause": 16}),
        (9_001, "hangup", A, {"hangupCause": 16}),
        (9_001, "ended", "", ENDED),
    ]
    assert flow_of_timeline(timeline(*ANSWERED, *ends)) == ANSWERED_TEXT + (
        "  - {who: phone_0003_211, does: wait, for_s: 7.4}\n"
        "  - {who: phone_0003_211, does: hang_up}\n"
        "  - {who: phone_0003_210, expects: no_call}\n"
        "  - {who: app, expects: ended, outcome: answered, by: destination}\n"
    )


def test_given_a_refusal_then_the_phone_that_refused_hangs_up() -> None:
    cause = {"hangupCause": 17, "sipCode": 486}
    ends: list[Entry] = [
        (1_530, "hangup", A, cause),
        (1_530, "hangup", B, cause),
        (1_530, "ended", "", {"disposition": 1, "by": "destination"}),
    ]
    assert flow_of_timeline(timeline(*BEGINS, *ends)) == BEGIN_TEXT + (
        "  - {who: phone_0003_211, does: hang_up}\n"
        "  - {who: phone_0003_210, expects: no_call}\n"
        "  - {who: app, expects: ended, outcome: busy, by: destination}\n"
    )


def test_given_a_delete_then_the_app_hangs_up() -> None:
    ends: list[Entry] = [
        (1_700, "hangupAsked", "", {"by": "api"}),
        (1_701, "hangup", A, {"hangupCause": 16}),
        (1_701, "hangup", B, {"hangupCause": 16}),
        (1_702, "ended", "", {"disposition": 0, "by": "api"}),
    ]
    assert flow_of_timeline(timeline(*ANSWERED, *ends)) == ANSWERED_TEXT + (
        "  - {who: app, does: hang_up}\n"
        "  - {who: phone_0003_210, expects: no_call}\n"
        "  - {who: phone_0003_211, expects: no_call}\n"
        "  - {who: app, expects: ended, outcome: answered, by: api}\n"
    )


def test_given_a_transfer_then_the_phone_that_left_does_not_end_the_call() -> None:
    more: list[Entry] = [
        (1_700, "transfer", A, {"attended": False, "target": C}),
        (1_701, "hangup", A, {"hangupCause": 16}),
        (1_702, "dial", C, OUT),
        (1_703, "ringing", C, {}),
        (1_704, "answered", C, {}),
        (1_800, "hangup", B, {"hangupCause": 16}),
        (1_801, "ended", "", {"disposition": 0, "by": "source"}),
    ]
    steps = flow_of_timeline(timeline(*ANSWERED, *more)).splitlines()[-6:]
    assert steps == [
        "  - {who: phone_0003_210, does: transfer, to: phone_0003_212}",
        "  - {who: phone_0003_210, expects: no_call}",
        "  - {who: phone_0003_212, expects: ringing}",
        "  - {who: phone_0003_212, does: answer}",
        "  - {who: phone_0003_211, does: hang_up}",
        "  - {who: app, expects: ended, outcome: answered, by: source}",
    ]


def test_given_a_call_of_a_phone_then_it_dials() -> None:
    found = flow_of_timeline(
        timeline(
            (0, "dial", A, IN),
            (3, "dial", B, OUT),
            (4, "ringing", B, {}),
            (5, "answered", B, {}),
            (5, "answered", A, {}),
            (9, "joined", "", {"phoneCallId": "ab12"}),
        )
    )
    assert found.splitlines()[5:] == [
        "  - {who: phone_0003_210, does: dial, number: phone_0003_211}",
        "  - {who: app, does: find, extension: phone_0003_210}",
        "  - {who: phone_0003_211, expects: ringing}",
        "  - {who: phone_0003_211, does: answer}",
        "  # it goes on as call ab12",
    ]


def test_given_a_queue_and_a_public_number_then_they_are_no_phones() -> None:
    found = flow_of_timeline(
        timeline(
            (0, "accepted", "", {}),
            (1, "dial", "3235550202", OUT),
            (2, "answered", "3235550202", {}),
            (3, "answered", "0003*300", {}),
            (4, "dial", B, OUT),
            (5, "ringing", B, {}),
            (6, "recordingStarted", "", {}),
        ),
        payer="210",
        prefix="0003",
    )
    assert "phones:\n  phone_0003_211: 0003*211\nsteps:" in found
    assert (
        '{who: app, does: create, source: "3235550202", destination: 0003*300, '
        "extension: 0003*210, recording: yes}" in found
    )


def test_given_short_numbers_then_the_prefix_makes_extensions_of_them() -> None:
    found = flow_of_timeline(
        timeline((0, "accepted", "", {}), (1, "dial", "210", OUT), (2, "ringing", "210", {})),
        prefix="0003",
    )
    assert "  phone_210: 0003*210\n" in found


@pytest.mark.parametrize(
    "entries",
    [
        [(0, "accepted", "", {})],
        [*ANSWERED, (1_700, "hold", A, {}), (1_800, "unhold", A, {})],
        [*ANSWERED, (1_700, "transfer", A, {"attended": True})],
        [*ANSWERED, (1_700, "digitsSent", A, {"count": 4}), (1_701, "ofTomorrow", A, {})],
        [*ANSWERED, (1_700, "ended", "", {"disposition": 99, "by": "}\n- {x: '\"", "reason": 1})],
        [(0, "accepted", "", {}), (1, "dial", "}\n  - {who", OUT), (2, "ringing", "a: b", {})],
    ],
)
def test_given_any_timeline_then_the_flow_can_be_read(
    entries: list[Entry],
) -> None:
    found = flow_of_timeline(timeline(*entries))
    if "{who" in str(entries):
        assert found.count("\n  - ") == found.count("{who: ")
    else:
        assert read_flow(found).flow.steps
