"""The rooms of a Conference extension, as the dialplan knows them.

The extension itself is one room, which phones dial. Each conference with a number is another; the
API takes parties into it.
"""

from __future__ import annotations

from bridge.directory.model import Conference, Extension

ROOMS_CONTEXT = "uapi-conference"
"""The context of asterisk-conf/pbx/extensions-bridge.conf whose extens are the rooms."""


def room_of(extension: str, number: str) -> str:
    """`0003*500-1234`, the room of that conference."""
    return f"{extension}-{number}"


def room_dial(extension: Extension, conference: Conference | None) -> str:
    """The dial string of the room; None: the extension's own."""
    if conference is None:
        return extension.dial
    return f"Local/{room_of(extension.number, conference.number)}@{ROOMS_CONTEXT}/n"
