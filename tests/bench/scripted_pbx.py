"""A scripted AMI server that plays calls by the events of a real Asterisk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from tests.scripted_ami.server import ReceivedAction, ScriptedAmi, Session, event

from .generated_calls import CallEvents, CallTemplate, Step


class ScriptedPbx:
    """Every Originate is accepted and played up to ringing; every Hangup ends its call.

    `as_in_life`: an Originate is played until its destination has answered, and everything with
    the gaps of the call that was written down. `live`: the calls by their ids.
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
        self.live: dict[str, CallEvents] = {}
        self._made = 0
        self._told: dict[str, asyncio.Future[None]] = {}

    async def told(self, call_id: str) -> None:
        """Returns once the service was told of that call, up to the ringing."""
        await self._told.setdefault(call_id, asyncio.get_running_loop().create_future())

    async def answer(self, call_id: str) -> None:
        """Its destination picks up."""
        await self.told(call_id)
        await self.ami.send(self.live[call_id].answer)

    async def end(self, call_id: str) -> None:
        """Its phones hang up."""
        self._told.pop(call_id, None)
        await self.ami.send(self.live.pop(call_id).end)

    async def _originate(self, session: Session, action: ReceivedAction) -> None:
        call_id = action.value("ChannelId")
        self._made += 1
        events = self.template.call(call_id, self._made, *_parties(action))
        self.live[call_id] = events
        await session.answer(action, "Success", ("Message", "Originate successfully queued"))
        if self._as_in_life:
            self._play(events.steps)
        else:
            await session.send(events.until_answer)
        told = self._told.setdefault(call_id, asyncio.get_running_loop().create_future())
        told.set_result(None)

    async def _hang_up(self, session: Session, action: ReceivedAction) -> None:
        self._told.pop(action.value("Channel"), None)
        events = self.live.pop(action.value("Channel"), None)
        if events is None:  # a channel of a call that is ending
            await session.answer(action, "Error", ("Message", "No such channel"))
            return
        await session.answer(action, "Success", ("Message", "Channel Hungup"))
        if self._as_in_life:
            self._play(events.end_steps)
        else:
            await session.send(events.end)

    def _play(self, steps: Iterable[Step]) -> None:
        async def play() -> None:
            began = time.monotonic()
            for after_s, data in steps:
                await asyncio.sleep(began + after_s - time.monotonic())  # as the real Asterisk did
                await self.ami.send(data)  # also to a session that is new

        task = asyncio.create_task(play())
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    async def _show_channels(self, session: Session, action: ReceivedAction) -> None:
        action_id = action.value("ActionID")
        await session.answer(action, "Success", ("EventList", "start"))
        with_id = f"Event: CoreShowChannel\r\nActionID: {action_id}".encode()
        listed = b"".join(x.channels for x in self.live.values())
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
