"""Calls of which a restarted service learns from the list of channels alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.calls.directory_parties import DirectoryParties
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import Flow
from bridge.calls.state.reconcile import Window

from .example_parties import PARTIES
from .replaying import STORIES, directory_of, recorded, typed

NOW_MS = 1_800_000_000_000
WINDOW = Window(NOW_MS, NOW_MS - 5_000, 5_000)
PHONE_210, PHONE_211, CUSTOMER = "PJSIP/0003*210", "PJSIP/0003*211", "PJSIP/trunk"


def _listed(
    uniqueid: str, endpoint: str, caller: str, exten: str, name: str = ""
) -> ev.ChannelSnapshot:
    name = name or f"{endpoint}-0001"
    return ev.ChannelSnapshot(
        uniqueid, "100.9", name, endpoint, ev.ChannelState.UP, caller, "", exten
    )


def _calls(
    channels: list[ev.ChannelSnapshot], parties: DirectoryParties = PARTIES
) -> list[tuple[object, ...]]:
    tracker = CallTracker("pbx1", parties)
    tracker.resync(channels, WINDOW)
    calls = [
        (
            call.id,
            call.origin,
            call.flow,
            call.extension,
            call.dialled,
            [(x.leg.view_id, x.leg.number, x.status, x.sources) for x in views_of(call)],
        )
        for call in tracker.live
    ]
    return sorted(calls, key=lambda x: str(x[0]))


def _told_by(listed: list[ev.ChannelSnapshot]) -> tuple[Flow, list[str], str]:
    tracker = CallTracker("pbx1", PARTIES)
    tracker.resync(listed, WINDOW)
    [call] = tracker.live
    return call.flow, [x.leg.number for x in views_of(call)], call.dialled


@pytest.mark.parametrize("called_first", [False, True])
@pytest.mark.parametrize(
    ("caller", "called", "flow"),
    [
        ((PHONE_210, "0003*210", "3235550200"), (CUSTOMER, "3235550200", ""), Flow.OUTGOING),
        ((CUSTOMER, "3235550100", "5550003211"), (PHONE_211, "0003*211", ""), Flow.INCOMING),
        ((PHONE_210, "0003*210", "211"), (PHONE_211, "0003*211", "s"), Flow.LOCAL),
    ],
)
def test_given_a_call_when_listed_in_any_order_then_who_began_it_decides_its_flow(
    caller: tuple[str, str, str], called: tuple[str, str, str], flow: Flow, *, called_first: bool
) -> None:
    # Uniqueids count on from 9 to 10.
    listed = [_listed("100.9", *caller), _listed("100.10", *called)]
    numbers = [caller[1], called[1]]
    assert _told_by(listed[::-1] if called_first else listed) == (flow, numbers, caller[2])


def test_given_a_group_when_half_a_local_channel_is_listed_first_then_the_phone_began_it() -> None:
    caller = _listed("100.9", PHONE_210, "0003*210", "601")
    name = "Local/0003*211@from-internal"
    first = _listed("100.10", name, "601", "", f"{name}-00000001;1")
    second = _listed("100.11", name, "0003*210", "s", f"{name}-00000001;2")
    member = _listed("100.12", PHONE_211, "0003*211", "s")
    flow, numbers, _ = _told_by([first, caller, second, member])
    assert (flow, numbers) == (Flow.LOCAL, ["0003*210", "0003*211"])


def _moments(story: str) -> list[list[ev.ChannelSnapshot]]:
    """The channels that lived at each moment of a recorded story; none before its first."""
    alive: dict[str, ev.ChannelSnapshot] = {}
    moments: list[list[ev.ChannelSnapshot]] = [[]]
    for event in typed(recorded(story)):
        match event:
            case ev.ChannelAppeared():
                alive[event.uniqueid] = event.channel
            case ev.ChannelStateChanged() if event.uniqueid in alive:
                channel = replace(alive[event.uniqueid], state=event.state)
                alive[event.uniqueid] = replace(channel, linkedid=event.linkedid)
            case ev.ChannelHungUp():
                alive.pop(event.uniqueid, None)
            case _:
                continue
        moments.append(list(alive.values()))
    return moments


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(STORIES), st.data())
def test_given_a_moment_of_a_real_story_when_listed_in_any_order_then_the_calls_are_the_same(
    story: str, data: st.DataObject
) -> None:
    listed = data.draw(st.sampled_from(_moments(story)))
    parties = DirectoryParties(directory_of(story))
    assert _calls(data.draw(st.permutations(listed)), parties) == _calls(listed, parties)


@pytest.mark.parametrize("exten", ["s", "h", "i", "t"])
def test_given_a_phone_in_a_subroutine_when_listed_then_that_is_no_number_it_dialled(
    exten: str,
) -> None:
    assert _told_by([_listed("100.9", PHONE_210, "0003*210", exten)]) == (
        Flow.LOCAL,
        ["0003*210"],
        "",
    )


def test_given_a_carrier_dialled_in_a_subroutine_when_listed_then_its_number_is_not_known() -> None:
    """Dial gives the channel its own extension as the number of the caller."""
    caller = _listed("100.9", PHONE_210, "0003*210", "s")
    carrier = _listed("100.10", CUSTOMER, "s", "")
    assert _told_by([caller, carrier]) == (Flow.OUTGOING, ["0003*210", ""], "")
