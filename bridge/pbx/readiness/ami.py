"""The AMI side of the readiness check: login and rights; the dialplan and a call are looked at by
readiness_dialplan and readiness_call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bridge.calls.pbx import PbxOutcomeUnknown, PbxUnavailable
from bridge.pbx.ami.connection import AmiConnection, LoginRefused
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings
from bridge.pbx.readiness.connection_remedy import connection_remedy
from bridge.pbx.readiness.finding import Finding, advice, lacking, ok, version_finding

EVENT_WAIT_S = 3.0
"""Events of a login and of a call of ours are there within milliseconds."""

_OF_MODULES = (
    ("PlayDTMF", "app_senddtmf", "for the action SendDTMF"),
    ("ConfbridgeMute", "app_confbridge", "for conferences"),
)

Look = Callable[["AmiLook"], Awaitable[list[Finding]]]
"""One more thing to be looked at, of a PBX that lets us in."""


class AmiLook:
    """A connection that is logged in, with what others need to look at the PBX through it.

    `commands`: the actions that this user may use. `events`: all that came, in their order.
    """

    def __init__(self, settings: AmiSettings) -> None:
        self.settings = settings
        self.commands: Headers = {}
        self.events: list[Headers] = []
        self._arrived = asyncio.Event()
        self.connection = AmiConnection(settings, self._take, lambda _: None)

    async def ask(self, name: str, *headers: tuple[str, str]) -> Headers:
        """The answer to one action. Raises PbxUnavailable, PbxOutcomeUnknown."""
        action = AmiAction(name, headers)
        return await self.connection.send(action, self.settings.action_timeout_s)

    async def has(self, context: str, exten: str = "") -> bool:
        """Whether the dialplan has that context, or that extension of it; patterns count."""
        where = (("Context", context), *((("Extension", exten),) if exten else ()))
        answer = await self.ask("ShowDialPlan", *where)
        return answer.get("Response") == "Success"

    async def sees(self, is_it: Callable[[Headers], bool]) -> bool:
        """Wait for an event that is, for a while."""
        try:
            async with asyncio.timeout(EVENT_WAIT_S):
                while not any(map(is_it, self.events)):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def right(self, kind: str, name: str, *, have: bool, why: str) -> Finding:
        """The finding for one right of the AMI user.

        `kind`: `read` or `write`, as in manager.conf.
        """
        point = f"AMI right {kind} = {name}, {why}"
        if have:
            return ok(point)
        user = self.settings.username
        return lacking(
            point, f"manager.conf [{user}]: add {name} to `{kind}`, then `manager reload`"
        )

    def _take(self, headers: Headers) -> None:
        self.events.append(headers)
        self._arrived.set()


class AmiReadiness:
    """One look at one PBX: `findings()`. `looks` follow the login, one after the other."""

    def __init__(self, settings: AmiSettings, looks: Sequence[Look]) -> None:
        self._settings = settings
        self._looks = (_rights, _version, *looks)

    async def findings(self) -> list[Finding]:
        """Never raises for what the PBX does."""
        settings = self._settings
        where = f"AMI at {settings.where}"
        look = AmiLook(settings)
        try:
            await look.connection.open()
        except LoginRefused as why:
            return [
                ok(f"{where} answers"),
                lacking(
                    f'AMI user "{settings.username}": {why}',
                    f"manager.conf: [{settings.username}] with the `secret` of BRIDGE_AMI_SECRET, "
                    "and no `deny` or `acl` against this machine; then `manager reload`",
                ),
            ]
        except (OSError, TimeoutError, PbxUnavailable) as why:
            return [
                lacking(
                    f"{where}: {str(why) or 'no connection in time'}",
                    connection_remedy(
                        "AMI",
                        str(why),
                        "manager.conf [general]: enabled = yes, bindaddr and port; open it in the "
                        "firewall for this machine only; here BRIDGE_PBX_HOST and BRIDGE_AMI_PORT",
                    ),
                )
            ]
        try:
            found = [ok(f'{where}: user "{settings.username}" logs in')]
            look.commands = await look.ask("ListCommands")
            for more in self._looks:
                found += await more(look)
            return found
        except (PbxUnavailable, PbxOutcomeUnknown) as why:
            return [*found, lacking(f"{where}: {why}", "look into Asterisk's log")]
        finally:
            look.connection.lose("checked")


async def _rights(look: AmiLook) -> list[Finding]:
    commands = look.commands
    reads_system = await look.sees(lambda x: x["Event"] == "FullyBooted")
    found = [
        look.right("read", "system", have=reads_system, why="to know when Asterisk is up"),
        look.right("write", "originate", have="Originate" in commands, why="to place calls"),
        look.right("write", "call", have="Atxfer" in commands, why="to hang up"),
        look.right("write", "reporting", have="CoreShowChannels" in commands, why="to see calls"),
    ]
    for action, module, why in _OF_MODULES:
        if action not in commands:
            point = f"module {module}.so runs, {why}"
            found.append(advice(point, f"modules.conf: `load = {module}.so`, if you need that"))
    if "ModuleLoad" in commands:
        user = look.settings.username
        found.append(
            advice(
                f'AMI user "{user}" has the right write = system, which gives a shell',
                f"manager.conf [{user}]: remove system from `write`; recording has a user of "
                "its own",
            )
        )
    return found


async def _version(look: AmiLook) -> list[Finding]:
    answer = await look.ask("CoreSettings")
    return [version_finding(answer.get("AsteriskVersion", "(version not told)"))]
