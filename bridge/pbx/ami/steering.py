"""Actions on live calls, over AMI: implements the protocols of bridge.calls.steering.

`call` is the only right that they need beside those of the link (docs/own-asterisk.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.holding import HELD_EXTEN, HOLD_CONTEXT, WAITING_EXTEN
from bridge.calls.state.pbx_events import ChannelParked
from bridge.calls.steering.errors import ActionUnavailable
from bridge.clock import now_ms
from bridge.pbx.ami import values
from bridge.pbx.ami.event_decode import decode_parked_call
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.ari.errors import AriError

PEER = "UAPI_PEER"
"""The channel variable with the uniqueid of the channel that ends if this one does."""
_NO_SERIAL = "ffffffff"
"""Ends the name of a channel that there is not; names of PJSIP end in eight hex digits."""
_LOOK_S, _LOOKS = 0.02, 100
_NOT_PERMITTED = "permission denied"

Send = Callable[[AmiAction], Awaitable[Headers]]


class AmiSteering:
    """`send`: as AmiSession.send; `running_modules`: as AriClient.running_modules."""

    def __init__(self, send: Send, running_modules: Callable[[], Awaitable[set[str]]]) -> None:
        self._send = send
        self._running_modules = running_modules
        self._known: set[str] = set()

    def forget(self) -> None:
        """The PBX may have been restarted, with other modules and another dialplan."""
        self._known.clear()

    # ---- what the PBX has -----------------------------------------------------------

    async def require(self, contexts: Sequence[str], modules: Sequence[str]) -> None:
        for context in contexts:
            if f"[{context}]" in self._known:
                continue
            found = await self.variable(None, f"DIALPLAN_EXISTS({values.context(context)})")
            if found != "1":
                raise ActionUnavailable(f"dialplan context [{context}]")
            self._known.add(f"[{context}]")
        if self._known.issuperset(modules):
            return
        try:
            running = await self._running_modules()
        except AriError as why:
            raise PbxUnavailable(f"it does not say which modules run: {why}") from why
        for module in modules:
            if module not in running:
                raise ActionUnavailable(f"module {module}.so")
        self._known.update(modules)

    # ---- channels -------------------------------------------------------------------

    async def variable(self, channel: str | None, asked: str) -> str:
        """The value of a variable or function; empty where there is none, or no such channel."""
        headers = [("Variable", asked)]
        if channel is not None:
            headers.insert(0, ("Channel", values.channel(channel)))
        answer = await self._send(AmiAction("Getvar", tuple(headers)))
        return answer.get("Value", "") if succeeded(answer) else ""

    async def sip_call_id(self, uniqueid: str, endpoint: str) -> str:
        """The Call-ID of SIP of that channel; empty if it has none, or is gone.

        `endpoint` as in `PJSIP/0003*210`. Raises PbxUnavailable, PbxOutcomeUnknown.
        """
        if not endpoint.startswith("PJSIP/"):
            return ""
        return await self.variable(uniqueid, "CHANNEL(pjsip,call-id)")

    async def set_variable(self, uniqueid: str, name: str, value: str) -> None:
        name, value = values.channel_variable(name, value)
        headers = (("Channel", values.channel(uniqueid)), ("Variable", name), ("Value", value))
        await self._done(AmiAction("Setvar", headers))

    async def neighbour(self, uniqueid: str) -> str | None:
        peer = await self.variable(uniqueid, "BRIDGEPEER")
        if not peer or "," in peer:
            return None
        return await self.variable(peer, "UNIQUEID") or None

    async def take_apart(self, held: str, waiting: str) -> None:
        await self.set_variable(held, PEER, waiting)
        await self.set_variable(waiting, PEER, held)
        before = await self._bridge_of(held)
        places = (HOLD_CONTEXT, HELD_EXTEN), (HOLD_CONTEXT, WAITING_EXTEN)
        await self.redirect(held, places[0], waiting, places[1])

        async def apart() -> bool:
            bridges = await self._bridge_of(held), await self._bridge_of(waiting)
            return all(bridges) and before not in bridges and bridges[0] != bridges[1]

        # A channel that is on its way there must not be sent elsewhere. One may still be where both
        # were when the other has arrived.
        await _soon(apart)

    async def connect(self, one: str, other: str) -> None:
        # Bridge alone compares the beginnings of Uniqueids: `ID` might be taken for `ID;2`.
        names = [await self.variable(x, "CHANNEL(name)") for x in (one, other)]
        if not all(names):
            raise PbxRefused("Bridge: a channel is gone")
        channels = tuple((f"Channel{at}", values.channel(x)) for at, x in enumerate(names, 1))
        # Each plays a sound of features.conf in its own thread, which ends music and silence first.
        # Asterisk's own stop comes from another thread, and is lost while a piece is being sent.
        await self._done(AmiAction("Bridge", (*channels, ("Tone", "both"))))
        # From now on each goes its own way, as a phone may transfer the other.
        for uniqueid in (one, other):
            await self.set_variable(uniqueid, PEER, "")

        async def together() -> bool:
            return await self.neighbour(one) == other

        await _soon(together)

    async def park(self, channel: str, rings_later: str, at_most_s: int) -> None:
        # Asterisk cuts the phone to ring out of a channel's name. With the real name it would park
        # by a frame in the bridge. Then it says yes at once, also if no place is free. And it reads
        # the place to the phone that parks, for seconds, before it lets that go.
        headers = (
            ("Channel", values.channel(channel)),
            ("TimeoutChannel", values.channel(f"{rings_later}-{_NO_SERIAL}")),
            ("Timeout", str(values.seconds(at_most_s, "maxInParking") * 1000)),
        )
        await self._done(AmiAction("Park", headers))

    async def each_parked(self, take: Callable[[ChannelParked], None]) -> None:
        def found(item: Headers) -> None:
            take(decode_parked_call(item, now_ms()))

        await self._done(AmiAction("ParkedCalls", each_item=found))

    async def _bridge_of(self, uniqueid: str) -> str:
        """The id of the bridge that the channel is in; empty where there is none."""
        found: list[str] = []
        action = AmiAction(
            "Status",
            (("Channel", values.channel(uniqueid)),),
            each_item=lambda item: found.append(item.get("BridgeID", "")),
            item_event="Status",
        )
        await self._send(action)
        return found[0] if found else ""

    async def redirect(
        self,
        channel: str,
        place: tuple[str, str],
        extra: str | None = None,
        extra_place: tuple[str, str] = ("", ""),
    ) -> None:
        """Send a channel to a place (context, exten) of the dialplan, and one that it talks to."""
        headers = [
            ("Channel", values.channel(channel)),
            ("Context", values.context(place[0])),
            ("Exten", values.exten(place[1])),
            ("Priority", "1"),
        ]
        if extra is not None:
            headers += [
                ("ExtraChannel", values.channel(extra)),
                ("ExtraContext", values.context(extra_place[0])),
                ("ExtraExten", values.exten(extra_place[1])),
                ("ExtraPriority", "1"),
            ]
        await self._done(AmiAction("Redirect", tuple(headers)))

    async def _done(self, action: AmiAction) -> None:
        answer = await self._send(action)
        if succeeded(answer):
            return
        why = why_refused(answer)
        if why.lower().startswith(_NOT_PERMITTED):
            raise ActionUnavailable(f"AMI right write = call, for {action.name}")
        raise PbxRefused(f"{action.name}: {why}")


async def _soon(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once it is so. Raises PbxOutcomeUnknown after two seconds."""
    for _ in range(_LOOKS):
        if await condition():
            return
        await asyncio.sleep(_LOOK_S)
    raise PbxOutcomeUnknown("the channels did not get there within 2 s")
