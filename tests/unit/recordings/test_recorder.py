"""When a part is started and stopped, in which order, and what a fault leaves behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from bridge.calls.live.change import Change
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    HangUpMark,
    LegPhase,
    PhoneCall,
    Side,
)
from bridge.clock import now_ms
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.faults import StorageUnavailable
from bridge.recordings.conversation import Conversation, Mute
from bridge.recordings.deletion import AlreadyGone, UnderRetention
from bridge.recordings.file_removal import NotRemoved
from bridge.recordings.recording_pbx import NoSuchChannel
from tests.unit.calls.fakes import CALL_ID, settle

from .fakes import REQUEST, Studio, connected

FINAL = FinalRecord(9_999_999_999_999, Disposition.ANSWERED, EndedBy.SOURCE, "", cause=16)


async def _now(studio: Studio, call: PhoneCall) -> None:
    """The call has changed to this."""
    if call.final is None:
        studio.exchange.switchboard.calls.add(call)
    else:
        studio.exchange.switchboard.calls.drop(call.id)
        studio.exchange.records.stored[call.id] = call
    studio.recorder.changed(Change(None, call, ()))
    await settle()


async def test_given_a_connected_call_then_the_record_is_on_disk_before_the_recording() -> None:
    studio = Studio()
    await _now(studio, connected())
    assert studio.world.diary == ["create record", f"start {CALL_ID}"]
    [media] = studio.conversation.media
    assert (media.name, media.mixmonitor_id) == (f"{studio.conversation.id}-1", "0x1")
    assert studio.conversation.native_id == CALL_ID


async def test_given_a_call_that_is_not_connected_or_not_wanted_then_nothing_is_done() -> None:
    studio = Studio()
    await _now(studio, replace(connected(), answered_ms=None))
    await _now(studio, connected(recording=False))
    assert studio.world.diary == []


async def test_given_recording_is_switched_off_when_a_call_connects_then_nothing_is_done() -> None:
    studio = Studio(switched_on=False)
    await _now(studio, connected())
    assert studio.world.diary == []


async def test_given_a_recorded_channel_that_leaves_then_another_one_is_recorded() -> None:
    studio = Studio()
    call = connected()
    await _now(studio, call)
    await _now(studio, replace(call, channels={"b": call.channels["b"]}))
    assert studio.world.diary == ["create record", f"start {CALL_ID}", "start b"]
    first, second = studio.conversation.media
    assert first.ended_ms is not None
    assert second.name == f"{studio.conversation.id}-2"


async def test_given_a_recorded_phone_that_parked_the_other_then_who_talks_on_is_recorded() -> None:
    studio = Studio()
    call = connected()
    await _now(studio, call)
    parker = replace(call.legs[0], handed_over=True)
    await _now(studio, replace(call, legs=(parker, *call.legs[1:])))
    assert studio.world.diary == [
        "create record",
        f"start {CALL_ID}",
        f"stop {CALL_ID}",
        "start b",
    ]


async def test_given_a_recorded_phone_that_is_in_another_call_now_then_its_recording_stops() -> (
    None
):
    studio = Studio()
    call = connected()
    await _now(studio, call)
    moved = replace(call.legs[0], phase=LegPhase.GONE, moved=True)
    left = {"b": call.channels["b"]}
    await _now(studio, replace(call, legs=(moved, *call.legs[1:]), channels=left))
    assert studio.world.diary == [
        "create record",
        f"start {CALL_ID}",
        f"stop {CALL_ID}",
        "start b",
    ]


async def test_given_the_end_of_a_call_then_its_record_ends_and_waits_for_its_measures() -> None:
    studio = Studio()
    await _now(studio, connected())
    await _now(studio, replace(connected(), final=FINAL, channels={}))
    assert studio.conversation.ended_ms == FINAL.at_ms
    assert studio.conversation.cause == 16
    assert studio.to_finish == [studio.conversation.id]


async def test_given_a_refused_start_when_the_call_ends_then_no_record_is_left() -> None:
    studio = Studio()
    studio.world.fails = PbxRefused("No such channel")
    await _now(studio, connected())
    await _now(studio, replace(connected(), final=FINAL, channels={}))
    assert studio.world.records == {}
    assert studio.to_finish == []
    assert set(studio.failed) == {"not_started"}


async def test_given_no_link_when_it_is_back_then_the_recording_starts_once() -> None:
    studio = Studio()
    studio.world.fails = PbxUnavailable("down")
    await _now(studio, connected())
    assert not studio.conversation.media
    studio.world.fails = None
    await studio.recorder.retry()
    await settle()
    await studio.recorder.retry()
    await settle()
    assert studio.world.diary == ["create record", f"start {CALL_ID}"]


@pytest.mark.parametrize("has_begun", [True, False])
async def test_given_an_unknown_outcome_then_the_file_tells_whether_it_is_recording(
    has_begun: bool,
) -> None:
    studio = Studio()
    studio.world.fails = PbxOutcomeUnknown("no answer")
    await _now(studio, connected())
    studio.world.fails = None
    if has_begun:
        studio.world.files[studio.conversation.media[0].name] = b""
    await studio.recorder.retry()
    await settle()
    started = [] if has_begun else [f"start {CALL_ID}"]
    assert studio.world.diary == ["create record", *started]
    assert [x.mixmonitor_id for x in studio.conversation.media] == ["", *["0x1" for _ in started]]


async def test_given_a_kill_between_record_and_start_when_started_again_then_it_is_recorded() -> (
    None
):
    before = Studio()
    await _now(before, connected())
    before.world.files.clear()
    conversation = before.conversation
    unconfirmed = replace(conversation.media[0], mixmonitor_id="")
    await before.world.update(conversation.with_media(unconfirmed))
    studio = Studio(before.world)
    studio.world.diary.clear()
    studio.exchange.switchboard.calls.add(connected())
    await studio.recorder.start()
    await studio.recorder.link_up()
    await settle()
    assert studio.world.diary == [f"start {CALL_ID}"]
    assert [x.part for x in studio.conversation.media] == [1, 2]


async def test_given_no_database_then_nothing_is_recorded_until_it_is_back() -> None:
    studio = Studio()
    studio.world.storage_fails = StorageUnavailable("down")
    await _now(studio, connected())
    assert studio.world.diary == []
    studio.world.storage_fails = None
    await studio.recorder.retry()
    await settle()
    assert studio.world.diary == ["create record", f"start {CALL_ID}"]


async def test_given_a_deletion_then_mark_stop_file_in_this_order_and_nothing_more() -> None:
    studio = Studio()
    call = connected()
    await _now(studio, call)
    studio.world.diary.clear()
    await studio.deletion.delete(studio.world.records[studio.conversation.id], REQUEST)
    assert studio.world.diary == ["mark", f"stop {CALL_ID}", "delete file"]
    await _now(studio, replace(call, channels={"b": call.channels["b"]}))
    assert studio.world.diary == ["mark", f"stop {CALL_ID}", "delete file"]
    # A second wish is the same one, until the record is gone.
    stored = studio.world.records[studio.conversation.id]
    await studio.deletion.delete(stored, REQUEST)
    assert studio.world.audit_lines == [stored.conversation.id]
    studio.world.records.clear()
    with pytest.raises(AlreadyGone):
        await studio.deletion.delete(stored, REQUEST)


async def test_given_a_stop_that_fails_then_not_removed_and_done_when_the_link_is_back() -> None:
    studio = Studio()
    await _now(studio, connected())
    studio.world.diary.clear()
    studio.world.fails = PbxUnavailable("down")
    with pytest.raises(NotRemoved):
        await studio.deletion.delete(studio.world.records[studio.conversation.id], REQUEST)
    # The background work cannot stop it either, and must not hide that.
    with pytest.raises(NotRemoved, match="not stopped"):
        await studio.deletion.delete(studio.world.records[studio.conversation.id], REQUEST)
    await studio.finisher.removal.remove(studio.world.records[studio.conversation.id])
    assert "not stopped" in (studio.world.records[studio.conversation.id].marks.failure or "")
    studio.world.diary.clear()
    studio.world.fails = None
    await studio.recorder.link_up()
    await settle()
    assert studio.world.diary == [f"stop {CALL_ID}"]
    assert studio.to_finish == [studio.conversation.id]
    await studio.finisher.removal.remove(studio.world.records[studio.conversation.id])
    assert studio.world.records[studio.conversation.id].marks.failure is None


async def test_given_a_mark_when_the_service_starts_again_then_it_stops_the_recording() -> None:
    before = Studio()
    await _now(before, connected())
    await before.world.mark_deletion(before.conversation, REQUEST)
    studio = Studio(before.world)
    studio.world.diary.clear()
    studio.exchange.switchboard.calls.add(connected())
    await studio.recorder.start()
    await studio.recorder.link_up()
    await settle()
    assert studio.world.diary == [f"stop {CALL_ID}"]
    assert studio.to_finish == [studio.conversation.id]


async def test_given_a_call_that_ended_unseen_when_the_service_starts_again_then_it_is_ended() -> (
    None
):
    before = Studio()
    await _now(before, connected())
    studio = Studio(before.world)
    studio.exchange.records.stored[CALL_ID] = replace(connected(), final=FINAL, channels={})
    await studio.recorder.start()
    await studio.recorder.link_up()
    await settle()
    assert studio.conversation.ended_ms == FINAL.at_ms


async def test_given_a_call_that_has_only_begun_when_deleted_then_it_is_never_recorded() -> None:
    studio = Studio()
    ringing = replace(connected(), answered_ms=None)
    studio.exchange.switchboard.calls.add(ringing)
    await studio.deletion.delete(ringing, REQUEST)
    await _now(studio, connected(ringing))
    assert studio.world.diary == ["create record", "mark"]
    await _now(studio, replace(connected(), final=FINAL, channels={}))
    assert studio.to_finish == [studio.conversation.id]


async def test_given_a_stuck_file_then_the_record_stays_until_it_can_be_removed() -> None:
    studio = Studio()
    await _now(studio, connected())
    await _now(studio, replace(connected(), final=FINAL, channels={}))
    conversation = studio.conversation
    studio.world.stuck = {conversation.media[0].name}
    for _ in range(2):
        with pytest.raises(NotRemoved):
            await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    assert studio.world.audit_lines == [conversation.id]
    studio.world.stuck = set()
    await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    assert studio.world.records == {}
    assert studio.world.diary[-2:] == ["delete file", "remove record"]


async def test_given_the_disk_lags_behind_the_end_when_tried_again_then_the_end_still_counts() -> (
    None
):
    """Seen with a PBX that came back: the retry read the call as it was, and undid its end."""
    studio = Studio()
    call = connected()
    await _now(studio, call)
    studio.world.fails = PbxUnavailable("down")
    await _now(studio, replace(call, channels={"b": call.channels["b"]}))  # cannot go on there
    studio.world.fails = None
    studio.exchange.switchboard.calls.drop(call.id)
    studio.exchange.records.stored[call.id] = call
    ended = replace(call, final=FINAL, channels={})
    studio.recorder.changed(Change(None, ended, ()))
    await studio.recorder.retry()
    await settle()
    assert studio.conversation.ended_ms == FINAL.at_ms
    studio.exchange.records.stored[call.id] = ended
    await studio.recorder.retry()
    await settle()
    assert studio.to_finish == [studio.conversation.id]


@pytest.mark.parametrize("seen_before_the_end", [True, False])
async def test_given_a_talk_that_is_taken_over_when_it_ends_then_the_later_partner_is_named(
    seen_before_the_end: bool,
) -> None:
    """A talk that is short may have ended before the recorder looks at it again."""
    studio = Studio()
    call = connected()
    await _now(studio, call)
    source, destination = call.legs
    later = replace(destination, number="0003*212", extension="0003*212", uniqueid="c")
    destination = replace(destination, phase=LegPhase.GONE, handed_over=True)
    taken_over = replace(call, legs=(source, destination, later))
    if seen_before_the_end:
        await _now(studio, taken_over)
    gone = tuple(replace(x, phase=LegPhase.GONE) for x in taken_over.legs)
    await _now(studio, replace(taken_over, legs=gone, channels={}, final=FINAL))
    conversation = studio.conversation
    assert {"0003*210", "0003*211", "0003*212"} <= conversation.numbers
    assert conversation.destination.number == "0003*211"


async def test_given_a_mute_that_fails_for_a_later_file_when_tried_again_then_it_is_silent() -> (
    None
):
    studio = Studio()
    call = connected()
    await _now(studio, call)
    assert await studio.recorder.mute(call, Mute.SOURCE)
    studio.world.mute_fails = PbxOutcomeUnknown("no answer")
    transferred = replace(call, channels={"b": call.channels["b"]})
    await _now(studio, transferred)
    studio.world.diary.clear()
    studio.world.mute_fails = None
    await studio.recorder.retry()
    await settle()
    assert studio.world.diary == ["mute b from channel False", "mute b to channel True"]
    await _now(studio, transferred)
    assert len(studio.world.diary) == 2


async def test_given_a_mute_that_fails_then_it_is_as_before_and_made_so_again() -> None:
    studio = Studio()
    call = connected()
    await _now(studio, call)
    studio.world.mute_fails = PbxOutcomeUnknown("no answer")
    with pytest.raises(PbxOutcomeUnknown):
        await studio.recorder.mute(call, Mute.BOTH)
    studio.world.mute_fails = None
    studio.world.diary.clear()
    await studio.recorder.retry()
    await settle()
    assert studio.conversation.mute is Mute.NONE
    assert studio.world.diary == [
        f"mute {CALL_ID} from channel False",
        f"mute {CALL_ID} to channel False",
    ]


async def _measured(studio: Studio) -> Conversation:
    """A call was recorded, has ended, and the sizes of its files are known."""
    await _now(studio, connected())
    await _now(studio, replace(connected(), final=FINAL, channels={}))
    conversation = studio.conversation
    [media] = conversation.media
    measured = conversation.with_media(replace(media, bytes=44_000, sha256="x"))
    await studio.world.update(measured)
    return measured


async def test_given_a_file_that_was_there_when_all_are_gone_then_it_is_not_taken_for_deleted() -> (
    None
):
    """So looks the mount point of a share that is not mounted."""
    studio = Studio()
    conversation = await _measured(studio)
    files, studio.world.files = studio.world.files, {}
    with pytest.raises(NotRemoved, match="mounted"):
        await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    studio.world.files = files
    await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    assert (studio.world.records, files) == ({}, {})


async def test_given_a_file_that_somebody_removed_when_others_are_there_then_it_is_deleted() -> (
    None
):
    studio = Studio()
    conversation = await _measured(studio)
    studio.world.files = {"another": b""}
    await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    assert studio.world.records == {}


async def test_given_a_call_of_another_pbx_when_deleted_then_nothing_counts_as_deleted() -> None:
    studio = Studio()
    conversation = await _measured(studio)
    await studio.world.update(replace(conversation, pbx="old"))
    with pytest.raises(NotRemoved, match="old"):
        await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    assert conversation.id in studio.world.records


async def test_given_a_called_organization_with_retention_when_deleted_then_it_is_kept_for_it(
    tmp_path: Path,
) -> None:
    file, name = tmp_path / "directory.yaml", "    name: Second Organization\n"
    text = EXAMPLE_FILE.read_text()
    file.write_text(text.replace(name, f"{name}    recording_retention_days: 30\n"))
    studio = Studio(directory=CurrentDirectory(file, ThrowawaySecrets()))
    conversation = await _measured(studio)
    called = replace(conversation, numbers=conversation.numbers | {"0004*210"})
    await studio.world.update(called)
    with pytest.raises(UnderRetention, match="30 days"):
        await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    await studio.world.update(conversation)
    await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)


async def test_given_a_mute_of_before_a_restart_when_it_is_lifted_then_the_pbx_is_told() -> None:
    before = Studio()
    call = connected()
    await _now(before, call)
    assert await before.recorder.mute(call, Mute.BOTH)
    studio = Studio(before.world)
    studio.exchange.switchboard.calls.add(call)
    await studio.recorder.start()
    studio.world.diary.clear()
    assert await studio.recorder.mute(call, Mute.NONE)
    assert studio.world.diary == [
        f"mute {CALL_ID} from channel False",
        f"mute {CALL_ID} to channel False",
    ]


@pytest.mark.parametrize("write", ["update", "remove"])
async def test_given_the_last_file_removed_and_then_no_database_then_the_next_try_ends_it(
    write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio()
    conversation = await _measured(studio)

    async def away(*_: object) -> bool:
        monkeypatch.undo()
        raise StorageUnavailable("away")

    monkeypatch.setattr(studio.world, write, away)
    with pytest.raises(StorageUnavailable):
        await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    assert studio.world.files == {}
    await studio.deletion.delete(studio.world.records[conversation.id], REQUEST)
    assert studio.world.records == {}


@pytest.mark.parametrize(
    ("ended_ago_s", "kept"), [(0, True), (2 * 86_400 - 60, True), (2 * 86_400 + 60, False)]
)
async def test_given_a_retention_of_the_settings_when_it_is_over_then_it_may_be_deleted(
    ended_ago_s: int, kept: bool
) -> None:
    studio = Studio(retention_days=2)
    conversation = replace(await _measured(studio), ended_ms=now_ms() - ended_ago_s * 1000)
    await studio.world.update(conversation)
    stored = studio.world.records[conversation.id]
    if kept:
        with pytest.raises(UnderRetention, match="2 days"):
            await studio.deletion.delete(stored, REQUEST)
    else:
        await studio.deletion.delete(stored, REQUEST)
    assert bool(studio.world.records) is kept


async def test_given_a_recorded_call_then_its_views_can_say_since_when_and_its_id_is_known() -> (
    None
):
    studio = Studio()
    call = connected()
    studio.exchange.switchboard.calls.add(call)
    await _now(studio, call)
    [live] = studio.exchange.live
    media = studio.conversation.media[0]
    assert live.being_recorded
    assert (live.recorded_since_ms, live.recording_id) == (media.started_ms, studio.conversation.id)
    assert studio.exchange.records.tracked[-1] == live  # so that it holds over a restart
    count = len(studio.exchange.records.tracked)
    await _now(studio, live)
    assert len(studio.exchange.records.tracked) == count

    await studio.deletion.delete(studio.world.records[studio.conversation.id], REQUEST)
    [live] = studio.exchange.live
    assert (live.being_recorded, live.recorded_since_ms, live.recording_id) == (False, None, None)


@pytest.mark.parametrize(
    "ending",
    [
        {"hang_up": HangUpMark(EndedBy.API, 1)},
        {"first_to_hang_up": Side.SOURCE},
        {"duration_s": 1, "answered_ms": 1},  # long ago: the PBX ends it
    ],
)
async def test_given_a_call_that_is_ending_when_the_recorded_channel_goes_first_then_no_new_part(
    ending: dict[str, Any],
) -> None:
    studio = Studio()
    call = connected()
    await _now(studio, call)
    left = replace(call, channels={"b": call.channels["b"]}, **ending)
    await _now(studio, left)
    assert len(studio.conversation.media) == 1
    # It goes on after all: its source was transferring it.
    goes_on = replace(left, hang_up=None, first_to_hang_up=None, duration_s=None)
    await _now(studio, goes_on)
    assert [x.channel for x in studio.conversation.media] == [CALL_ID, "b"]


async def test_given_a_channel_that_has_ended_when_recorded_then_nothing_is_missing() -> None:
    studio = Studio()
    call = connected()
    await _now(studio, call)
    studio.world.fails = NoSuchChannel("No such channel")
    with structlog.testing.capture_logs() as lines:
        await _now(studio, replace(call, channels={"b": call.channels["b"]}))
    assert [(x["event"], x["log_level"]) for x in lines] == [
        ("recording_channel_has_ended", "info")
    ]
    assert len(studio.conversation.media) == 1
