"""Which events a change of a call is, where no phone is needed to see it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bridge.calls.effects import CallConnected, CallEnded, Effect, LegChanged, LegStep
from bridge.calls.pbx_events import DialStatus
from bridge.calls.phone_call import (
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
from bridge.calls.tracker import Change
from bridge.phone_call_events.call_events import events_of
from bridge.phone_call_events.call_status import CallStatus
from bridge.phone_call_events.event_rows import EventRows
from bridge.phone_call_events.subscription import EventType, Method, Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex
from tests.phone_call_events.in_process import RightsAsTold

EVERYBODY = {f"0003*{number}" for number in range(1000)}
CALL_ID = "0" * 20


def a_leg(short: str, side: Side, **more: object) -> Leg:
    leg = Leg(short, side, f"0003*{short}", short, extension=f"0003*{short}", uniqueid=f"u{short}")
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
                    LegChanged(
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
    dialled = LegChanged(1, LegStep.DIALLED, source)
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
        ({"disposition": Disposition.BUSY}, CallStatus.BUSY),
        ({"disposition": Disposition.NO_ANSWER}, CallStatus.NOANSWER),
        ({"disposition": Disposition.NO_ANSWER, "by": EndedBy.API}, CallStatus.CANCEL),
        ({"disposition": Disposition.NO_ANSWER, "by": EndedBy.SOURCE}, CallStatus.CANCEL),
        ({"disposition": Disposition.FAILED, "cause": 34}, CallStatus.CONGESTION),
        ({"disposition": Disposition.FAILED, "cause": 1}, CallStatus.CHANUNAVAIL),
        ({"disposition": Disposition.FAILED}, CallStatus.CHANUNAVAIL),
        ({"disposition": Disposition.UNKNOWN}, CallStatus.UNKNOWN),
    ],
)
def test_given_phone_that_dialled_when_call_ends_unanswered_then_status_follows_the_record(
    final: dict[str, object], status: CallStatus
) -> None:
    call = a_call(a_leg("210", Side.SOURCE), origin=Origin.PHONE)
    disposition = final.pop("disposition")
    assert isinstance(disposition, Disposition)
    assert ended(call, disposition, **final) == [("HANG_UP", "210", status.value)]


def test_given_nobody_subscribed_to_the_extension_when_calls_change_then_it_costs_next_to_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    index = SubscriptionIndex()
    for number in range(1000):
        index.store(
            Subscription(
                f"{number:030d}",
                f"9999*{number}",
                EventType.HANG_UP,
                "http://h/",
                Method.GET,
                True,
                "",
                "",
                "",
                0,
            )
        )
    rows = EventRows(index, _NoNumbers(), RightsAsTold(), 60, lambda _: None)
    call = a_call(a_leg("210", Side.SOURCE), a_leg("211", Side.DESTINATION))
    change = Change(call, call, (LegChanged(1, LegStep.ANSWERED, call.legs[1]),))
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

    def extension_of(self, dialled: str, organization: str | None) -> str | None:
        raise AssertionError("nothing is to be looked up")
