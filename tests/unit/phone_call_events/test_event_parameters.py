"""What receivers of events read, in the form that running systems send it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from bridge.calls.state.phone_call import Flow, Leg, Origin, PhoneCall, Side
from bridge.directory.caller_ids import CallerId
from bridge.phone_call_events.call_events import CallEvent
from bridge.phone_call_events.event_call_status import EventCallStatus
from bridge.phone_call_events.event_parameters import EventForm, event_parameters, form_encoded
from bridge.phone_call_events.subscription import EventType

DOC = Path(__file__).parents[3] / "docs" / "phone-call-events.md"
API_ID = "c3e92a04ff422a7a0b9f"


class ExampleNumbers:
    """Extensions of organization 0003, each with a public number."""

    def public_number(self, extension: str) -> str | None:
        return f"5550003{extension[-3:]}" if extension else None

    def extension_of(
        self, dialled: str, organization: str | None, *, from_outside: bool
    ) -> str | None:
        if re.fullmatch(r"0003\*\d{3}", dialled):
            return dialled
        if re.fullmatch(r"\d{3}", dialled) and organization:
            return f"{organization}*{dialled}"
        public = re.fullmatch(r"\+?5550003(\d{3})", dialled)
        return f"0003*{public[1]}" if public and from_outside else None


def leg(number: str, side: Side, **more: object) -> Leg:
    short = number.rpartition("*")[2]
    extension = number if "*" in number else None
    made = Leg("00", side, number, short, extension=extension, uniqueid=f"u{short}")
    return replace(made, **more)  # type: ignore[arg-type]


def call(*legs: Leg, origin: Origin = Origin.PHONE, **more: object) -> PhoneCall:
    made = PhoneCall(API_ID, "pbx1", "1700000000.12", origin, Flow.LOCAL, 0, legs=legs)
    return replace(made, organization="0003", **more)  # type: ignore[arg-type]


def event(
    type_: EventType, of: Leg, status: EventCallStatus = EventCallStatus.CALLING
) -> CallEvent:
    assert of.extension is not None
    return CallEvent(type_, of.extension, "", status, of.side is Side.SOURCE, of, 0)


ALICE, BOB = leg("0003*210", Side.SOURCE), leg("0003*211", Side.DESTINATION)
OUTSIDE, CALLER = leg("3235742879", Side.DESTINATION), leg("3235550199", Side.SOURCE)
ALICES_ID = CallerId("Alice Adams", "5550003210")


def dial_out_to_a_public_number() -> tuple[CallEvent, PhoneCall]:
    made = call(ALICE, OUTSIDE, dialled="3235742879", caller_id=ALICES_ID)
    return event(EventType.DIAL_OUT, ALICE), made


def dial_in_from_outside() -> tuple[CallEvent, PhoneCall]:
    caller = CallerId("Zoë", "3235550199")
    made = call(CALLER, BOB, origin=Origin.TRUNK, dialled="5550003211", caller_id=caller)
    return event(EventType.DIAL_IN, BOB), made


def hang_up_of_the_called() -> tuple[CallEvent, PhoneCall]:
    made = call(ALICE, BOB, dialled="211", caller_id=ALICES_ID)
    return event(EventType.HANG_UP, BOB, EventCallStatus.ANSWER), made


@pytest.mark.parametrize(
    ("title", "case"),
    [
        ("Dial-out of 210, which calls a public number:", dial_out_to_a_public_number),
        ("Dial-in of 211, called from outside by its public number:", dial_in_from_outside),
        ("Hang-up of 211, after 210 has called it and both have talked:", hang_up_of_the_called),
    ],
)
def test_given_an_example_of_the_docs_when_the_event_is_made_then_it_is_this_text(
    title: str, case: Callable[[], tuple[CallEvent, PhoneCall]]
) -> None:
    shown = DOC.read_text().partition(title)[2].split("\n")[2].removeprefix("    ")
    assert form_encoded(*case(), ExampleNumbers(), EventForm()) == shown


def test_given_capitals_are_set_when_an_event_is_made_then_the_flow_has_them() -> None:
    form = EventForm(upper_case_flow=True)
    flows = [
        event_parameters(*case(), ExampleNumbers(), form)["CallFlow"]
        for case in (dial_out_to_a_public_number, dial_in_from_outside)
    ]
    assert flows == ["OUT", "IN"]


def test_given_the_public_caller_id_is_set_when_an_extension_calls_then_it_has_that() -> None:
    form = EventForm(public_caller_id=True)
    told = event_parameters(*dial_out_to_a_public_number(), ExampleNumbers(), form)
    assert (told["CallerIDNum"], told["CallerIDName"]) == ("5550003210", "Alice Adams")


@pytest.mark.parametrize(
    ("dialled", "spelled", "to", "told"),
    [
        ("211", "211", BOB, "0003*211"),
        ("0003*211", "0003*211", BOB, "0003*211"),
        ("", "211", BOB, "0003*211"),
        ("", "0003*211", BOB, "0003*211"),
        ("3235742879", "3235742879", OUTSIDE, "3235742879"),
        ("+3235742879", "+3235742879", OUTSIDE, "+3235742879"),
        ("", "3235742879", OUTSIDE, "3235742879"),
        ("300", "211", BOB, "0003*300"),
    ],
    ids=[
        "phone, short",
        "phone, extended",
        "API, short",
        "API, extended",
        "phone, public",
        "phone, with +",
        "API, public",
        "an agent of a queue",
    ],
)
def test_given_any_way_of_dialling_when_told_then_the_number_is_extended_or_public(
    dialled: str, spelled: str, to: Leg, told: str
) -> None:
    made = call(ALICE, replace(to, spelled=spelled), dialled=dialled, caller_id=ALICES_ID)
    text = form_encoded(event(EventType.DIAL_OUT, ALICE), made, ExampleNumbers(), EventForm())
    assert dict(parse_qsl(text))["CalledNumber"] == told


def test_given_a_phone_that_dials_a_number_of_ours_when_told_then_no_extension_is_called() -> None:
    alone = call(ALICE, dialled="5550003211", caller_id=ALICES_ID)
    talking = call(ALICE, leg("5550003211", Side.DESTINATION), dialled="5550003211")
    for made in (alone, talking):  # it goes over the trunk: 211 is not rung
        told = event_parameters(
            event(EventType.DIAL_OUT, ALICE), made, ExampleNumbers(), EventForm()
        )
        assert (told["CalledExtension"], told["CalledDID"]) == ("", "")
        assert told["CalledNumber"] == "5550003211"


def test_given_two_called_parties_when_told_then_each_reads_what_its_phone_was_shown() -> None:
    cnam, outbound = CallerId("VIP", "+4930123"), CallerId("", "5550003211")
    bob = replace(BOB, shown_caller_id=cnam)
    mobile = replace(OUTSIDE, view_id="02", answered_ms=1, shown_caller_id=outbound)
    made = call(ALICE, bob, mobile, dialled="211", destination_caller_id=ALICES_ID)
    public = EventForm(public_caller_id=True)
    told = [
        event_parameters(x, made, ExampleNumbers(), public)["CallerIDNum"]
        for x in (event(EventType.DIAL_IN, bob), event(EventType.HANG_UP, ALICE))
    ]
    assert told == ["+4930123", "5550003211"]
