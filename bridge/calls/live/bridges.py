"""Which channels are together in a bridge of the PBX, as far as it has told."""

from __future__ import annotations

from collections.abc import Container

KEPT_MAX = 16
"""Of one bridge. A talk has two channels, an attended transfer three; the work for one that enters
must not grow with what the PBX says of others."""


class Bridges:
    """A channel is in one bridge at most. That it left one is told by its next one, or its end.

    Of each bridge the `KEPT_MAX` channels are known that entered last.
    """

    def __init__(self) -> None:
        self._bridge_of: dict[str, str] = {}
        self._channels_in: dict[str, dict[str, None]] = {}

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

    def leave(self, uniqueid: str) -> None:
        """The channel has left its bridge. Forgets a bridge without channels."""
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
