"""A call that talks through a Local channel is parked: half of that is in the parking lot."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import fork_channel_id

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
