"""A list of the PBX may show a dialled channel before its dial is heard of.

A list is taken 10 s after each login, among other moments.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.phone_call import LegPhase, PhoneCall, Side
from bridge.calls.state.reconcile import Window, is_as_known, reconcile
from bridge.pbx.ami.event_headers import decode_channel

from .example_parties import PARTIES
from .fakes import CALL_ID, accepted

NOW_MS = 1_800_000_000_000
NUMBER, CARRIER = "3235550200", "PJSIP/trunk"


def _source() -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(
        CALL_ID, CALL_ID, "PJSIP/0003*210-1", "PJSIP/0003*210", ev.ChannelState.UP, exten="phone"
    )


def _listed(number: str) -> ev.ChannelSnapshot:
    """As CoreShowChannels tells of a channel on the trunk before its subroutine has run."""
    return decode_channel(
        {
            "Channel": "PJSIP/trunk-2",
            "Uniqueid": "100.2",
            "Linkedid": CALL_ID,
            "ChannelState": "0",
            "CallerIDNum": number,
            "Exten": "s",
        }
    )


def _call(*, listed: bool) -> PhoneCall:
    """210 calls 211, whose calls go to a public number."""
    tracker = CallTracker("pbx1", PARTIES)
    tracker.add(replace(accepted(), published_ms=NOW_MS))
    source, outside = _source(), _listed(f"{NUMBER}~0003*211")
    tracker.event(ev.ChannelAppeared(NOW_MS, CALL_ID, CALL_ID, source))
    tracker.event(ev.ChannelAppeared(NOW_MS, outside.uniqueid, CALL_ID, outside))
    if listed:
        tracker.resync([source, outside], Window(NOW_MS + 1, NOW_MS, 10_000))
    tracker.event(
        ev.DialBegun(
            NOW_MS + 2,
            CALL_ID,
            replace(outside, caller_number=NUMBER),
            f"{NUMBER}@trunk",
            "0003*211",
            "5550003211",
            "Bob",
            NUMBER,
        )
    )
    tracker.event(ev.ChannelStateChanged(NOW_MS + 3, outside.uniqueid, CALL_ID, ev.ChannelState.UP))
    [call] = tracker.live
    return call


def test_given_a_channel_listed_before_its_dial_when_it_is_dialled_then_nothing_is_lost() -> None:
    unlisted, listed = _call(listed=False), _call(listed=True)
    [party] = [x for x in listed.legs if x.uniqueid == "100.2"]
    assert (party.number, party.forwarded_from) == (NUMBER, "0003*211")
    assert (party.side, party.phase) == (Side.DESTINATION, LegPhase.UP)
    assert listed.legs == unlisted.legs


def test_given_a_channel_that_was_dialled_when_dialled_once_more_then_the_first_dial_counts() -> (
    None
):
    tracker = CallTracker("pbx1", PARTIES)
    tracker.add(_call(listed=True))
    again = ev.DialBegun(NOW_MS + 9, CALL_ID, _listed("3235550180"), "3235550180@trunk")
    tracker.event(again)
    [call] = tracker.live
    assert [x.number for x in call.legs] == ["0003*210", "0003*211", NUMBER]


@pytest.mark.parametrize("number", [NUMBER, f"{NUMBER}~0003*211"])
def test_given_a_listed_channel_of_which_no_dial_is_heard_then_its_number_is_the_dialled_one(
    number: str,
) -> None:
    tracker = CallTracker("pbx1", PARTIES)
    tracker.add(replace(accepted(), published_ms=NOW_MS))
    tracker.resync([_source(), _listed(number)], Window(NOW_MS + 1, NOW_MS, 10_000))
    [call] = tracker.live
    assert [x.number for x in call.legs] == ["0003*210", "0003*211", NUMBER]


def _through_local(mailbox: str = "") -> tuple[PhoneCall, dict[str, ev.ChannelSnapshot]]:
    """A call of the API whose source has picked up, and the same channels as a list has them."""
    tracker = CallTracker("pbx1", PARTIES)
    tracker.add(replace(accepted(), published_ms=NOW_MS))
    ring, fork = "Local/ring@bridge-source", f"{CALL_ID};2"
    halves = [
        ev.ChannelSnapshot(x, CALL_ID, f"{ring}-1;{half}", ring, ev.ChannelState.DOWN)
        for x, half in ((CALL_ID, 1), (fork, 2))
    ]
    phone = replace(_source(), uniqueid="100.1", state=ev.ChannelState.DOWN)
    for channel in (*halves, phone):
        tracker.event(ev.ChannelAppeared(NOW_MS, channel.uniqueid, CALL_ID, channel))
    tracker.event(ev.DialBegun(NOW_MS, fork, phone, "0003*210"))
    up = [replace(x, state=ev.ChannelState.UP) for x in (phone, *halves)]
    for channel in up:
        uniqueid = channel.uniqueid
        tracker.event(ev.ChannelStateChanged(NOW_MS, uniqueid, CALL_ID, ev.ChannelState.UP))
    [call] = tracker.live
    return call, {x.uniqueid: replace(x, mailbox=mailbox) for x in up}


def test_given_its_local_channel_lives_as_before_then_nothing_was_missed() -> None:
    call, listed = _through_local()
    assert [x.phase for x in call.legs if x.side is Side.SOURCE] == [LegPhase.UP]
    assert is_as_known(call, listed, NOW_MS)


def test_given_a_half_that_has_gone_to_a_mailbox_then_something_was_missed() -> None:
    call, listed = _through_local(mailbox="0003*211")
    assert not is_as_known(call, listed, NOW_MS)
    resynced, _ = reconcile(call, listed, Window(NOW_MS + 1, NOW_MS, 10_000), PARTIES)
    assert resynced.mailbox == "0003*211"
