"""The second wall against forwards: an uninvited phone that rings in a call of the API is ended."""

from __future__ import annotations

from dataclasses import replace

import pytest
import structlog

from bridge.calls.state.pbx_events import ChannelState, ChannelStateChanged, DialBegun
from bridge.calls.state.phone_call import Leg, PhoneCall, Side, fork_channel_id
from bridge.clock import now_ms

from .fakes import CALL_ID, Exchange, accepted, appears, channel, settle

FORK = fork_channel_id(CALL_ID)
ROOT = replace(channel(CALL_ID), endpoint="Local/ring@bridge-source", state=ChannelState.DOWN)
HALF = replace(ROOT, uniqueid=FORK)
STRANGERS = ("PJSIP/trunk", "Local/3235550200@public", "PJSIP/0003*211", "PJSIP/0004*210")


def call_with(*dials: str) -> PhoneCall:
    """A call with these sources, and 0003*211 as its destination."""
    legs = [
        Leg(f"{index:02d}", Side.SOURCE, "1", "1", dial=dial) for index, dial in enumerate(dials)
    ]
    destination = Leg("09", Side.DESTINATION, "0003*211", "211", dial="PJSIP/0003*211")
    return replace(accepted(), legs=(*legs, destination))


async def rung(exchange: Exchange, call: PhoneCall, endpoint: str, dial_string: str) -> None:
    """The sources ring, then that channel, dialled by the channel that rings them."""
    exchange.switchboard.calls.add(call)
    for one in (ROOT, HALF):
        exchange.switchboard.pbx_event(appears(one))
    new = replace(channel("100.9"), endpoint=endpoint, linkedid=CALL_ID, state=ChannelState.DOWN)
    exchange.switchboard.pbx_event(appears(new))
    exchange.switchboard.pbx_event(DialBegun(now_ms(), FORK, new, dial_string))
    await settle()


@pytest.mark.parametrize("endpoint", STRANGERS)
async def test_given_sources_that_ring_when_a_stranger_appears_then_it_is_ended_at_once(
    endpoint: str,
) -> None:
    exchange = Exchange()
    with structlog.testing.capture_logs() as logs:
        await rung(exchange, call_with("PJSIP/0003*210"), endpoint, endpoint.partition("/")[2])
    assert exchange.pbx.hung_up == ["100.9"]
    [line] = [x for x in logs if x["event"] == "uninvited_phone_in_call"]
    assert (line["call_id"], line["endpoint"]) == (CALL_ID, endpoint)
    [call] = exchange.live
    assert [x.uniqueid for x in call.legs] == [None, None]  # it is no party of the call


async def test_given_a_public_source_when_the_trunk_is_sent_elsewhere_then_that_is_ended() -> None:
    exchange = Exchange()
    await rung(exchange, call_with("PJSIP/5354353@trunk"), "PJSIP/trunk", "19005550000@trunk")
    assert exchange.pbx.hung_up == ["100.9"]


@pytest.mark.parametrize(
    ("source", "endpoint", "dialled"),
    [
        ("PJSIP/0003*210", "PJSIP/0003*210", "0003*210"),
        ("PJSIP/5354353@trunk", "PJSIP/trunk", "5354353@trunk"),
        # Dialplan of the PBX may ring whom it likes.
        ("Local/0003*300@services/n", "PJSIP/0003*212", "0003*212"),
        ("Local/5354353@outbound", "PJSIP/carrier", "5354353@carrier"),
        # Channels of other technologies are not called as they are dialled.
        ("DAHDI/g1/5354353", "DAHDI/i1/5354353", "g1/5354353"),
    ],
)
async def test_given_sources_that_ring_when_their_own_channels_appear_then_none_is_ended(
    source: str, endpoint: str, dialled: str
) -> None:
    exchange = Exchange()
    await rung(exchange, call_with(source, "PJSIP/0003*220"), endpoint, dialled)
    assert exchange.pbx.hung_up == []


@pytest.mark.parametrize("all_devices", [True, False])
async def test_given_a_phone_dialled_by_its_address_then_that_is_right_where_there_may_be_several(
    all_devices: bool,
) -> None:
    exchange = Exchange()
    call = replace(call_with("PJSIP/0003*210"), all_devices=all_devices)
    await rung(exchange, call, "PJSIP/0003*210", "0003*210/sip:210@192.0.2.1")
    assert exchange.pbx.hung_up == ([] if all_devices else ["100.9"])


async def test_given_a_source_that_has_answered_when_others_are_rung_then_none_is_ended() -> None:
    """Destinations, and whom a transfer or a pick-up brings."""
    exchange = Exchange()
    exchange.switchboard.calls.add(call_with("PJSIP/0003*210"))
    exchange.switchboard.pbx_event(appears(ROOT))
    up = ChannelStateChanged(now_ms(), CALL_ID, CALL_ID, ChannelState.UP)
    exchange.switchboard.pbx_event(up)
    for number, endpoint in enumerate(STRANGERS):
        new = replace(channel(f"100.{number}"), endpoint=endpoint, linkedid=CALL_ID)
        exchange.switchboard.pbx_event(appears(new))
    await settle()
    assert exchange.pbx.hung_up == []


async def test_given_missed_events_when_a_channel_is_found_then_it_is_no_stranger() -> None:
    """The call may be much further on than we know."""
    exchange = Exchange()
    exchange.switchboard.calls.add(call_with("PJSIP/0003*210"))
    destination = replace(channel("100.2"), endpoint="PJSIP/0003*211", linkedid=CALL_ID)
    exchange.pbx.channels = (ROOT, HALF, destination)
    await exchange.switchboard.resync()
    await settle()
    assert exchange.pbx.hung_up == []
    await exchange.switchboard.stop()
