"""A call that talks through a Local channel is parked: half of that is in the parking lot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.api_transfer import target_leg, with_transfer
from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import (
    CallChannel,
    Leg,
    LegPhase,
    PhoneCall,
    Side,
    fork_channel_id,
)
from bridge.calls.state.transition import apply

from .example_parties import PARTIES
from .test_parking import talk
from .test_picked_up_sources import API, CALLED, RINGS, UP, Office, api_call, local, phone

CALLER, HALF_1, HALF_2, AGENT = "400.1", "400.2", "400.3", "400.4"


def shown(office: Office) -> list[str]:
    [call] = office.tracker.live
    return [f"{x.leg.number} > {' '.join(x.destinations)}" for x in views_of(call)]


def test_given_an_app_s_call_when_the_called_phone_parks_it_then_the_slot_is_the_destination() -> (
    None
):
    office = api_call(("210",), "0003*211")
    office.rings("210")
    office.state(RINGS + "0", API, UP)
    office.state(API, API, UP)
    office.state(fork_channel_id(API), API, UP)
    office.answered(phone(CALLED, "211", API), "0003*211")
    office.says(ev.ChannelParked(0, API, API, "701"))
    office.says(ev.Transferred(0, False, CALLED, API, API, "700", succeeded=True))
    assert shown(office) == ["0003*210 > 701"]
    office.says(ev.ChannelHungUp(0, CALLED, API, 16))
    assert shown(office) == ["0003*210 > 701"]


def test_given_a_group_that_stays_when_its_phone_parks_the_caller_then_the_slot_is_shown() -> None:
    office = Office(CALLER, HALF_2, "Local/211@from-internal")
    office.appears(phone(CALLER, "210", CALLER, exten="601"))
    office.appears(local(HALF_1, CALLER, office.halves, 1))
    office.appears(local(HALF_2, CALLER, office.halves, 2))
    half = local(HALF_1, CALLER, office.halves, 1)
    office.says(ev.DialBegun(0, CALLER, half, "211@from-internal/n"))
    office.dials(HALF_2, phone(AGENT, "211", CALLER), "0003*211")
    for uniqueid in (AGENT, HALF_2, HALF_1, CALLER):
        office.state(uniqueid, CALLER, UP)
    office.says(ev.ChannelParked(0, HALF_2, CALLER, "702"))
    office.says(ev.ChannelHungUp(0, AGENT, CALLER, 16))
    assert shown(office) == ["0003*210 > 702"]


def queue_talk() -> PhoneCall:
    """210 was transferred to queue 300, a party on half a Local channel; agent 211 has it."""
    call = talk()
    caller, agent = call.legs
    queue = replace(agent, number="0003*300", extension="0003*300", uniqueid="1.3")
    name = "Local/0003*300@services-1"
    halves = [
        CallChannel("1.3", name, UP, 1, local=f"{name};1", dialled_by="1.1"),
        CallChannel("1.4", name, UP, 1, local=f"{name};2"),
    ]
    rung = replace(call.channels["1.2"], dialled_by="1.4")
    channels = {**call.channels, "1.2": rung, **{x.uniqueid: x for x in halves}}
    return replace(call, legs=(caller, queue, replace(agent, view_id="02")), channels=channels)


def test_given_a_queue_on_a_half_when_its_agent_is_parked_then_the_agent_is_the_view_left() -> None:
    event = ev.ChannelParked(500, "1.3", "1.3", "7001", "PJSIP/0003*210")
    call, _ = apply(queue_talk(), event, PARTIES)
    assert [(x.leg.number, x.destinations) for x in views_of(call)] == [("0003*211", ("7001",))]
    assert call.legs[2].parked


def test_given_a_queue_on_a_half_when_its_agent_is_sent_on_then_the_agent_is_the_source() -> None:
    call = with_transfer(queue_talk(), "00", "0003*216")
    assert [x.number for x in call.legs if x.side is Side.SOURCE] == ["0003*210", "0003*211"]


@pytest.mark.parametrize("ordered", ["Park", "Transfer"])
def test_given_a_number_that_was_never_dialled_when_the_call_goes_on_then_it_has_no_view(
    ordered: str,
) -> None:
    call = talk()
    never = Leg("02", Side.DESTINATION, "0003*213", "", extension="0003*213")
    call = replace(call, legs=(*call.legs, never))
    before = [x.leg.number for x in views_of(call)]
    if ordered == "Park":
        event = ev.ChannelParked(500, "1.2", "1.2", "7001", "PJSIP/0003*210")
        call, _ = apply(call, event, PARTIES)
        goes_to = ["7001"]
    else:
        target = target_leg(call, "0003*212", "", "PJSIP/0003*212", "0003*212")
        assert target.phase is LegPhase.WAITING
        call = with_transfer(call, "00", "0003*212", target)
        goes_to = ["0003*212"]
    assert before == ["0003*210", "0003*211"]
    views = views_of(call)
    assert "0003*213" not in [x.leg.number for x in views]
    assert list(views[0].destinations) == goes_to
