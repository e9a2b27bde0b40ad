"""Actions on queues, rooms, recordings and channels: what each answer of the PBX means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.steering.conferences import RoomMember
from bridge.calls.steering.errors import ActionUnavailable
from bridge.pbx.ami.conferences import ConfBridgeActions
from bridge.pbx.ami.idle_closing_session import IdleClosingSession
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.mixmonitor import MixMonitorActions
from bridge.pbx.ami.queue_actions import QueueActions
from bridge.pbx.ami.session import AmiSession
from bridge.pbx.ami.steering import AmiSteering
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.ari.errors import AriError
from bridge.queues.queue_pbx import QueueMember, QueueRefused, QueuesNotPossible, WaitingCaller
from bridge.recordings.recording_pbx import AudioDirection, NoSuchChannel
from tests.lab.instant_time import instant

SUCCESS = {"Response": "Success", "Message": "Done"}
AGENT = "PJSIP/0003*211"
MEMBER = QueueMember(AGENT, AGENT, paused=True, fixed=False, available=True, logged_out=True)
IN_ROOM = RoomMember("0003*500", "PJSIP/0003*210-00000001", "1.1", False)


def error(message: str) -> Headers:
    return {"Response": "Error", "Message": message}


class FakeSession:
    """Answers as told: by the action's name, or by the variable that Getvar asks for."""

    def __init__(self, **answers: Headers) -> None:
        self.answers = answers
        self.values: dict[str, str] = {}
        self.items: dict[str, list[Headers]] = {}
        self.sent: list[tuple[str, Mapping[str, str]]] = []
        self.fails: Exception | None = None

    async def send(self, action: AmiAction) -> Headers:
        headers = dict(action.headers)
        self.sent.append((action.name, headers))
        if self.fails is not None:
            raise self.fails
        for item in self.items.get(action.name, ()):
            assert action.each_item is not None
            action.each_item(item)
        if action.name == "Getvar":
            asked = f"{headers.get('Channel', '')} {headers['Variable']}".strip()
            return {**SUCCESS, "Value": self.values.get(asked, "")}
        return self.answers.get(action.name, SUCCESS)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.sent]

    def queues(self) -> QueueActions:
        return QueueActions(cast("AmiSession", self))

    def recording(self, folder: str = "../recording/") -> MixMonitorActions:
        return MixMonitorActions(cast("IdleClosingSession", self), folder)


@pytest.mark.parametrize(
    ("message", "raised", "says"),
    [
        ("Permission denied", QueuesNotPossible, "lacks the right `agent`"),
        ("Invalid/unknown command", QueuesNotPossible, "app_queue is not loaded"),
        ("Unable to add interface to queue: No such queue", QueuesNotPossible, "has no queue q"),
        ("Unable to add interface: Already there", QueueRefused, "Already there"),
    ],
)
async def test_given_a_refusal_of_an_agent_then_it_says_where_the_fault_is(
    message: str, raised: type[Exception], says: str
) -> None:
    session = FakeSession(QueueAdd=error(message))
    with pytest.raises(raised, match=says):
        await session.queues().add("q", MEMBER, "0003*211")
    assert session.names == ["QueueAdd"]


async def test_an_agent_that_is_added_logged_out_gets_no_call_in_between() -> None:
    session = FakeSession()
    await session.queues().add("q", MEMBER, "0003*211")
    (_, added), (_, paused) = session.sent
    assert added["Paused"] == "true"
    assert (paused["Paused"], paused["Reason"]) == ("true", "logged out")


async def test_the_state_of_a_queue_leaves_other_queues_out() -> None:
    session = FakeSession()
    entry = {"Event": "QueueEntry", "Queue": "Q", "Uniqueid": "1.2", "CallerIDNum": "unknown"}
    agent = {"Event": "QueueMember", "Queue": "q", "Location": "PJSIP/a", "Status": "5"}
    session.items["QueueStatus"] = [
        {"Event": "QueueParams", "Queue": "q", "Strategy": "linear"},
        {"Event": "QueueParams", "Queue": "other", "Strategy": "random"},
        {**agent, "Paused": "1", "PausedReason": "logged out", "Membership": "static"},
        {**entry, "Position": "2", "Wait": "x"},
        {**entry, "Position": "1", "Wait": "17", "CallerIDNum": "211", "CallerIDName": "Jo"},
        {**entry, "Queue": "other", "Position": "1"},
    ]
    state = await session.queues().state("q")
    assert state is not None
    assert state.strategy == "linear"
    assert state.members == (
        QueueMember("PJSIP/a", "PJSIP/a", True, fixed=True, available=False, logged_out=True),
    )
    assert state.callers == (
        WaitingCaller(1, "1.2", "211", "Jo", 17),
        WaitingCaller(2, "1.2", "", "", 0),
    )
    session.items.clear()
    assert await session.queues().state("q") is None


async def test_given_a_room_that_ends_meanwhile_then_nobody_is_in_it() -> None:
    session = FakeSession(ConfbridgeList=error("Conference not found"))
    rooms = ConfBridgeActions(session.send)
    session.items["ConfbridgeListRooms"] = [{"Conference": "0003*500"}]
    assert await rooms.members() == []
    session.answers["ConfbridgeListRooms"] = error("No active conferences.")
    session.items.clear()
    assert await rooms.members() == []


