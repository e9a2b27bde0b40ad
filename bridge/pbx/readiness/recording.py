"""The AMI user for recording, in the readiness check: login and rights. Calls work without it."""

from __future__ import annotations

import asyncio

from bridge.calls.pbx import PbxOutcomeUnknown, PbxUnavailable
from bridge.pbx.ami.connection import AmiConnection, LoginRefused
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings
from bridge.pbx.readiness.finding import Finding, advice, ok, unknown

BOOTED_WAIT_S = 3.0
"""The event of a login is there within milliseconds."""

_NOT_WANTED = "or BRIDGE_RECORDING=false if no call must be recorded"


async def recording_findings(settings: AmiSettings) -> list[Finding]:
    """Never raises for what the PBX does."""
    user = settings.username
    connection = AmiConnection(settings, lambda _: None, lambda _: None)
    try:
        await connection.open()
        return await _logged_in(connection, settings)
    except LoginRefused as why:
        return [
            advice(
                f'AMI user "{user}", for recording: {why}; no recording',
                f"manager.conf: [{user}] with the `secret` of BRIDGE_AMI_RECORDING_SECRET, "
                f"read = system, write = system; then `manager reload`; {_NOT_WANTED}",
            )
        ]
    except (OSError, TimeoutError, PbxUnavailable, PbxOutcomeUnknown):
        return [unknown(f'AMI user "{user}", for recording', "AMI must answer to see it")]
    finally:
        connection.lose("checked")


async def _logged_in(connection: AmiConnection, settings: AmiSettings) -> list[Finding]:
    user = settings.username
    commands = await connection.send(AmiAction("ListCommands"), settings.action_timeout_s)
    await asyncio.wait({connection.booted_or_lost}, timeout=BOOTED_WAIT_S)
    found = []
    if not connection.booted_or_lost.done():
        found.append(
            advice(
                f'AMI user "{user}" is not told when Asterisk is up: no recording',
                f"manager.conf [{user}]: add system to `read`, let the event FullyBooted through; "
                f"then `manager reload`; {_NOT_WANTED}",
            )
        )
    if "MixMonitor" not in commands:
        found.append(
            advice(
                "AMI action MixMonitor is not available; calls will not be recorded",
                f"manager.conf [{user}]: add system to `write`; "
                f"modules.conf: load = app_mixmonitor.so; {_NOT_WANTED}",
            )
        )
    if "Originate" in commands:
        found.append(
            advice(
                f'AMI user "{user}" may place calls, which with system is a shell',
                f"manager.conf [{user}]: `write = system` and nothing else",
            )
        )
    return found or [ok(f'AMI user "{user}" logs in and may record')]
