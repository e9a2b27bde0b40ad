"""Transfers and joins in the corners that no recorded story reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.effects import HangUpChannel
from bridge.calls.state.joining import host_first, join
from bridge.calls.state.pbx_events import ChannelState
from bridge.calls.state.phone_call import EndedBy, HangUpMark, Origin, Side
from bridge.calls.state.reconcile import Window
from bridge.calls.state.transition import apply

from .example_parties import PARTIES
from .replaying import Replay, recorded

SECOND_CALL = "attended_transfer_by_destination"


def before_the_transfer() -> Replay:
    """210 and 211 talk in a call of the app, 211 and 212 in one that 211 dialled."""
    return Replay(SECOND_CALL).until("211 connects the two")


def test_given_an_app_s_call_when_joined_with_an_older_one_then_the_app_s_goes_on() -> None:
    replay = before_the_transfer()
    api, dialled = replay.call("api"), replay.call("call 1")
    assert host_first(dialled, api) == (api, dialled)
    assert host_first(api, replace(dialled, published_ms=1)) == (
        api,
        replace(dialled, published_ms=1),
    )
    older = replace(api, origin=Origin.PHONE)
    assert host_first(dialled, older) == (older, dialled)


def test_given_the_host_was_to_end_when_joined_then_the_new_channels_are_hung_up() -> None:
    replay = before_the_transfer()
    marked = replace(replay.call("api"), hang_up=HangUpMark(EndedBy.API, 1))
    (_, effects), _ = join(marked, replay.call("call 1"), (), 5)
    assert effects == [HangUpChannel(x) for x in replay.call("call 1").channels]


def test_given_the_guest_was_to_end_when_joined_then_all_of_it_ends() -> None:
    replay = before_the_transfer()
    api, dialled = replay.call("api"), replay.call("call 1")
    marked = replace(dialled, hang_up=HangUpMark(EndedBy.API, 1, confirmed=True))
    leaving = dialled.legs[0].uniqueid or ""
    (host, effects), _ = join(api, marked, {leaving}, 5)
    assert host.hang_up == HangUpMark(EndedBy.API, 1)
    staying = {*api.channels, *dialled.channels} - {leaving}
    assert {x.uniqueid for x in effects if isinstance(x, HangUpChannel)} == staying


def test_given_a_host_that_nobody_pays_when_joined_then_the_guest_s_extension_pays() -> None:
    replay = before_the_transfer()
    nobody_s = replace(replay.call("api"), extension=None, user_id=None, organization=None)
    (host, _), _ = join(nobody_s, replay.call("call 1"), (), 5)
    assert (host.extension, host.user_id, host.organization) == ("0003*211", 12, "0003")


def test_given_someone_hung_up_before_when_joined_then_the_next_one_to_do_so_counts() -> None:
    replay = before_the_transfer()
    left_by_source = replace(replay.call("api"), first_to_hang_up=Side.SOURCE)
    (host, _), (guest, _) = join(left_by_source, replay.call("call 1"), (), 5)
    assert host.first_to_hang_up is None
    assert guest.final is not None
    assert guest.final.by is EndedBy.PBX


def test_given_a_ringing_host_when_an_answered_call_joins_then_it_rang_before_the_answer() -> None:
    replay = before_the_transfer()
    api, dialled = replay.call("api"), replay.call("call 1")
    assert dialled.answered_ms is not None
    ringing = replace(api, ringing_ms=dialled.answered_ms + 80, answered_ms=None)
    (host, _), _ = join(ringing, dialled, (), dialled.answered_ms + 500)
    assert host.ringing_ms == dialled.answered_ms + 80
    assert host.answered_ms == host.ringing_ms


def test_given_two_joined_calls_when_the_old_linkedid_is_heard_again_then_it_is_the_host() -> None:
    replay = before_the_transfer()
    old = replay.call("call 1").linkedid
    replay.until("212 hangs up")
    host = replay.call("api")
    assert replay.tracker.live.of_linkedid(old) is host
    later = ev.ChannelSnapshot("200.1", old, "PJSIP/0003*213-9", "PJSIP/0003*213", ChannelState.UP)
    replay.tracker.event(ev.ChannelAppeared(host.published_ms + 1, "200.1", old, later))
    assert "200.1" in replay.call("api").channels
    assert len(replay.tracker.live) == 1


def test_given_the_transfer_was_not_heard_when_resynced_then_the_calls_are_joined() -> None:
    replay = before_the_transfer()
    api, dialled = replay.call("api"), replay.call("call 1")
    stay = [api.legs[0].uniqueid, dialled.legs[1].uniqueid]
    listed = [
        ev.ChannelSnapshot(x or "", api.linkedid, "PJSIP/x-1", "PJSIP/x", ChannelState.UP)
        for x in stay
    ]
    asked_ms = api.published_ms + 60_000
    changes = replay.tracker.resync(listed, Window(asked_ms, asked_ms - 10, 10_000))
    reasons = [x.after.final.reason for x in changes if x.after.final is not None]
    assert reasons == [f"joined call {api.id}"]
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "03 0003*212 ON_CALL"]}


@pytest.mark.parametrize("heard", ["in a list", "with an event"])
def test_given_an_older_call_s_linkedid_won_unheard_then_the_app_s_call_goes_on(heard: str) -> None:
    """Its id is the one that somebody holds, who must be able to end it."""
    replay = before_the_transfer()
    api, dialled = replay.call("api"), replay.call("call 1")
    stays = api.legs[0].uniqueid or ""
    asked_ms = api.published_ms + 60_000
    if heard == "in a list":
        listed = [
            ev.ChannelSnapshot(x or "", dialled.linkedid, "PJSIP/x-1", "PJSIP/x", ChannelState.UP)
            for x in (stays, dialled.legs[1].uniqueid)
        ]
        changes = replay.tracker.resync(listed, Window(asked_ms, asked_ms - 10, 10_000))
    else:
        changes = replay.tracker.event(
            ev.ChannelStateChanged(asked_ms, stays, dialled.linkedid, ChannelState.UP)
        )
    reasons = [x.after.final.reason for x in changes if x.after.final is not None]
    assert reasons == [f"joined call {api.id}"]
    assert [x.id for x in replay.tracker.live] == [api.id]


def test_given_the_transfer_was_not_heard_when_the_new_linkedid_is_then_the_calls_are_joined() -> (
    None
):
    replay = Replay(SECOND_CALL)
    for line in recorded(SECOND_CALL):
        if line.headers["Event"] != "AttendedTransfer":
            replay.take(line)
    assert len(replay.tracker.live) == 0
    assert replay.end_of("api") == "ANSWERED by destination: normal clearing, cause 16"
    assert "joined call api" in replay.end_of("call 1")


def test_given_the_source_transfers_to_the_pbx_itself_when_gone_then_the_other_is_source() -> None:
    call = Replay("blind_transfer_by_source").until("210 transfers").call("api")
    first, second = (x.uniqueid or "" for x in call.legs)
    call, _ = apply(
        call, ev.Transferred(5, False, first, call.id, second, "0003*00", succeeded=True), PARTIES
    )
    call, _ = apply(call, ev.ChannelHungUp(6, first, call.id, 16), PARTIES)
    (view,) = views_of(call)
    assert (view.sources, view.destinations) == (("0003*211",), ("0003*00",))
    assert view.status.name == "ON_CALL"


def test_given_a_failed_transfer_when_told_then_the_call_is_as_before() -> None:
    call = Replay("blind_transfer_by_source").until("210 transfers").call("api")
    failed = ev.Transferred(5, False, call.id, call.id, "", "0003*212", succeeded=False)
    assert apply(call, failed, PARTIES) == (call, [])


def test_given_a_party_on_hold_when_it_is_gone_then_it_is_not_on_hold_any_more() -> None:
    call = Replay("simple_held_and_resumed").until("211 resumes").call("api")
    gone = ev.ChannelHungUp(5, call.legs[1].uniqueid or "", call.id, 16)
    after, _ = apply(call, gone, PARTIES)
    assert after.legs[1].on_hold_ms is None
    again, effects = apply(after, ev.HoldBegun(6, gone.uniqueid, call.id), PARTIES)
    assert (again, effects) == (after, [])


def test_given_only_local_transfers_when_two_public_numbers_are_connected_then_both_end() -> None:
    replay = before_the_transfer()
    api, dialled = replay.call("api"), replay.call("call 1")
    outside = [
        replace(
            call,
            local_transfers_only=call is api,
            legs=tuple(replace(x, extension=None) for x in call.legs),
        )
        for call in (api, dialled)
    ]
    legs = (*api.legs, *dialled.legs)
    leaving = {x.uniqueid or "" for x in legs if x.number == "0003*211"}
    (host, effects), _ = join(outside[0], outside[1], leaving, 5)
    assert host.hang_up == HangUpMark(EndedBy.TRANSFER_RULE, 5)
    staying = {*api.channels, *dialled.channels} - leaving
    assert {x.uniqueid for x in effects if isinstance(x, HangUpChannel)} == staying
    (host, effects), _ = join(replace(outside[0], local_transfers_only=False), outside[1], (), 5)
    assert (host.hang_up, effects) == (None, [])


@pytest.mark.parametrize("of_host", [True, False])
def test_given_only_local_transfers_of_one_call_when_joined_then_that_goes_on(
    of_host: bool,
) -> None:
    replay = before_the_transfer()
    api = replace(replay.call("api"), local_transfers_only=of_host)
    dialled = replace(replay.call("call 1"), local_transfers_only=not of_host)
    (host, _), _ = join(api, dialled, (), 5)
    assert host.local_transfers_only


@pytest.mark.parametrize("wished_by", ["host", "guest", "nobody"])
def test_given_no_public_transfer_wished_when_joined_then_two_public_numbers_end(
    wished_by: str,
) -> None:
    replay = before_the_transfer()
    calls = {"host": replay.call("api"), "guest": replay.call("call 1")}
    host, guest = (
        replace(
            call,
            allow_public_transfer=name != wished_by,
            legs=tuple(replace(x, extension=None, number="3235550200") for x in call.legs),
        )
        for name, call in calls.items()
    )
    (joined, _), _ = join(host, guest, (), 5)
    assert joined.allow_public_transfer is (wished_by == "nobody")
    ended = None if wished_by == "nobody" else HangUpMark(EndedBy.TRANSFER_RULE, 5)
    assert joined.hang_up == ended
