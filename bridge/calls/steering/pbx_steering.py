"""The protocols between actions on live calls and the PBX; they contain no AMI.

Every method ends within the link's action time limit. It raises PbxUnavailable, PbxRefused (nothing
happened), PbxOutcomeUnknown (it may have happened), InvalidPbxValue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.calls.state.pbx_events import ChannelParked


class PbxNeeds(Protocol):
    """Whether the PBX has what an action needs, asked before anything is done."""

    async def require(self, contexts: Sequence[str], modules: Sequence[str]) -> None:
        """Return if the dialplan has these contexts, and these modules run.

        Raises ActionUnavailable with the first one that is missing, PbxUnavailable.
        """


class PbxNeighbours(PbxNeeds, Protocol):
    """Which channels talk to each other, taking two of them apart, and connecting them again."""

    async def neighbour(self, uniqueid: str) -> str | None:
        """The uniqueid of the one channel that this one is in a bridge with.

        None if there is none, or more than one.
        """

    async def connect(self, one: str, other: str) -> None:
        """These two were taken apart, and talk again."""

    async def take_apart(self, held: str, waiting: str) -> None:
        """These two talk. From now on `held` hears music and `waiting` nothing.

        If one of them goes, the PBX ends the other.
        """


class PbxParking(PbxNeighbours, Protocol):
    """Parking a channel."""

    async def park(self, channel: str, rings_later: str, at_most_s: int) -> None:
        """`channel` hears music in the parking lot from now on, and its talk ends.

        After `at_most_s` seconds it rings the endpoint `rings_later` (`PJSIP/0003*211`). Raises
        PbxRefused if no place is free: the talk goes on.
        """

    async def each_parked(self, take: Callable[[ChannelParked], None]) -> None:
        """Hand over each channel in a parking lot, before any event that the PBX sends later.

        Its moment is by our clock.
        """
