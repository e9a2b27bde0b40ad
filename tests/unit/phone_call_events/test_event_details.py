"""Our facts about an event, as its receiver reads them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import orjson
import pytest

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallConnected, CallEnded
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Flow,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.phone_call_events.call_events import events_of
from bridge.phone_call_events.delivery import Delivery, NewDelivery
from bridge.phone_call_events.event_body import details_header, json_body
from bridge.phone_call_events.event_details import event_details
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.event_parameters import EventForm
from bridge.phone_call_events.event_rows import EventRows
from bridge.phone_call_events.subscription import BodyFormat, EventType, Method, Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex
from tests.integration.event_deliveries.in_process import NoNumbers, RightsAsTold

CALLER = Leg("00", Side.SOURCE, "0003*210", "210", extension="0003*210", uniqueid="u0")
CALLED = Leg("01", Side.DESTINATION, "0003*211", "211", extension="0003*211", uniqueid="u1")
EVERYBODY = {"0003*210", "0003*211"}


def a_call(*legs: Leg, **more: object) -> PhoneCall:
    call = PhoneCall("c" * 20, "pbx1", "17.1", Origin.API, Flow.LOCAL, 1_000, legs=legs)
    return replace(call, **more)  # type: ignore[arg-type]


def ended(call: PhoneCall, final: FinalRecord) -> Change:
    return Change(call, replace(call, final=final), (CallEnded(final),))


def hang_ups(change: Change) -> dict[str, dict[str, object]]:
    return {
        x.extension: event_details(x, change.after)
        for x in events_of(change, EVERYBODY)
        if x.type is EventType.HANG_UP
    }


def test_given_talk_when_it_ends_then_each_hears_how_long_and_how() -> None:
    caller = replace(CALLER, answered_ms=2_000, phase=LegPhase.UP)
    called = replace(CALLED, answered_ms=3_000, ended_ms=7_500, phase=LegPhase.GONE)
    call = a_call(caller, called, answered_ms=3_000)
    final = FinalRecord(8_000, Disposition.ANSWERED, EndedBy.DESTINATION, "", cause=16)
    told = hang_ups(ended(call, final))
    assert told["0003*210"] == {
        "type": "2",
        "occurredMs": 8_000,
        "extension": "0003*210",
        "phoneCallId": "c" * 20,
        "callId": "17.1",
        "durationMs": 5_000,
        "disposition": 0,
        "hangupCause": 16,
        "endedBy": "destination",
    }
    assert told["0003*211"]["durationMs"] == 4_500


def test_given_phone_that_refused_when_the_call_ends_then_both_hear_its_sip_code() -> None:
    called = replace(
        CALLED, dial_status=DialStatus.BUSY, sip_code=486, cause=17, phase=LegPhase.GONE
    )
    call = a_call(replace(CALLER, answered_ms=2_000, phase=LegPhase.UP), called)
    final = FinalRecord(8_000, Disposition.BUSY, EndedBy.DESTINATION, "busy", 17, 486)
    for details in hang_ups(ended(call, final)).values():
        assert {k: details[k] for k in ("durationMs", "disposition", "sipCode", "hangupCause")} == {
            "durationMs": 0,
            "disposition": 1,
            "sipCode": 486,
            "hangupCause": 17,
        }


def test_given_live_call_when_it_is_answered_then_its_end_is_not_told() -> None:
    legs = [replace(x, answered_ms=3_000, phase=LegPhase.UP) for x in (CALLER, CALLED)]
    call = a_call(*legs, answered_ms=3_000)
    [answer] = events_of(Change(call, call, (CallConnected(3_000),)), {"0003*210"})
    assert "durationMs" not in event_details(answer, call)


def rows_of(index: SubscriptionIndex, change: Change) -> list[NewDelivery]:
    """The new events, with their statement's values by name."""
    rows = EventRows(
        index, NoNumbers(), RightsAsTold(), EventForm(), 60, lambda _: None, EventNumbers()
    )
    companions = rows.of_change(change)
    assert companions is not None
    made = []
    for write in companions.rows[1::3]:
        values = dict(zip(write.statement.names, write.params, strict=True))
        made.append(NewDelivery(**{name: values[name] for name in NewDelivery.__slots__}))
    return made


