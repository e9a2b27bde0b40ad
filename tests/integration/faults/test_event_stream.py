"""Events arrive whole, in order, and a fault with one of them costs none of the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.calls.pbx import InvalidPbxValue, PbxUnavailable
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelHungUp,
    ChannelStateChanged,
    HoldBegun,
    PbxSnapshot,
    PhoneReachability,
)
from bridge.pbx.ami.link import AmiLink
from bridge.testing.eventually import eventually
from bridge.testing.recorded_calls.recorded_events import read_recording, replay
from tests.scripted_ami.orders import quick_settings
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import (
    ReceivedAction,
    ScriptedAmi,
    Session,
    channel,
    event,
    message,
    refuse,
    silence,
)

from .conftest import StartLink


def hangup(uniqueid: str, cause: int = 16) -> bytes:
    return event("Hangup", Channel="PJSIP/x-1", Uniqueid=uniqueid, Linkedid=uniqueid, Cause=cause)


def hung_up(listener: RecordingListener) -> list[str]:
    return [one.uniqueid for one in listener.events if isinstance(one, ChannelHungUp)]


async def test_a_failing_listener_costs_neither_the_link_nor_the_next_event(
    ami: ScriptedAmi, start_link: StartLink
) -> None:
    listener = RecordingListener(fails_on=lambda one: getattr(one, "uniqueid", "") == "bad")
    with capture_logs() as logs:
        link = await start_link(listens=listener)
        await ami.send(hangup("first"), hangup("bad"), hangup("last"))
        await listener.until(lambda: len(listener.events) == 3)
    assert hung_up(listener) == ["first", "bad", "last"]
    assert link.link.up
    assert len(ami.connected_at) == 1
    [line] = [one for one in logs if one["event"] == "pbx_event_failed"]
    assert (line["pbx_event"], line["channel"]) == ("Hangup", "bad")


async def test_a_listener_that_fails_in_link_up_still_hears_events(ami: ScriptedAmi) -> None:
    class Failing(RecordingListener):
        def link_up(self, snapshot: PbxSnapshot) -> None:
            super().link_up(snapshot)
            raise RuntimeError("the listener failed, as the test wanted")

    listener = Failing()
    link = AmiLink(quick_settings(ami))
    link.listen(listener)
    await link.start()
    await listener.until(lambda: bool(listener.snapshots))
    await ami.send(hangup("after"))
    await listener.until(lambda: hung_up(listener) == ["after"])
    await link.stop()


@pytest.mark.parametrize(
    "damaged",
    [
        b"Event: Hangup\r\nno header at all\r\n\r\n",
        b"Event: Hangup\r\nCause: sixteen\r\nUniqueid: u\r\nTechCause: x\r\n\r\n",
        b"Event\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"Event: \r\n\r\n",
        b"Response: Success\r\nActionID: nobody-asked\r\n\r\n",
        b"Response: Error\r\n\r\n",
        b"Event: Newstate\r\nUniqueid: \xff\xfe\r\n\r\n",
        b"Event: Hold\r\nUniqueid: a\r\nUniqueid: b\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"Event: X\r\nActionID: \r\nMessage: a\r\nMessage: b\r\n\r\n",
    ],
)
async def test_a_malformed_message_costs_nothing_else(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink, damaged: bytes
) -> None:
    link = await start_link()
    await ami.send(hangup("before"), damaged, hangup("after"))
    await listener.until(lambda: "after" in hung_up(listener))
    assert hung_up(listener)[0] == "before"
    assert link.link.up
    assert len(ami.connected_at) == 1


async def test_two_messages_without_the_empty_line_between_them_are_two(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link()
    await ami.send(hangup("one").removesuffix(b"\r\n") + hangup("two"), hangup("three"))
    await listener.until(lambda: len(listener.events) == 3)
    assert hung_up(listener) == ["one", "two", "three"]


async def test_utf8_split_over_tcp_reads_stays_whole(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link(ping_interval_s=60)  # an answer to a ping would come between two parts
    name = "Ján Žák 村上"
    data = event(
        "Newchannel",
        Channel="PJSIP/0003*210-00000001",
        ChannelState=0,
        CallerIDName=name,
        Uniqueid="u",
        Linkedid="u",
    )
    for cut in range(1, len(data)):
        [session] = ami.logged_in
        session.writer.write(data[:cut])
        await asyncio.sleep(0.001)  # the first part is read by itself
        session.writer.write(data[cut:])
    await listener.until(lambda: len(listener.events) == len(data) - 1)
    names = {one.channel.caller_name for one in listener.events if isinstance(one, ChannelAppeared)}
    assert names == {name}


async def test_everything_split_at_any_byte_still_logs_in(ami: ScriptedAmi) -> None:
    for cut in (1, 2, 7, 20, 28, 29, 30):
        ami.split_at = cut
        listener = RecordingListener()
        link = AmiLink(quick_settings(ami))
        link.listen(listener)
        await link.start()
        await listener.until(lambda listener=listener: bool(listener.snapshots))  # type: ignore[misc]
        await link.stop()


async def test_order_is_kept_and_repeated_events_are_not_hidden(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link()
    wanted = [str(n // 2) for n in range(2000)]
    for start in range(0, 2000, 100):
        await ami.send(*(hangup(one) for one in wanted[start : start + 100]))
    await listener.until(lambda: len(listener.events) == 2000)
    assert hung_up(listener) == wanted


async def test_events_received_while_the_snapshot_was_taken_follow_it(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    ami.channels.append(channel("PJSIP/0003*210-00000001", "a" * 20))
    ami.during_list.append(
        event("Newstate", Channel="x-1", ChannelState=6, Uniqueid="b", Linkedid="b")
    )
    link = await start_link()
    await listener.until(lambda: bool(listener.events))
    snapshot, news = listener.heard
    assert isinstance(snapshot, PbxSnapshot)
    assert [one.uniqueid for one in snapshot.channels] == ["a" * 20]
    assert isinstance(news, ChannelStateChanged)
    # Nor do the items of a list leak into the events.
    assert len((await link.snapshot()).channels) == 1
    await listener.until(lambda: len(listener.events) == 2)
    assert {type(one) for one in listener.events} == {ChannelStateChanged}


async def test_events_before_a_loss_are_heard_before_link_down(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link()
    await ami.send(hangup("last words"), event("Shutdown"), hangup("from beyond"))
    await listener.until(lambda: bool(listener.downs))
    heard = listener.heard[1:]
    assert isinstance(heard[0], ChannelHungUp)
    assert heard[1] == "the PBX shuts down"
    assert hung_up(listener) == ["last words"]


async def test_too_many_waiting_events_lead_to_a_resync_not_to_a_gap(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link(max_queued_events=50)
    await ami.send(*(hangup(str(n)) for n in range(500)))
    await listener.until(lambda: len(listener.snapshots) == 2)
    assert listener.downs == ["too many events waiting"]
    await ami.send(hangup("after"))
    await listener.until(lambda: "after" in hung_up(listener))


async def test_an_endless_message_costs_the_link_not_the_memory(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link(max_message_bytes=10_000)
    await ami.send(b"Event: X\r\n" + b"A: b\r\n" * 5000)
    await listener.until(lambda: len(listener.snapshots) == 2)
    assert "without an end of message" in listener.downs[0]


async def test_events_of_other_sessions_with_our_action_ids_are_events(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    """An event may carry any ActionID, even one that waits for its answer."""
    link = await start_link()
    show = ami.on["CoreShowChannels"]

    async def with_a_stranger(session, action) -> None:  # type: ignore[no-untyped-def]
        fields = [
            ("ActionID", action.value("ActionID")),
            ("Uniqueid", "u"),
        ]
        await session.send(message([("Event", "Hold"), *fields]))
        await show(session, action)

    ami.on["CoreShowChannels"] = with_a_stranger
    assert (await link.snapshot()).channels == ()
    await listener.until(lambda: bool(listener.events))
    assert isinstance(listener.events[0], HoldBegun)


async def test_reachability_is_asked_at_link_up_and_kept_by_events(
    ami: ScriptedAmi, listener: RecordingListener
) -> None:
    async def states() -> dict[str, bool]:
        return {"PJSIP/0003*210": True, "PJSIP/0003*211": False}

    link = AmiLink(quick_settings(ami), endpoint_states=states)
    link.listen(listener)
    assert link.reachable("PJSIP/anything"), "nothing is known yet"
    await link.start()
    await listener.until(lambda: link.link.up)
    assert link.reachable("PJSIP/0003*210")
    assert not link.reachable("PJSIP/0003*211")
    assert not link.reachable("PJSIP/unknown")
    for peer, status in (("0003*211", "Registered"), ("0003*210", "Unregistered")):
        await ami.send(event("PeerStatus", Peer=f"PJSIP/{peer}", PeerStatus=status))
    await listener.until(lambda: len(listener.events) == 2)
    assert {type(one) for one in listener.events} == {PhoneReachability}
    assert link.reachable("PJSIP/0003*211")
    assert not link.reachable("PJSIP/0003*210")
    await link.stop()


async def test_unknown_endpoint_states_do_not_keep_the_link_down(
    ami: ScriptedAmi, listener: RecordingListener
) -> None:
    answers: list[dict[str, bool]] = []

    async def states() -> dict[str, bool]:
        if not answers:
            raise ConnectionError("ARI is not there")
        return answers[0]

    link = AmiLink(quick_settings(ami, ping_interval_s=0.05), endpoint_states=states)
    link.listen(listener)
    await link.start()
    await listener.until(lambda: link.link.up)
    assert link.reachable("PJSIP/0003*210")
    answers.append({"PJSIP/0003*210": False})
    await eventually(lambda: not link.reachable("PJSIP/0003*210"))
    await link.stop()


async def test_who_is_not_known_to_be_reachable_is_asked_for_and_nobody_else(
    ami: ScriptedAmi, listener: RecordingListener
) -> None:
    async def states() -> dict[str, bool]:
        return {"PJSIP/0003*210": False, "PJSIP/0003*211": True}

    async def found(session: Session, action: ReceivedAction) -> None:
        contact = ("Value", "PJSIP/0003*210/sip:210@192.0.2.1:5060")
        await session.answer(action, "Success", ("Variable", action.value("Variable")), contact)

    async def nobody(session: Session, action: ReceivedAction) -> None:
        variable = ("Variable", action.value("Variable"))
        await session.answer(action, "Success", variable, ("Value", ""))

    link = AmiLink(quick_settings(ami, action_timeout_s=0.3), endpoint_states=states)
    link.listen(listener)
    await link.start()
    await listener.until(lambda: link.link.up)
    assert await link.has_phone_to_ring("PJSIP/0003*211")
    assert ami.actions("Getvar") == []
    for behaviour, there in ((found, True), (nobody, False), (refuse("Permission denied"), False)):
        ami.on["Getvar"] = behaviour
        assert await link.has_phone_to_ring("PJSIP/0003*210") is there
    assert {x.value("Variable") for x in ami.actions("Getvar")} == {"PJSIP_DIAL_CONTACTS(0003*210)"}
    ami.on["Getvar"] = silence
    with pytest.raises(PbxUnavailable, match="PJSIP/0003"):
        await link.has_phone_to_ring("PJSIP/0003*210")
    asked = len(ami.actions("Getvar"))
    for hostile in ("PJSIP/a)SHELL(b", "PJSIP/a,b", "PJSIP/a\r\nb", "PJSIP/"):
        with pytest.raises(InvalidPbxValue):
            await link.has_phone_to_ring(hostile)
    assert len(ami.actions("Getvar")) == asked
    await link.stop()


async def test_a_recording_replays_to_the_same_events(
    ami: ScriptedAmi, listener: RecordingListener, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    link = AmiLink(quick_settings(ami), record_to=file)
    link.listen(listener)
    await link.start()
    await listener.until(lambda: link.link.up)
    name = "Ján"
    await ami.send(
        event(
            "Newchannel", Channel="x-1", CallerIDName=name, Uniqueid="u", Timestamp="1700000000.5"
        ),
        event("VarSet", Variable="x"),
        hangup("u"),
    )
    await listener.until(lambda: len(listener.events) == 2)
    await link.stop()
    assert [one.headers["Event"] for one in read_recording(file)] == [
        "FullyBooted",
        "Newchannel",
        "VarSet",
        "Hangup",
    ]
    again = list(replay(file))
    assert again[0] == listener.events[0]
    assert [type(one) for one in again] == [type(one) for one in listener.events]


async def test_a_recording_that_cannot_be_written_costs_no_event(
    ami: ScriptedAmi, listener: RecordingListener
) -> None:
    link = AmiLink(quick_settings(ami), record_to=Path("/dev/full"))
    link.listen(listener)
    await link.start()
    try:
        await listener.until(lambda: link.link.up)
        await ami.send(hangup("first"), hangup("last"))
        await listener.until(lambda: len(listener.events) == 2)
    finally:
        await link.stop()
