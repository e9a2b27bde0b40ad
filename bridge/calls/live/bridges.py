"""Which channels are together in a bridge of the PBX, as far as it has told."""

from __future__ import annotations

from collections.abc import Container, Iterable

KEPT_MAX = 16
"""Of one bridge. A talk has two channels, an attended transfer three; the work for one that enters
must not grow with what the PBX says of others."""


class Bridges:
    """A channel is in one bridge at most. That it left one is told by its next one, by a channel
    that it dials, or its end.

    Of each bridge the `KEPT_MAX` channels are known that entered last.
    """

    def __init__(self) -> None:
        self._bridge_of: dict[str, str] = {}
        self._channels_in: dict[str, dict[str, None]] = {}
        self._outside: set[str] = set()

    def enter(self, uniqueid: str, bridge: str) -> tuple[str, ...]:
        """The channel is in that bridge from now on; returns the others that are known there."""
        self.leave(uniqueid)
        channels = self._channels_in.setdefault(bridge, {})
        others = tuple(channels)
        if len(others) >= KEPT_MAX:
            del channels[others[0]]
            del self._bridge_of[others[0]]
        channels[uniqueid] = None
        self._bridge_of[uniqueid] = bridge
        return others

    def beside(self, uniqueid: str) -> tuple[str, ...]:
        """The channels that are known in the bridge of that one, with it."""
        bridge = self._bridge_of.get(uniqueid)
        return () if bridge is None else tuple(self._channels_in[bridge])

    def step_out(self, uniqueid: str) -> None:
        """The channel dials another one, or has left its conference. Until it enters a bridge
        again, it is in none."""
        if uniqueid in self._bridge_of:
            self._outside.add(uniqueid)

    def of(self, uniqueids: Iterable[str]) -> dict[str, str]:
        """The bridge of each of these channels that has been in one, by Uniqueid; empty where it
        has stepped out."""
        return {
            x: "" if x in self._outside else self._bridge_of[x]
            for x in uniqueids
            if x in self._bridge_of
        }

    def leave(self, uniqueid: str) -> None:
        """The channel has left its bridge. Forgets a bridge without channels."""
        self._outside.discard(uniqueid)
        bridge = self._bridge_of.pop(uniqueid, None)
        if bridge is None:
            return
        channels = self._channels_in[bridge]
        del channels[uniqueid]
        if not channels:
            del self._channels_in[bridge]

    def keep_only(self, uniqueids: Container[str]) -> None:
        """Forget all other channels: the events of their end were missed."""
        for uniqueid in [x for x in self._bridge_of if x not in uniqueids]:
            self.leave(uniqueid)