@pytest.mark.parametrize("value", ["0003*210", "a b", "x&y=z", "100%", "Ján", "=", "True", "", 7])
def test_given_any_facts_when_told_in_the_header_then_they_are_form_encoded(
    value: str | int,
) -> None:
    facts = {"type": "2", "extension": value, "test": True, "metadata": {"left": "out"}}
    delivery = Delivery("d", "s", 1, "c", 1, 2, "", details=orjson.dumps(facts).decode())
    told = {"type": "2", "extension": value, "test": "true", "extensionSequence": None}
    assert details_header(delivery) == urlencode(told)


def subscription(name: str, *types: EventType) -> Subscription:
    return Subscription(
        name, "0003*210", types, "http://h/", Method.POST, True, "", "s", "app", 0, BodyFormat.JSON
    )


def test_given_two_subscriptions_when_an_event_comes_then_both_have_its_number() -> None:
    index = SubscriptionIndex()
    index.store(subscription("a", EventType.HANG_UP))
    index.store(subscription("b", EventType.DIAL_OUT, EventType.HANG_UP))
    call = a_call(replace(CALLER, answered_ms=2_000), CALLED)
    final = FinalRecord(8_000, Disposition.FAILED, EndedBy.PBX, "")
    one, two = rows_of(index, ended(call, final))
    assert one.extension_sequence == two.extension_sequence
    assert one.id != two.id
    assert orjson.loads(two.details)["type"] == "2"
    assert dict(parse_qsl(one.parameters))["CallAPIID"] == "c" * 20


def test_given_several_types_when_one_is_removed_then_none_of_them_is_wanted() -> None:
    index = SubscriptionIndex()
    both = subscription("a", EventType.DIAL_IN, EventType.HANG_UP)
    index.store(both)
    assert index.wanting("0003*210", EventType.DIAL_IN) == [both]
    assert index.wanting("0003*210", EventType.HANG_UP) == [both]
    index.remove("a")
    assert not any(index.wants(x) for x in EventType)


def test_given_two_types_with_one_part_when_ids_are_made_then_they_differ() -> None:
    """A phone that rings and answers has one part, which tells its events of one type apart."""
    index = SubscriptionIndex()
    index.store(subscription("a", *EventType))
    call = a_call(replace(CALLER, answered_ms=2_000, phase=LegPhase.UP), CALLED, answered_ms=3_000)
    final = FinalRecord(8_000, Disposition.ANSWERED, EndedBy.PBX, "")
    connected = Change(call, call, (CallConnected(3_000), *ended(call, final).effects))
    made = rows_of(index, replace(connected, after=ended(call, final).after))
    assert [orjson.loads(x.details)["type"] for x in made] == ["4", "2"]
    assert len({x.id for x in made}) == 2


def test_given_clock_that_is_set_back_when_numbers_are_made_then_they_grow_all_the_same() -> None:
    numbers = EventNumbers()
    first, second = numbers.next(), numbers.next()
    assert first < second
    numbers.go_on_after(2**50)
    assert numbers.next() == 2**50 + 1


def test_given_the_example_of_the_page_when_an_event_is_made_then_it_has_its_fields() -> None:
    page = (Path(__file__).parents[3] / "docs" / "phone-call-events.md").read_text()
    example = orjson.loads(re.findall(r"```json\n(.*?)```", page, re.S)[0])
    index = SubscriptionIndex()
    index.store(subscription("a", EventType.HANG_UP))
    call = a_call(replace(CALLER, answered_ms=2_000), CALLED, answered_ms=2_000)
    final = FinalRecord(8_000, Disposition.ANSWERED, EndedBy.SOURCE, "", cause=16)
    [made] = rows_of(index, ended(call, final))
    delivery = Delivery(sequence=7, **{x: getattr(made, x) for x in NewDelivery.__slots__})
    body = orjson.loads(json_body(delivery))
    assert list(body) == list(example)
    assert list(body["parameters"]) == list(example["parameters"])
    shown = dict(parse_qsl(re.findall(r"X-Event-Details: (\S+)", page)[0]))
    assert list(shown) == list(dict(parse_qsl(details_header(delivery))))
