"""The service on a scripted AMI server: more calls than Asterisk can hold on one machine."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.eventually import eventually
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.softphones.ports import free_port
from tests.scripted_ami.server import ReceivedAction, ScriptedAmi, Session, event

from .bare_http import BareHttp
from .directory_file import LISTENER_ID, user_of, write_directory
from .generated_calls import CallEvents, CallTemplate, Step
from .stage import UNLIMITED, api

_SETTLE_LIMIT_S = 120
_POLL_S = 0.02
_ORDERED_AT_ONCE = 50
TALKS = b'"answeredMs":'
"""In the document of a call once its destination has answered; a view has its own "answered"."""
_WITHOUT_ARI = ("dialplan_values_not_told",)


class ScriptedStage:
    """Every Originate is accepted and played up to ringing; every Hangup ends its call.

    `as_in_life`: an Originate is played until its destination has answered, and everything with
    the gaps of the call that was written down.
    """

    def __init__(self, template: CallTemplate, *, as_in_life: bool = False) -> None:
        self.template = template
        self._as_in_life = as_in_life
        self._playing: set[asyncio.Task[None]] = set()
        self.ami = ScriptedAmi(
            on={
                "Originate": self._originate,
                "Hangup": self._hang_up,
                "CoreShowChannels": self._show_channels,
                "Getvar": _get_variable,
            }
        )
        self.service: BridgeProcess
        self.http: BareHttp
        """With the token of the app of the two phones."""
        self.others_http: BareHttp
        """With that of the app of the whole organization."""
        self._made = 0
        self._live: dict[str, CallEvents] = {}
        self._told: dict[str, asyncio.Future[None]] = {}

    async def order(self, source: str, destination: str) -> str:
        """POST a call; returns its id once the PBX has told of it, up to the ringing."""
        call = {
            "extension": source,
            "phoneCallView": [{"source": [source], "destination": [destination]}],
        }
        path = f"/uapi/phoneCalls/{user_of(source)}/simple"
        status, answer = await self.others_http.request("POST", path, json.dumps(call).encode())
        assert status == 202, answer
        call_id = str(json.loads(answer)[0]["id"])
        await self._told.setdefault(call_id, asyncio.get_running_loop().create_future())
        return call_id

    async def add_live_calls(self, parties: list[tuple[str, str]]) -> list[str]:
        """Calls that an app has ordered between these sources and destinations, now in talk.

        Returns their ids.
        """
        ids: list[str] = []
        for begin in range(0, len(parties), _ORDERED_AT_ONCE):
            some = parties[begin : begin + _ORDERED_AT_ONCE]
            ids += await asyncio.gather(*(self.order(*x) for x in some))
            for call_id in ids[begin:]:
                await self.answer(call_id)
            # More events than the service queues would make it drop the link.
            await self._wait_answered(some[-1][0], ids[-1])
        return ids

    async def _wait_answered(self, source: str, call_id: str) -> None:
        path = f"/uapi/phoneCalls/{user_of(source)}/{source}/{call_id}"

        async def shown() -> bool:
            return TALKS in (await self.others_http.request("GET", path))[1]

        await eventually(shown, _SETTLE_LIMIT_S)

    async def wait_live_calls(self, count: int) -> None:
        """Until the service knows of that many."""

        async def so_many() -> bool:
            _, body = await self.http.request("GET", "/health/ready")
            return bool(json.loads(body)["liveCalls"] == count)

        await eventually(so_many, _SETTLE_LIMIT_S)

    async def answer(self, call_id: str) -> None:
        """Its destination picks up."""
        await self._told.setdefault(call_id, asyncio.get_running_loop().create_future())
        await self.ami.send(self._live[call_id].answer)

    async def end(self, call_id: str) -> None:
        """Its phones hang up."""
        self._told.pop(call_id, None)
        await self.ami.send(self._live.pop(call_id).end)

    async def _originate(self, session: Session, action: ReceivedAction) -> None:
        call_id = action.value("ChannelId")
        self._made += 1
        events = self.template.call(call_id, self._made, *_parties(action))
        self._live[call_id] = events
        await session.answer(action, "Success", ("Message", "Originate successfully queued"))
        if self._as_in_life:
            self._play(session, events.steps)
        else:
            await session.send(events.until_answer)
        told = self._told.setdefault(call_id, asyncio.get_running_loop().create_future())
        told.set_result(None)

    async def _hang_up(self, session: Session, action: ReceivedAction) -> None:
        self._told.pop(action.value("Channel"), None)
        events = self._live.pop(action.value("Channel"), None)
        if events is None:  # a channel of a call that is ending
            await session.answer(action, "Error", ("Message", "No such channel"))
            return
        await session.answer(action, "Success", ("Message", "Channel Hungup"))
        if self._as_in_life:
            self._play(session, events.end_steps)
        else:
            await session.send(events.end)

    def _play(self, session: Session, steps: Iterable[Step]) -> None:
        async def play() -> None:
            began = time.monotonic()
            for after_s, data in steps:
                await asyncio.sleep(began + after_s - time.monotonic())  # as the real Asterisk did
                await session.send(data)

        task = asyncio.create_task(play())
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    async def _show_channels(self, session: Session, action: ReceivedAction) -> None:
        action_id = action.value("ActionID")
        await session.answer(action, "Success", ("EventList", "start"))
        with_id = f"Event: CoreShowChannel\r\nActionID: {action_id}".encode()
        listed = b"".join(x.channels for x in self._live.values())
        await session.send(listed.replace(b"Event: CoreShowChannel", with_id))
        await session.send(event("CoreShowChannelsComplete", ActionID=action_id))


async def _get_variable(session: Session, action: ReceivedAction) -> None:
    """The service asks for the Call-ID of SIP of some channels."""
    name, channel = action.value("Variable"), action.value("Channel")
    await session.answer(action, "Success", ("Variable", name), ("Value", f"id-of-{channel}"))


def _parties(action: ReceivedAction) -> tuple[str, str]:
    """Source and destination of an Originate of the service."""
    variables = dict(x.split("=", 1) for x in action.values("Variable"))
    names = ("BRIDGE_SOURCES", "BRIDGE_DESTINATION")
    source, destination = (variables[x].removeprefix("PJSIP/") for x in names)
    return source, destination


def _assert_taken_for_real(service: BridgeProcess) -> None:
    """The service has seen nothing in the played calls that would not be there in life."""
    errors = [x for x in service.log_lines() if x["level"] == "error"]
    unexpected = [x for x in errors if not str(x["event"]).startswith(_WITHOUT_ARI)]
    assert not unexpected, unexpected[:3]


@asynccontextmanager
async def open_scripted_stage(
    folder: Path,
    template: CallTemplate,
    others: int,
    more: Mapping[str, str] | None = None,
    *,
    as_in_life: bool = False,
    module: str = "",
) -> AsyncIterator[ScriptedStage]:
    """`others`: how many extensions the directory has beside the two that are called.

    `more` settings of the service. `as_in_life`: as for the stage. `module`: is run instead of
    `uapi-bridge`.
    """
    stage = ScriptedStage(template, as_in_life=as_in_life)
    folder.mkdir()
    write_directory(folder / "directory.yaml", others)
    async with stage.ami:
        ports = AsteriskPorts(ami=stage.ami.port, http=free_port())
        settings = {
            **UNLIMITED,
            "directory_file": str(folder / "directory.yaml"),
            "ami_secret": stage.ami.secret,
            "recording": "false",
            "provision_phones": "false",
            "refuse_unreachable_sources": "false",
            **(more or {}),
        }
        stage.service = BridgeProcess(folder / "state", ports, free_port(), settings)
        if module:
            stage.service.command = (sys.executable, "-m", module)
        await stage.service.start()
        try:
            stage.http = await api(stage.service)
            stage.others_http = await api(stage.service, LISTENER_ID)
            yield stage
            await stage.http.close()
            await stage.others_http.close()
        finally:
            await stage.service.stop()
        _assert_taken_for_real(stage.service)
