"""Which events a change of a call is, where no phone is needed to see it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bridge.calls.live.change import Change
from bridge.calls.state.effects import (
    CallConnected,
    CallEnded,
    DigitPressed,
    Effect,
    LegProgressed,
    LegStep,
)
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
from bridge.phone_call_events.event_call_status import EventCallStatus
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.event_parameters import EventForm
from bridge.phone_call_events.event_rows import EventRows
from bridge.phone_call_events.subscription import EventType, Method, Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex
from tests.integration.event_deliveries.in_process import RightsAsTold

EVERYBODY = {f"0003*{number}" for number in range(1000)}
CALL_ID = "0" * 20


def a_leg(short: str, side: Side, **more: object) -> Leg:
    number = f"0003*{short}"
    leg = Leg(short, side, number, short, f"PJSIP/{number}", number, uniqueid=f"u{short}")
    return replace(leg, **more)  # type: ignore[arg-type]


def a_call(*legs: Leg, origin: Origin = Origin.API, **more: object) -> PhoneCall:
    call = PhoneCall(
        CALL_ID, "pbx1", CALL_ID, origin, Flow.LOCAL, 0, extension=legs[0].extension, legs=legs
    )
    return replace(call, **more)  # type: ignore[arg-type]


def told(call: PhoneCall, *effects: Effect) -> list[tuple[str, str, str]]:
    return [
        (x.type.name, x.extension.removeprefix("0003*"), x.status.value)
        for x in events_of(Change(call, call, effects), EVERYBODY)
    ]


def ended(call: PhoneCall, disposition: Disposition, **more: object) -> list[tuple[str, str, str]]:
    final = FinalRecord(9, disposition, EndedBy.PBX, "")
    final = replace(final, **more)  # type: ignore[arg-type]
    return told(replace(call, final=final), CallEnded(final))


def test_given_destination_never_dialled_when_call_ends_then_it_is_told_nothing() -> None:
    call = a_call(
        a_leg("210", Side.SOURCE, cause=17), a_leg("211", Side.DESTINATION, uniqueid=None)
    )
    assert ended(call, Disposition.BUSY) == [("HANG_UP", "210", "BUSY")]


def test_given_end_that_nobody_saw_when_found_then_all_parties_are_told_that_it_is_unknown() -> (
    None
):
    call = a_call(a_leg("210", Side.SOURCE), a_leg("211", Side.DESTINATION, uniqueid=None))
    assert ended(call, Disposition.UNKNOWN, by=EndedBy.UNKNOWN, not_before_ms=3) == [
        ("HANG_UP", "210", "UNKNOWN"),
        ("HANG_UP", "211", "UNKNOWN"),
    ]


def test_given_originate_that_fails_without_channel_when_call_ends_then_its_source_is_told() -> (
    None
):
    call = a_call(a_leg("210", Side.SOURCE, uniqueid=None))
    assert ended(call, Disposition.FAILED) == [("HANG_UP", "210", "CHANUNAVAIL")]


def test_given_extension_dialled_twice_when_call_ends_then_it_is_told_once_that_it_answered() -> (
    None
):
    call = a_call(
        a_leg("210", Side.SOURCE, answered_ms=1),
        a_leg("211", Side.DESTINATION, uniqueid="a", dial_status=DialStatus.NOANSWER),
        a_leg("211", Side.DESTINATION, uniqueid="b", answered_ms=5),
        a_leg("211", Side.DESTINATION, uniqueid="c", dial_status=DialStatus.CANCEL),
        answered_ms=5,
    )
    assert ended(call, Disposition.ANSWERED) == [
        ("HANG_UP", "210", "ANSWER"),
        ("HANG_UP", "211", "ANSWER"),
    ]


def test_given_extension_that_calls_itself_when_call_ends_then_it_gets_one_hang_up() -> None:
    call = a_call(
        a_leg("210", Side.SOURCE, answered_ms=1), a_leg("210", Side.DESTINATION, answered_ms=2)
    )
    hang_ups = ended(replace(call, answered_ms=2), Disposition.ANSWERED)
    assert hang_ups == [("HANG_UP", "210", "ANSWER")]


def directions(call: PhoneCall) -> list[tuple[str, bool]]:
    """Of the hang-ups: whether the extension counts as calling."""
    final = FinalRecord(9, Disposition.ANSWERED, EndedBy.PBX, "")
    call = replace(call, final=final)
    return [
        (x.extension.removeprefix("0003*"), x.calling)
        for x in events_of(Change(call, call, (CallEnded(final),)), EVERYBODY)
    ]


def test_given_source_that_transferred_when_call_ends_then_who_stayed_counts_as_called() -> None:
    call = a_call(
        a_leg("210", Side.SOURCE, answered_ms=1),
        a_leg("211", Side.SOURCE, took_over=True, answered_ms=2),
        a_leg("212", Side.DESTINATION, answered_ms=3),
        answered_ms=2,
    )
    assert directions(call) == [("210", True), ("211", False), ("212", False)]


def test_given_source_called_back_by_a_transfer_when_call_ends_then_it_counts_as_calling() -> None:
    call = a_call(
        a_leg("210", Side.SOURCE, answered_ms=1),
        a_leg("211", Side.SOURCE, took_over=True, answered_ms=2),
        a_leg("210", Side.DESTINATION, uniqueid="b", answered_ms=3),
        answered_ms=2,
    )
    assert directions(call) == [("210", True), ("211", False)]


def test_given_queue_dialling_an_agent_again_when_it_rings_then_each_ring_is_its_own_event() -> (
    None
):
    call = a_call(a_leg("210", Side.SOURCE), origin=Origin.PHONE, called_service="0003*300")
    parts = [
        event.part
        for uniqueid in ("a", "b")
        for event in events_of(
            Change(
                call,
                call,
                (
                    LegProgressed(
                        1, LegStep.DIALLED, a_leg("211", Side.DESTINATION, uniqueid=uniqueid)
                    ),
                ),
            ),
            EVERYBODY,
        )
    ]
    assert parts == ["a", "b"]


def test_given_call_to_a_queue_when_it_goes_on_then_the_queue_is_told_as_called() -> None:
    source = a_leg("210", Side.SOURCE, phase=LegPhase.UP, answered_ms=2)
    call = a_call(source, origin=Origin.PHONE, called_service="0003*300", answered_ms=2)
    dialled = LegProgressed(1, LegStep.DIALLED, source)
    assert told(call, dialled) == [
        ("DIAL_OUT", "210", "CALLING"),
        ("DIAL_IN", "300", "CALLING"),
    ]
    assert told(call, CallConnected(2)) == [
        ("ANSWER_OUTGOING", "210", "ANSWER"),
        ("ANSWER_INCOMING", "300", "ANSWER"),
    ]
    assert ended(call, Disposition.ANSWERED) == [
        ("HANG_UP", "210", "ANSWER"),
        ("HANG_UP", "300", "ANSWER"),
    ]


@pytest.mark.parametrize(
    ("final", "status"),
    [
        ({"disposition": Disposition.BUSY}, EventCallStatus.BUSY),
        ({"disposition": Disposition.NO_ANSWER}, EventCallStatus.NOANSWER),
        ({"disposition": Disposition.NO_ANSWER, "reason": "cancelled"}, EventCallStatus.CANCEL),
        # its phone said that nobody picks up (480)
        ({"disposition": Disposition.NO_ANSWER, "by": EndedBy.SOURCE}, EventCallStatus.NOANSWER),
        ({"disposition": Disposition.FAILED, "reason": "congestion"}, EventCallStatus.CONGESTION),
        ({"disposition": Disposition.NOT_ALLOWED, "cause": 57}, EventCallStatus.CHANUNAVAIL),
        ({"disposition": Disposition.FAILED, "cause": 1}, EventCallStatus.CHANUNAVAIL),
        ({"disposition": Disposition.FAILED}, EventCallStatus.CHANUNAVAIL),
        ({"disposition": Disposition.UNKNOWN}, EventCallStatus.UNKNOWN),
    ],
)
def test_given_phone_that_dialled_when_call_ends_unanswered_then_status_follows_the_record(
    final: dict[str, object], status: EventCallStatus
) -> None:
    call = a_call(a_leg("210", Side.SOURCE), origin=Origin.PHONE)
    disposition = final.pop("disposition")
    assert isinstance(disposition, Disposition)
    assert ended(call, disposition, **final) == [("HANG_UP", "210", status.value)]


def test_given_payer_whose_phone_a_queue_rings_when_call_ends_then_it_is_told_as_the_payer() -> (
    None
):
    """Its dial-out was sent before its phone rang: one call, one hang-up, of who pays."""
    agent = a_leg("210", Side.DESTINATION, dial="", dial_status=DialStatus.CANCEL, cause=26)
    call = a_call(
        a_leg("300", Side.DESTINATION, extension="0003*300", answered_ms=2),
        agent,
        a_leg("211", Side.DESTINATION, dial="", answered_ms=3),
        extension="0003*210",
        answered_ms=2,
    )
    assert ended(call, Disposition.ANSWERED) == [
        ("HANG_UP", "300", "ANSWER"),
        ("HANG_UP", "211", "ANSWER"),
        ("HANG_UP", "210", "ANSWER"),
    ]
    final = FinalRecord(9, Disposition.ANSWERED, EndedBy.PBX, "")
    over = replace(call, final=final)
    [event] = events_of(Change(over, over, (CallEnded(final),)), {"0003*210"})
    assert event.calling
    assert told(call, LegProgressed(1, LegStep.DIALLED, agent)) == [("DIAL_IN", "210", "CALLING")]
    assert told(call, CallConnected(2)) == [("ANSWER_OUTGOING", "210", "ANSWER")]


def test_given_sources_that_refused_and_rang_in_vain_when_call_ends_then_each_is_told_its_own() -> (
    None
):
    call = a_call(
        a_leg("210", Side.SOURCE, cause=21, dial_status=DialStatus.BUSY),
        a_leg("211", Side.SOURCE, cause=19, dial_status=DialStatus.NOANSWER),
    )
    assert ended(call, Disposition.NO_ANSWER, reason="no answer") == [
        ("HANG_UP", "210", "BUSY"),
        ("HANG_UP", "211", "NOANSWER"),
    ]


def test_given_nobody_subscribed_to_the_extension_when_calls_change_then_it_costs_next_to_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    index = SubscriptionIndex()
    for number in range(1000):
        index.store(
            Subscription(
                f"{number:030d}",
                f"9999*{number}",
                (EventType.HANG_UP,),
                "http://h/",
                Method.GET,
                True,
                "",
                "",
                "",
                0,
            )
        )
    rows = EventRows(
        index, _NoNumbers(), RightsAsTold(), EventForm(), 60, lambda _: None, EventNumbers()
    )
    call = a_call(a_leg("210", Side.SOURCE), a_leg("211", Side.DESTINATION))
    change = Change(call, call, (LegProgressed(1, LegStep.ANSWERED, call.legs[1]),))
    count, began = 20_000, time.perf_counter()
    for _ in range(count):
        assert rows.of_change(change) is None
    each_us = (time.perf_counter() - began) / count * 1e6
    with capsys.disabled():
        print(f"\n{each_us:.2f} us for a change that nobody subscribed to")  # noqa: T201
    assert each_us < 100


class _NoNumbers:
    def public_number(self, extension: str) -> str | None:
        raise AssertionError("nothing is to be looked up")

    def extension_of(
        self, dialled: str, organization: str | None, *, from_outside: bool
    ) -> str | None:
        raise AssertionError("nothing is to be looked up")


def test_a_digit_is_told_to_all_who_are_in_the_call_and_to_who_pays() -> None:
    one = a_leg("210", Side.SOURCE, phase=LegPhase.UP)
    two = a_leg("211", Side.DESTINATION, phase=LegPhase.UP)
    rings = a_leg("212", Side.DESTINATION, phase=LegPhase.RINGING)
    parker = a_leg("213", Side.SOURCE, phase=LegPhase.UP, handed_over=True)
    call = a_call(one, two, rings, parker, extension="0003*214", called_service="0003*300")
    pressed = DigitPressed(7, two, "5")
    found = list(events_of(Change(call, call, (pressed,)), EVERYBODY))
    assert [(x.extension.removeprefix("0003*"), x.calling) for x in found] == [
        ("210", True),
        ("211", False),
        ("300", False),
        ("214", True),
    ]
    assert {x.type for x in found} == {EventType.DIGIT}
    assert list(events_of(Change(call, call, (pressed,)), {"0003*212"})) == []
