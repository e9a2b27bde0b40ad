"""What was heard while a list of the PBX's channels was asked for: the list does not know of it."""

from __future__ import annotations

from bridge.calls.pbx_events import ChannelAppeared, ChannelHungUp, DialBegun, PbxEvent


class Meanwhile:
    """Uniqueids of channels, `new` and `gone`. No clock decides: that of the PBX may differ."""

    def __init__(self) -> None:
        self.new: set[str] = set()
        self.gone: set[str] = set()

    def note(self, event: PbxEvent) -> None:
        match event:
            case ChannelAppeared():
                self.new.add(event.uniqueid)
            case DialBegun():
                self.new.add(event.dialled.uniqueid)
            case ChannelHungUp():
                self.gone.add(event.uniqueid)
