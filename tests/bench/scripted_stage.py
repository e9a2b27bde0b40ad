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
from .directory_file import write_directory
from .generated_calls import CallEvents, CallTemplate, Step
from .stage import UNLIMITED, api

_SETTLE_LIMIT_S = 120
_POLL_S = 0.02
_LIVE_CALLS_AT_ONCE = 200


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
            }
        )
        self.service: BridgeProcess
        self.http: BareHttp
        self._made = 0
        self._live: dict[str, CallEvents] = {}

    async def add_live_calls(self, first: int, count: int, extensions: list[str]) -> None:
        """Calls that phones have dialled, by these extensions in turn."""
        for begin in range(first, first + count, _LIVE_CALLS_AT_ONCE):
            # More events than the service queues would make it drop the link.
            await self.wait_live_calls(begin)
            chunk = range(begin, min(begin + _LIVE_CALLS_AT_ONCE, first + count))
            calls = [self.template.phone_call(x, extensions[x % len(extensions)]) for x in chunk]
            self._live |= {x.source_id: x for x in calls}
            await self.ami.send(*(x.until_answer + x.answer for x in calls))

    async def wait_live_calls(self, count: int) -> None:
        """Until the service knows of that many."""

        async def so_many() -> bool:
            _, body = await self.http.request("GET", "/health/ready")
            return bool(json.loads(body)["liveCalls"] == count)

        await eventually(so_many, _SETTLE_LIMIT_S)

    async def answer(self, call_id: str) -> None:
        await self.ami.send(self._live[call_id].answer)

    async def _originate(self, session: Session, action: ReceivedAction) -> None:
        call_id = action.value("ChannelId")
        self._made += 1
        events = self.template.api_call(call_id, 1_000_000 + self._made)
        self._live[call_id] = events
        await session.answer(action, "Success", ("Message", "Originate successfully queued"))
        if self._as_in_life:
            self._play(session, events.steps)
        else:
            await session.send(events.until_answer)

    async def _hang_up(self, session: Session, action: ReceivedAction) -> None:
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
            yield stage
            await stage.http.close()
        finally:
            await stage.service.stop()
