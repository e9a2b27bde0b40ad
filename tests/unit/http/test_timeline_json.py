"""The timeline in the API's form: numbers, webhooks between the entries, and who sees what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.timeline.entry import EntryType, Timeline, TimelineEntry
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.http.uapi.fields import Json
from bridge.http.uapi.scope import Scope
from bridge.http.uapi.timeline.timeline_json import timeline_json
from bridge.phone_call_events.store.attempt_store import KeptAttempt
from tests.unit.calls.fakes import accepted

CALL = accepted()
TIMELINE = Timeline(
    [
        TimelineEntry(10, EntryType.ACCEPTED, {"app": "user-12", "requestId": "r1"}),
        TimelineEntry(20, EntryType.DIAL, {"view": "00", "channel": "1.1", "direction": "out"}),
        TimelineEntry(15, EntryType.PARKED, {"view": "09", "parkedBy": "0003*211"}),
    ],
    left_out=4,
    sip_call_ids={"1.1": "abc"},
)


@pytest.fixture(scope="module")
def scope() -> Scope:
    directory = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()).directory
    app = directory.apps["user-12"]
    return Scope(app, directory.users[12], (directory.extensions["0003*210"],), "210")


def attempt(at_ms: int, http_status: int | None = 200, error: str | None = None) -> KeptAttempt:
    return KeptAttempt(at_ms, "s1", "2", "HANGUP", "hooks.example", 3, http_status, error)


def shown(scope: Scope, call: PhoneCall = CALL, *attempts: KeptAttempt) -> list[Json]:
    said = timeline_json(call, TIMELINE, attempts, scope)
    assert (said["id"], said["linkedId"], said["truncated"], said["leftOut"]) == (
        CALL.id,
        CALL.linkedid,
        True,
        4,
    )
    assert isinstance(said["entry"], list)
    return said["entry"]


def test_given_entries_then_parties_have_numbers_and_channels_their_call_ids(scope: Scope) -> None:
    accepted_, dial, parked = shown(scope)
    assert accepted_ == {"type": "accepted", "ms": 10, "app": "user-12", "requestId": "r1"}
    assert (dial["number"], dial["sipCallId"]) == ("210", "abc")
    assert "number" not in parked  # no party of the call has this view any more
    assert parked["parkedBy"] == "211"


def test_given_attempts_then_they_stand_between_the_entries_which_keep_their_order(
    scope: Scope,
) -> None:
    told = shown(scope, CALL, attempt(5), attempt(17), attempt(30, None, "no answer"))
    assert [x["ms"] for x in told] == [5, 10, 17, 20, 15, 30]
    assert told[0] == {
        "type": "webhook",
        "ms": 5,
        "eventType": "2",
        "callStatus": "HANGUP",
        "subscriptionId": "s1",
        "host": "hooks.example",
        "status": 200,
        "durationMs": 3,
    }
    assert (told[-1]["error"], "status" in told[-1]) == ("no answer", False)


def test_given_a_call_of_another_organization_then_its_apps_are_not_told(scope: Scope) -> None:
    [accepted_, *_] = shown(scope, replace(CALL, organization="0004"))
    assert accepted_ == {"type": "accepted", "ms": 10}
