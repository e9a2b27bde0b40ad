"""Parties that others move into a conference: what the recordings do not show."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import has_party, views_of
from bridge.calls.state.reconcile import Window

from .test_picked_up_sources import CALLED, UP, Office, phone

CALLER = "500.1"
ALIVE = ev.ChannelState.UP


def talking() -> Office:
    office = Office(CALLER, "", "")
    office.appears(phone(CALLER, "210", CALLER, exten="211"))
    office.answered(phone(CALLED, "211", CALLER), "0003*211")
    office.state(CALLER, CALLER, UP)
    return office


def joins(office: Office, uniqueid: str, exten: str, conference: str = "sales") -> None:
    office.says(ev.ConferenceJoined(0, uniqueid, CALLER, exten, conference))


def shown(office: Office) -> str:
    [call] = office.tracker.live
    view = views_of(call)[0]
    return f"{' '.join(view.sources)} > {' '.join(view.destinations)}"


def is_found(office: Office, number: str) -> bool:
    [call] = office.tracker.live
    return has_party(call, number, {f"0003*{number}"})


def test_given_a_conference_of_no_extension_when_moved_into_it_then_its_number_is_found() -> None:
    office = talking()
    joins(office, CALLER, "599")
    office.says(ev.ChannelHungUp(0, CALLED, CALLER, 16))
    assert shown(office) == "0003*210 > 599"
    assert is_found(office, "599")
    assert not is_found(office, "211")


def test_given_a_conference_that_a_subroutine_runs_when_moved_into_it_then_its_name_counts() -> (
    None
):
    office = talking()
    joins(office, CALLER, "s", "500")
    office.says(ev.ChannelHungUp(0, CALLED, CALLER, 16))
    assert shown(office) == "0003*210 > 0003*500"


def test_given_a_dialled_conference_when_it_says_who_is_in_it_then_it_is_there_once() -> None:
    office = Office(CALLER, "", "")
    office.appears(phone(CALLER, "210", CALLER, exten="500"))
    office.state(CALLER, CALLER, UP)
    joins(office, CALLER, "STARTMEETME", "500")
    assert shown(office) == "0003*210 > 0003*500"
    office.says(ev.ConferenceLeft(0, CALLER, CALLER))
    assert shown(office) == "0003*210 > "
    assert not is_found(office, "500")
    office.says(ev.ChannelHungUp(0, CALLER, CALLER, 16))
    record = views_of(office.ended[-1])[0]
    assert record.destinations == ("0003*500",)


def test_given_both_in_a_conference_when_channels_are_compared_then_it_stays_a_party() -> None:
    office = talking()
    joins(office, CALLER, "500")
    joins(office, CALLED, "500")
    channels = [
        ev.ChannelSnapshot(x, CALLER, f"PJSIP/0003*{short}-1", f"PJSIP/0003*{short}", ALIVE)
        for x, short in ((CALLER, "210"), (CALLED, "211"))
    ]
    now = office.at_ms + 1000
    office.tracker.resync(channels, Window(now, office.at_ms, 0))
    assert shown(office) == "0003*210 > 0003*211 0003*500"
    office.tracker.resync(channels[1:], Window(now + 1000, now, 0))
    assert is_found(office, "500")
    office.tracker.resync([], Window(now + 2000, now + 1000, 0))
    assert not len(office.tracker.live)


def test_given_half_a_local_channel_in_a_conference_then_what_it_was_dialled_for_is_the_party() -> (
    None
):
    office = talking()
    half = ev.ChannelSnapshot("500.7", CALLER, "Local/500@x-1;2", "Local/500@x", UP)
    office.appears(half)
    joins(office, "500.7", "500")
    assert shown(office) == "0003*210 > 0003*211"
