"""ConfBridge: implements bridge.calls.steering.conferences.PbxConferences.

It needs the rights `call` and `reporting`, which the AMI user for calls has anyway.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bridge.calls.pbx import InvalidPbxValue, PbxRefused
from bridge.calls.steering.conferences import RoomMember
from bridge.calls.steering.errors import ActionUnavailable
from bridge.directory.conferences import ROOMS_CONTEXT
from bridge.pbx.ami import values
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.values import AmiAction

_NONE = ("no active conferences", "no active conference", "not found")
_NOT_THERE = ("invalid/unknown command", "permission denied")
_ROOMS_MAX = 200


class ConfBridgeActions:
    """`send`: as AmiSession.send."""

    def __init__(self, send: Callable[[AmiAction], Awaitable[Headers]]) -> None:
        self._send = send

    async def require_rooms(self) -> None:
        asked = f"DIALPLAN_EXISTS({ROOMS_CONTEXT},0,1)"
        answer = await self._send(AmiAction("Getvar", (("Variable", asked),)))
        if not succeeded(answer) or answer.get("Value") != "1":
            raise ActionUnavailable(f"dialplan context [{ROOMS_CONTEXT}]")

    async def members(self) -> list[RoomMember]:
        rooms = [x.get("Conference", "") for x in await self._list("ConfbridgeListRooms")]
        found: list[RoomMember] = []
        for room in [x for x in rooms if _may_be_written(x)][:_ROOMS_MAX]:
            header = ("Conference", values.conference_room(room))
            found += [_member(room, x) for x in await self._list("ConfbridgeList", header)]
        return found

    async def mute(self, member: RoomMember, *, muted: bool) -> None:
        headers = (
            ("Conference", values.conference_room(member.room)),
            ("Channel", values.conference_channel(member.channel)),
        )
        name = "ConfbridgeMute" if muted else "ConfbridgeUnmute"
        answer = await self._send(AmiAction(name, headers))
        if not succeeded(answer):
            raise _refused(name, why_refused(answer))

    async def _list(self, name: str, *headers: tuple[str, str]) -> list[Headers]:
        items: list[Headers] = []
        answer = await self._send(AmiAction(name, headers, items.append, item_event=name))
        if succeeded(answer):
            return items
        why = why_refused(answer)
        if why.lower().startswith(_NONE) or "not found" in why.lower():
            return []  # the last member has left meanwhile
        raise _refused(name, why)


def _may_be_written(room: str) -> bool:
    """Not each name is safe in AMI; a dialplan of somebody else may have given the room any."""
    try:
        values.conference_room(room)
    except InvalidPbxValue:
        return False
    return True


def _member(room: str, item: Headers) -> RoomMember:
    muted = item.get("Muted", "").lower() in ("yes", "by admin", "by self", "true", "1")
    return RoomMember(room, item.get("Channel", ""), item.get("Uniqueid", ""), muted)


def _refused(name: str, why: str) -> Exception:
    if why.lower().startswith(_NOT_THERE):
        return ActionUnavailable(f"AMI action {name} (app_confbridge, and the right to use it)")
    return PbxRefused(why)
