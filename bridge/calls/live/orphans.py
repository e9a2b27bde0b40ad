"""Which channels are orphans: those of calls that were ended without them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from bridge.calls.state.pbx_events import ChannelSnapshot

# The channel of a call that was ended without it comes within seconds, or stays for hours; that
# many such calls are remembered.
_MAX = 10_000


class OrphanNames:
    """Linkedids and uniqueids of such calls; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, channel: ChannelSnapshot) -> bool:
        return channel.uniqueid in self._names or channel.linkedid in self._names

    def remember(self, names: Iterable[str]) -> None:
        """Channels with these Linkedids or uniqueids belong to a call that is over."""
        for name in names:
            self._names[name] = None
            self._names.move_to_end(name)
        while len(self._names) > _MAX:
            self._names.popitem(last=False)
