"""The extensions of a directory that the dialplan of the shipped Asterisk (asterisk-conf/pbx) does
not serve."""

from __future__ import annotations

import re

from bridge.directory.directory import Directory
from bridge.directory.model import ExtensionType

_NUMBER = re.compile(r"[0-9]{4}\*[0-9]{3}\Z")
_SERVICES = {
    "300": ExtensionType.QUEUE,
    "400": ExtensionType.IVR,
    "500": ExtensionType.CONFERENCE,
}


def unreachable_extensions(directory: Directory) -> list[str]:
    """Extensions that phones registered to it cannot reach by their number."""
    return [
        x.number
        for x in directory.extensions.values()
        if x.type is not ExtensionType.CALLBACK  # nobody dials it
        and (
            not _NUMBER.match(x.number)
            or _SERVICES.get(x.short, ExtensionType.PHONE_TERMINAL) is not x.type
        )
    ]


def unreachable_extensions_note(directory: Directory) -> str:
    """One line about these extensions, for a person; empty if there are none."""
    unknown = unreachable_extensions(directory)
    if not unknown:
        return ""
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return (
        f"the dialplan of the shipped Asterisk does not know {', '.join(unknown[:3])}{more}: "
        "it has prefixes of 4 digits, phones of 3, queue 300, IVR 400, conference 500"
    )
