"""The members of conferences: who they are, muting them, and taking them out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bridge.calls.hanging_up import HangUp
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.conferences import with_muted
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall
from bridge.calls.steering.errors import ActionFailed, ActionUnavailable
from bridge.directory.conferences import room_of
from bridge.directory.model import Extension


@dataclass(frozen=True, slots=True)
class RoomMember:
    """A channel in a conference of the PBX. `room` is the PBX's name of the conference."""

    room: str
    channel: str
    uniqueid: str
    muted: bool


class PbxConferences(Protocol):
    """The part of the PBX that has the conferences.

    Every method raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown.
    """

    async def require_rooms(self) -> None:
        """Raises ActionUnavailable unless the dialplan has the rooms of the API."""

    async def members(self) -> list[RoomMember]:
        """All members of all conferences."""

    async def mute(self, member: RoomMember, *, muted: bool) -> None:
        """The other members do not hear this one, or hear it again."""


@dataclass(frozen=True, slots=True)
class Member:
    """A party in a conference. `number`: of the conference, empty for the extension's own room."""

    call: PhoneCall
    leg: Leg
    number: str
    in_room: RoomMember


class Conferences:
    """The conferences of an extension: its own room, and those with a number."""

    def __init__(self, switchboard: Switchboard, pbx: PbxConferences, hang_up: HangUp) -> None:
        self._switchboard = switchboard
        self._pbx = pbx
        self._hang_up = hang_up
        switchboard.at_link_up(self._look)

    async def require_rooms(self) -> None:
        """Raises ActionUnavailable unless the PBX can take parties into conferences by number."""
        await self._pbx.require_rooms()

    async def members(self, extension: Extension) -> list[Member]:
        """The parties in the conferences of the extension, in the order of their calls.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown.
        """
        found = [x for at in await self._listed() for x in self._member(extension, at)]
        return sorted(found, key=lambda x: (x.call.published_ms, x.call.id))

    async def mute(self, extension: Extension, call_id: str, *, muted: bool) -> Member:
        """Done when this returns. Raises ActionFailed if that call has no member there."""
        member = await self._one(extension, call_id)
        await self._pbx.mute(member.in_room, muted=muted)
        return await self._one(extension, call_id)

    async def kick(self, extension: Extension, call_id: str) -> Member:
        """End the call of that member. Raises ActionFailed if that call has no member there."""
        member = await self._one(extension, call_id)
        await self._hang_up.hang_up([member.call])
        return member

    async def _look(self) -> None:
        """The views of calls show who is muted, also where that changed while the link was down."""
        if not any(True for _ in self._switchboard.calls.live):
            return
        # A PBX without conferences refuses. If the link is lost, the next one is looked at.
        with contextlib.suppress(ActionUnavailable, PbxUnavailable, PbxRefused, PbxOutcomeUnknown):
            await self._listed()

    async def _listed(self) -> list[RoomMember]:
        """All members of all conferences; the calls show what that says of each."""
        listed = await self._pbx.members()
        for at in listed:
            call = self._switchboard.calls.live.of_channel(at.uniqueid)
            if call is not None and with_muted(call, at.uniqueid, muted=at.muted) is not call:
                self._switchboard.change(
                    call.id, partial(with_muted, uniqueid=at.uniqueid, muted=at.muted)
                )
        return listed

    async def _one(self, extension: Extension, call_id: str) -> Member:
        found = [x for x in await self.members(extension) if x.call.id == call_id]
        if not found:
            raise ActionFailed("the call has no member in this conference")
        return found[0]

    def _member(self, extension: Extension, at: RoomMember) -> Iterator[Member]:
        """Nothing for a member of another conference, and for a channel without a call."""
        call = self._switchboard.calls.live.of_channel(at.uniqueid)
        if call is None or extension.number not in call.extensions:
            return
        numbers = {room_of(extension.number, x.number): x.number for x in extension.conferences}
        leg = _party(call, extension.number)
        if leg is not None:
            yield Member(call, leg, numbers.get(at.room, ""), at)


def _party(call: PhoneCall, conference: str) -> Leg | None:
    """The party that is in the conference; the conference itself is a leg of an API call."""
    others = [x for x in call.legs if x.extension != conference and not x.handed_over]
    return next((x for x in others if x.phase is LegPhase.UP), None)
