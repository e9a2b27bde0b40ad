"""A phone that answers a call with another number: how that party came out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.pbx_events import (
    ChannelHungUp,
    ChannelState,
    DialBegun,
    DialEnded,
    DialStatus,
    OriginateEnded,
    PbxEvent,
)
from bridge.calls.state.phone_call import Disposition, EndedBy
from bridge.clock import now_ms

from .fakes import CALL_ID, Exchange, accepted, appears, channel

FORWARDER = replace(channel("100.1"), linkedid=CALL_ID, endpoint="PJSIP/0003*211")


@pytest.mark.parametrize("told", [0, 23])
async def test_given_a_phone_that_forwards_when_its_channel_goes_then_the_cause_is_redirection(
    told: int,
) -> None:
    """Asterisk tells a cause of 0 where it has dropped the channel before it noted the 302."""
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    for event in (
        appears(channel(CALL_ID, state=ChannelState.UP)),
        OriginateEnded(now_ms(), CALL_ID, succeeded=True, reason=4),
        appears(FORWARDER),
        DialBegun(now_ms(), CALL_ID, FORWARDER, "0003*211"),
        DialEnded(now_ms(), CALL_ID, "100.1", CALL_ID, DialStatus.BUSY, forwards=True),
        ChannelHungUp(now_ms(), "100.1", CALL_ID, told),
    ):
        exchange.switchboard.pbx_event(event)
    [call] = exchange.live
    [leg] = [x for x in call.legs if x.uniqueid == "100.1"]
    assert (leg.cause, leg.sip_code, leg.dial_status) == (23, 302, DialStatus.BUSY)


@pytest.mark.parametrize("hangup_first", [True, False])
def test_given_a_source_that_forwards_when_somebody_else_answers_then_it_did_not(
    *, hangup_first: bool
) -> None:
    """A PBX whose dialplan was changed may follow it: Originate then says that it succeeded."""
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    source = replace(channel(CALL_ID, state=ChannelState.DOWN), endpoint="PJSIP/0003*210")
    for event in (
        appears(source),
        DialBegun(now_ms(), None, source, "0003*210"),
        DialEnded(now_ms(), None, CALL_ID, CALL_ID, DialStatus.CANCEL, forwards=True),
    ):
        exchange.switchboard.pbx_event(event)
    last: list[PbxEvent] = [
        OriginateEnded(now_ms(), CALL_ID, succeeded=True, reason=4),
        ChannelHungUp(now_ms(), CALL_ID, CALL_ID, 23, 302),
    ]
    for said in reversed(last) if hangup_first else last:
        for call in exchange.live:
            assert [x.answered_ms for x in call.legs] == [None, None]
        exchange.switchboard.pbx_event(said)
    [ended] = exchange.records.finished
    final = ended.final
    assert final is not None
    assert (final.disposition, final.by) == (Disposition.BUSY, EndedBy.SOURCE)
    assert (final.reason, final.cause, final.sip_code) == ("forwarding refused", 23, 302)