@pytest.mark.parametrize(
    ("message", "raised"),
    [
        ("Permission denied", ActionUnavailable),
        ("Invalid/unknown command", ActionUnavailable),
        ("Something else", PbxRefused),
    ],
)
async def test_given_rooms_that_cannot_be_used_then_that_is_no_empty_list(
    message: str, raised: type[Exception]
) -> None:
    session = FakeSession(ConfbridgeListRooms=error(message), ConfbridgeMute=error(message))
    rooms = ConfBridgeActions(session.send)
    with pytest.raises(raised):
        await rooms.members()
    with pytest.raises(raised):
        await rooms.mute(IN_ROOM, muted=True)
    with pytest.raises(ActionUnavailable, match="dialplan context"):
        await rooms.require_rooms()


@pytest.mark.parametrize("name", ["a\r\nAction: Logoff", "Vertrieb Süd", "${EXTEN}", ""])
async def test_given_a_room_of_others_with_an_odd_name_then_it_hides_no_other_room(
    name: str,
) -> None:
    session = FakeSession()
    session.items["ConfbridgeListRooms"] = [{"Conference": x} for x in (name, "0003*500")]
    session.items["ConfbridgeList"] = [{"Channel": IN_ROOM.channel, "Uniqueid": "1.1"}]
    assert await ConfBridgeActions(session.send).members() == [IN_ROOM]
    assert [x.get("Conference") for _, x in session.sent] == [None, "0003*500"]


async def test_given_a_channel_that_is_gone_then_its_recording_is_not_there_to_be_stopped() -> None:
    gone = error("No such channel")
    session = FakeSession(MixMonitor=gone, StopMixMonitor=gone, MixMonitorMute=gone)
    actions = session.recording()
    with pytest.raises(NoSuchChannel):
        await actions.start_recording("1.1", "a-1", stereo=True)
    assert session.sent[0][1]["File"] == "../recording/a-1.raw"
    assert await actions.stop_recording("1.1", "0x1") is False
    with pytest.raises(PbxRefused):
        await actions.mute_recording("1.1", "0x1", AudioDirection.TO_CHANNEL, muted=True)
    session.answers = {x: error("Permission denied") for x in ("MixMonitor", "StopMixMonitor")}
    for act in (actions.start_recording("1.1", "a", stereo=False), actions.stop_recording("1", "")):
        with pytest.raises(PbxRefused, match="Permission denied"):
            await act


async def no_modules() -> set[str]:
    return set()


async def no_answer() -> set[str]:
    raise AriError("HTTP 503")


async def test_given_a_part_that_is_missing_then_it_is_named_and_asked_for_again_later() -> None:
    session = FakeSession()
    steering = AmiSteering(session.send, no_modules)
    with pytest.raises(ActionUnavailable, match=r"dialplan context \[hold\]"):
        await steering.require(["hold"], [])
    session.values["DIALPLAN_EXISTS(hold)"] = "1"
    with pytest.raises(ActionUnavailable, match=r"module app_bridgewait\.so"):
        await steering.require(["hold"], ["app_bridgewait"])
    with pytest.raises(PbxUnavailable, match="which modules run: HTTP 503"):
        await AmiSteering(session.send, no_answer).require([], ["app_bridgewait"])
    await steering.require(["hold"], [])
    assert len(session.sent) == 2  # what is there is not asked for again
    steering.forget()
    await steering.require(["hold"], [])
    assert len(session.sent) == 3


async def test_given_more_than_two_in_a_bridge_then_nobody_is_the_neighbour() -> None:
    session = FakeSession()
    steering = AmiSteering(session.send, no_modules)
    session.values = {"1.1 BRIDGEPEER": "PJSIP/a-1,PJSIP/b-1"}
    assert await steering.neighbour("1.1") is None
    session.values = {"1.1 BRIDGEPEER": "PJSIP/a-1", "PJSIP/a-1 UNIQUEID": "1.2"}
    assert await steering.neighbour("1.1") == "1.2"


@instant
async def test_given_channels_that_do_not_get_there_then_the_outcome_is_unknown() -> None:
    session = FakeSession()
    steering = AmiSteering(session.send, no_modules)
    with pytest.raises(PbxRefused, match="a channel is gone"):
        await steering.connect("1.1", "1.2")
    assert "Bridge" not in session.names
    session.values = {f"{x} CHANNEL(name)": f"PJSIP/{x}" for x in ("1.1", "1.2")}
    with pytest.raises(PbxOutcomeUnknown):
        await steering.connect("1.1", "1.2")
    assert session.names.count("Bridge") == 1
    with pytest.raises(PbxOutcomeUnknown):
        await steering.take_apart("1.1", "1.2")
    assert session.names.count("Redirect") == 1


@pytest.mark.parametrize("message", ["Permission denied", "Redirect failed"])
async def test_given_a_refused_step_then_the_next_one_is_not_taken(message: str) -> None:
    session = FakeSession(Setvar=error(message))
    steering = AmiSteering(session.send, no_modules)
    with pytest.raises((ActionUnavailable, PbxRefused)) as why:
        await steering.take_apart("1.1", "1.2")
    assert isinstance(why.value, ActionUnavailable) is (message == "Permission denied")
    assert session.names == ["Setvar"]
