"""A PhoneCall in the API's form: what is ours of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Flow,
    Origin,
    PhoneCall,
)
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.caller_ids import CallerId
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.http.uapi.phone_call_json import phone_call_json
from bridge.http.uapi.scope import Scope
from tests.unit.calls.fakes import accepted

CALL = PhoneCall("0" * 20, "pbx1", "100.1", Origin.PHONE, Flow.LOCAL, 1000, extension="0003*210")


@pytest.fixture(scope="module")
def scope() -> Scope:
    directory = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()).directory
    app = next(x for x in directory.apps.values() if x.client_id == "user-12")
    return Scope(app, directory.users[12], (directory.extensions["0003*210"],), "210")


@pytest.mark.parametrize(
    ("taken_ms", "answered_ms", "told"),
    [
        (None, None, {}),
        (2000, None, {"taken": "1970-01-01T00:00:02Z", "takenBy": "pbx"}),
        (2000, 3000, {}),  # somebody answered after all
    ],
)
def test_given_a_call_that_the_pbx_took_when_told_then_that_says_so_until_somebody_answers(
    scope: Scope, taken_ms: int | None, answered_ms: int | None, told: dict[str, str]
) -> None:
    call = replace(CALL, taken_ms=taken_ms, answered_ms=answered_ms)
    said = phone_call_json(call, scope, {}, "http://x")
    assert {x: said[x] for x in ("taken", "takenBy") if x in said} == told


def test_given_a_caller_id_without_a_number_when_told_then_it_is_left_out(scope: Scope) -> None:
    source, destination = accepted().legs
    legs = (source, replace(destination, shown_caller_id=CallerId("", "")))
    call = replace(accepted(), legs=legs, destination_caller_id=CallerId("A", "1"))
    views = phone_call_json(call, scope, {}, "http://x")["phoneCallView"]
    assert isinstance(views, list)
    assert ["callerId" in x for x in views] == [False, False]


FINAL = FinalRecord(4004, Disposition.ANSWERED, EndedBy.SOURCE, "")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (CALL, {"publishedMs": 1000}),
        (replace(CALL, ringing_ms=2002), {"publishedMs": 1000, "ringingMs": 2002}),
        (
            replace(CALL, ringing_ms=2002, answered_ms=3003),
            {"publishedMs": 1000, "ringingMs": 2002, "answeredMs": 3003},
        ),
        (
            replace(CALL, answered_ms=3003, final=FINAL),
            {"publishedMs": 1000, "answeredMs": 3003, "endedMs": 4004},
        ),
    ],
)
def test_given_a_live_or_ended_call_when_told_then_it_has_its_moments_in_ms(
    scope: Scope, call: PhoneCall, told: dict[str, int]
) -> None:
    said = phone_call_json(call, scope, {}, "http://x")
    assert {name: value for name, value in said.items() if name.endswith("Ms")} == told


@pytest.mark.parametrize(
    ("call", "link"), [(CALL, "http://x"), (replace(CALL, final=FINAL), "http://x?ended=true")]
)
def test_given_a_call_when_told_then_its_link_leads_to_it(
    scope: Scope, call: PhoneCall, link: str
) -> None:
    said = phone_call_json(call, scope, {}, "http://x")
    assert (said["links"], said["link"]) == ({"self": link}, {"self": link})
