"""Reads sections of Asterisk's configuration files through AMI, by whichever user may.

The user for recording may, as docs/own-asterisk.md writes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.calls.pbx import PbxOutcomeUnknown, PbxUnavailable
from bridge.pbx.ami.connection import AmiConnection, LoginRefused
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings
from bridge.pbx.readiness.ami import AmiLook


async def read_sections(
    look: AmiLook, recording: AmiSettings | None, file: str, names: Sequence[str]
) -> list[Headers] | None:
    """These sections of that file; None if nobody may read them, or one is missing.

    `recording`: the user for recording, None if nothing is recorded.
    """
    if "GetConfig" in look.commands:
        return await _read(look.connection, look.settings, file, names)
    if recording is None:
        return None
    connection = AmiConnection(recording, lambda _: None, lambda _: None)
    try:
        await connection.open()
        return await _read(connection, recording, file, names)
    except (LoginRefused, OSError, TimeoutError, PbxUnavailable, PbxOutcomeUnknown):
        return None  # the user for recording has findings of its own
    finally:
        connection.lose("checked")


def lines_of(section: Headers) -> list[tuple[str, str]]:
    """Name and value of each line of a section."""
    lines = [value.partition("=") for name, value in section.items() if name.startswith("Line-")]
    return [(name.strip(), value.strip()) for name, _, value in lines]


async def _read(
    connection: AmiConnection, settings: AmiSettings, file: str, names: Sequence[str]
) -> list[Headers] | None:
    found = []
    for name in names:
        where = (("Filename", file), ("Category", name))
        answer = await connection.send(AmiAction("GetConfig", where), settings.action_timeout_s)
        if answer.get("Response") != "Success":
            return None
        found.append(answer)
    return found
