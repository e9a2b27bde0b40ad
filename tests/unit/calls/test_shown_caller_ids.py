"""The caller id of a view and of an event is the one that the phone shows."""

from __future__ import annotations

import pytest

from bridge.calls.live.tracker import CallTracker
from bridge.calls.state.call_views import views_of
from bridge.calls.state.effects import LegProgressed
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelSnapshot,
    ChannelState,
    DialBegun,
)
from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.caller_ids import CallerId
from bridge.pbx.ami.event_decode import decode_event

from .example_parties import PARTIES

ROOT, DIALLED = "100.1", "100.2"
CNAM = CallerId("VIP Muster GmbH", "+493012345678")


def channel(endpoint: str, uniqueid: str, number: str) -> ChannelSnapshot:
    name = f"{endpoint}-00000001"
    state = ChannelState.RING if uniqueid == ROOT else ChannelState.DOWN
    return ChannelSnapshot(uniqueid, ROOT, name, endpoint, state, number, exten="5550003211")


def dialled(caller: str, caller_id: CallerId, *, dialling: str | None = ROOT) -> PhoneCall:
    """A call of that endpoint, whose channel has this caller id when it dials 211."""
    tracker = CallTracker("pbx1", PARTIES)
    first = channel(caller, ROOT, "493012345678")
    tracker.event(ChannelAppeared(1, ROOT, ROOT, first))
    called = channel("PJSIP/0003*211", DIALLED, "211")
    dial = DialBegun(2, dialling, called, "0003*211", "", caller_id.number, caller_id.name)
    [change] = tracker.event(dial)
    told = [x.leg for x in change.effects if isinstance(x, LegProgressed)]
    assert [x for x in change.after.legs if x in told] == told  # webhooks are made of them
    return change.after


def shown(call: PhoneCall) -> CallerId | None:
    return next(x.caller_id for x in views_of(call) if x.leg.uniqueid == DIALLED)


def test_given_a_dialplan_that_changes_the_caller_id_when_it_dials_then_the_new_one_is_told() -> (
    None
):
    assert shown(dialled("PJSIP/trunk", CNAM)) == CNAM


def test_given_a_dialplan_that_withholds_the_number_when_it_dials_then_none_is_told() -> None:
    assert shown(dialled("PJSIP/trunk", CallerId("", ""))) == CallerId("", "")


def test_given_a_stranger_that_writes_the_number_of_an_extension_when_told_then_it_is_none() -> (
    None
):
    assert shown(dialled("PJSIP/trunk", CallerId("Boss", "0003*212"))) == CallerId(
        "Boss", "0003212"
    )


def test_given_a_phone_that_shows_its_extension_when_it_dials_then_that_is_told() -> None:
    own = CallerId("Alice", "0003*210")
    assert shown(dialled("PJSIP/0003*210", own)) == own


def test_given_a_dial_that_was_missed_when_found_then_the_caller_id_is_the_first_one() -> None:
    call = dialled("PJSIP/trunk", CallerId("", ""), dialling=None)
    assert shown(call) == CallerId("", "493012345678")


@pytest.mark.parametrize("number", ["<unknown>", "", "+493012345678"])
def test_given_a_dial_begin_when_decoded_then_it_has_the_caller_id_of_who_dials(
    number: str,
) -> None:
    headers = {
        "Event": "DialBegin",
        "Uniqueid": ROOT,
        "CallerIDNum": number,
        "CallerIDName": "Rock \\'n Roll",
        "DestChannel": "PJSIP/0003*211-00000002",
        "DestUniqueid": DIALLED,
        "DestCallerIDNum": "211",
    }
    event = decode_event(headers, 1)
    assert isinstance(event, DialBegun)
    wanted = "" if number == "<unknown>" else number
    assert (event.caller_number, event.caller_name) == (wanted, "Rock 'n Roll")
