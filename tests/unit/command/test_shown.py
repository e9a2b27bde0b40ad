"""Calls and phones as a person at a terminal sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.client import PhoneCall
from bridge.command.remote.shown import (
    call_line,
    print_call,
    print_calls,
    print_json,
    print_json_line,
    print_phones,
)

_VIEWS = [
    {"id": "00", "status": "4", "extension": "210", "source": ["210"], "destination": ["211"]},
    {"id": "01", "status": "3", "source": ["210"], "destination": ["+4930123"]},
]
LIVE: dict[str, Any] = {"id": "c1", "published": "2026-01-02T03:04:05Z", "phoneCallView": _VIEWS}
ENDED: dict[str, Any] = {
    **LIVE,
    "ended": "2026-01-02T03:05:05Z",
    "disposition": 1,
    "endedBy": "destination",
    "reason": "busy",
}


def test_a_live_call_is_told_by_its_parties_and_an_ended_one_by_its_outcome() -> None:
    assert call_line(PhoneCall.of(LIVE)) == "c1  210 other side rings → +4930123 ringing"
    assert call_line(PhoneCall.of(ENDED)) == "c1  busy, ended by destination: busy"


def test_a_call_without_a_reason_or_a_known_outcome_is_told_without_them() -> None:
    call = {**ENDED, "disposition": 77, "endedBy": None, "reason": None}
    assert call_line(PhoneCall.of(call)) == "c1  ended, ended by unknown"


def test_calls_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    without_parties = {**LIVE, "id": "c3", "phoneCallView": []}
    print_calls([PhoneCall.of(x) for x in (LIVE, {**ENDED, "id": "c2"}, without_parties)])
    head, first, second, third = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "since", "source", "destination", "state"]
    assert first.split() == ["c1", "03:04:05", "210", "211", "other", "side", "rings"]
    assert second.split()[:4] == ["c2", "03:04:05", "210", "211"]
    assert third.split() == ["c3", "03:04:05"]


def test_one_call_is_shown_with_all_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    print_call(PhoneCall.of({**ENDED, "links": {"self": "http://x"}}))
    shown = capsys.readouterr().out
    assert "endedBy" in shown
    assert "view 00" in shown
    assert "http://x" not in shown


def test_json_is_utf_8_and_a_line_where_one_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Ján"})
    print_json_line({"name": "Ján"})
    whole, line = capsys.readouterr().out.rsplit("{", 1)
    assert json.loads(whole) == {"name": "Ján"}
    assert "{" + line == '{"name": "Ján"}\n'


def test_phones_are_listed_below_their_extension(capsys: pytest.CaptureFixture[str]) -> None:
    phones = [{"agent": "baresip", "address": "192.0.2.1", "expire": "03:04"}]
    print_phones([{"extension": "210", "status": "1", "registration": phones}, {"extension": "9"}])
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["210", "free", "baresip", "192.0.2.1", "03:04"]
    assert second.split() == ["9"]
