"""A call detail record in the API's form: its views, their durations, and the wished fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Flow,
    LegPhase,
    Origin,
    PhoneCall,
)
from bridge.calls.store.call_detail import CallSum
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.http.uapi.cdr.cdr_json import record_json, sums_json
from bridge.http.uapi.scope import Scope
from tests.unit.calls.fakes import accepted


@pytest.fixture(scope="module")
def scope() -> Scope:
    directory = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()).directory
    app = next(x for x in directory.apps.values() if x.client_id == "user-12")
    return Scope(app, directory.users[12], (directory.extensions["0003*210"],), "@self")


def talked() -> PhoneCall:
    """The source picked up at 1 s, the destination at 5 s, and hung up at 9.9 s."""
    source, destination = accepted().legs
    gone: dict[str, Any] = {"phase": LegPhase.GONE, "uniqueid": "1.1", "ended_ms": 9900}
    legs = (
        replace(source, answered_ms=1000, **gone),
        replace(destination, answered_ms=5000, **gone),
    )
    final = FinalRecord(9950, Disposition.ANSWERED, EndedBy.DESTINATION, "normal clearing")
    return replace(accepted(), answered_ms=5000, legs=legs, final=final)


def views(call: PhoneCall, scope: Scope, fields: frozenset[str] | None = None) -> Any:
    return record_json(call, scope, {}, "http://x", fields)["phoneCallView"]


def test_one_view_for_each_destination_with_texts_and_the_duration(scope: Scope) -> None:
    [view] = views(talked(), scope)
    assert isinstance(view["source"], str)
    assert isinstance(view["destination"], str)
    assert view["source"] != view["destination"]
    assert (view["duration"], view["disposition"]) == (4, 0)


def test_of_a_call_without_an_answer_the_duration_is_0(scope: Scope) -> None:
    call = talked()
    legs = tuple(replace(x, answered_ms=None) for x in call.legs)
    final = FinalRecord(9950, Disposition.NO_ANSWER, EndedBy.PICKUP_TIMEOUT, "no answer")
    [view] = views(replace(call, answered_ms=None, legs=legs, final=final), scope)
    assert (view["duration"], view["disposition"]) == (0, 3)


def test_of_a_call_that_reached_nobody_the_dialled_digits_are_the_destination(
    scope: Scope,
) -> None:
    call = PhoneCall("0" * 20, "pbx1", "1.1", Origin.PHONE, Flow.OUTGOING, 1000, dialled="999")
    source = replace(talked().legs[0], answered_ms=None)
    final = FinalRecord(2000, Disposition.FAILED, EndedBy.PBX, "failed")
    [view] = views(replace(call, legs=(source,), final=final), scope)
    assert (view["destination"], view["duration"], view["disposition"]) == ("999", 0, 2)


def test_fields_of_views_and_of_the_call_in_one_list(scope: Scope) -> None:
    asked = frozenset({"id", "source", "duration", "answered"})
    record: Any = record_json(talked(), scope, {}, "http://x", asked)
    assert record.keys() == {"id", "answered", "phoneCallView"}
    [view] = record["phoneCallView"]
    assert view.keys() == {"id", "source", "duration", "answered"}
    assert record_json(talked(), scope, {}, "x", frozenset({"id"})).keys() == {"id"}


def test_sums() -> None:
    incoming, outgoing = sums_json([CallSum(True, 3, 4), CallSum(True, 0, 2), CallSum(False, 9, 1)])
    assert (incoming["type"], incoming["total"], incoming["unknown"]) == (0, 1, 1)
    assert (outgoing["type"], outgoing["total"], outgoing["unanswered"]) == (1, 6, 4)
    assert outgoing["answered"] == 2
