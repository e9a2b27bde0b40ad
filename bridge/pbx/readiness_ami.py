"""The AMI side of the readiness check: login, rights, contexts, events."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from bridge.calls.pbx import PbxOutcomeUnknown, PbxUnavailable
from bridge.pbx import ami_values
from bridge.pbx.ami_connection import AmiConnection, LoginRefused
from bridge.pbx.ami_message import Headers
from bridge.pbx.ami_values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings, Dialplan
from bridge.pbx.readiness import Finding, advice, lacking, ok, unknown, version_finding

EVENT_WAIT_S = 3.0
"""Events of a login and of a call that ends at once are there within milliseconds."""

_CALL_EVENTS = ("Newchannel", "Hangup", "OriginateResponse")


class AmiReadiness:
    """One look at one PBX: `findings()`."""

    def __init__(
        self,
        settings: AmiSettings,
        dialplan: Dialplan,
        *,
        phone_contexts: Sequence[str],
        services_context: str,
    ) -> None:
        self._settings = settings
        self._dialplan = dialplan
        self._phone_contexts = phone_contexts
        self._services_context = services_context
        self._events: list[Headers] = []
        self._arrived = asyncio.Event()

    async def findings(self) -> list[Finding]:
        """Never raises for what the PBX does."""
        settings = self._settings
        where = f"AMI at {settings.host}:{settings.port}"
        connection = AmiConnection(settings, self._take, lambda _: None)
        try:
            await connection.open()
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
                    "manager.conf [general]: enabled = yes, bindaddr and port; open it in the "
                    "firewall for this machine only; here BRIDGE_PBX_HOST and BRIDGE_AMI_PORT",
                )
            ]
        try:
            found = [ok(f'{where}: user "{settings.username}" logs in')]
            return found + await self._logged_in(connection)
        except (PbxUnavailable, PbxOutcomeUnknown) as why:
            return [*found, lacking(f"{where}: {why}", "look into Asterisk's log")]
        finally:
            connection.lose("checked")

    async def _logged_in(self, connection: AmiConnection) -> list[Finding]:
        commands = await self._ask(connection, AmiAction("ListCommands"))
        reads_system = await self._sees("FullyBooted")
        found = [
            self._right("read", "system", have=reads_system, why="to know when Asterisk is up"),
            self._right("write", "originate", have="Originate" in commands, why="to place calls"),
            self._right("write", "call", have="Atxfer" in commands, why="to hang up"),
            self._right(
                "write", "reporting", have="CoreShowChannels" in commands, why="to see calls"
            ),
        ]
        if "ModuleLoad" in commands:
            user = self._settings.username
            found.append(
                advice(
                    f'AMI user "{user}" has the right write = system, a shell for who has it',
                    f"manager.conf [{user}]: remove system from `write`; recording has a user of "
                    "its own",
                )
            )
        found.append(await self._version(connection))
        if "ShowDialPlan" not in commands:
            found.append(unknown("the dialplan", "can be seen with the right write = reporting"))
            return found
        contexts = [await self._extension(connection, *x) for x in self._extensions()]
        found += contexts
        for context in self._phone_contexts:
            there = await self._has(connection, context)
            point = f"dialplan context [{context}], of the phones that are made"
            remedy = "extensions.conf: what phones may dial; or BRIDGE_PROVISION_PHONES=false"
            found.append(ok(point) if there else lacking(point, remedy))
        found.append(await self._services(connection))
        if "Originate" in commands and contexts[0] == ok(contexts[0].point):
            found += await self._call_events(connection)
        else:
            found.append(unknown("events of calls", "a call must be possible to see them"))
        return found

    def _right(self, kind: str, name: str, *, have: bool, why: str) -> Finding:
        point = f"AMI right {kind} = {name}, {why}"
        if have:
            return ok(point)
        user = self._settings.username
        return lacking(
            point, f"manager.conf [{user}]: add {name} to `{kind}`, then `manager reload`"
        )

    async def _version(self, connection: AmiConnection) -> Finding:
        answer = await self._ask(connection, AmiAction("CoreSettings"))
        return version_finding(answer.get("AsteriskVersion", "(version not told)"))

    def _extensions(self) -> list[tuple[str, str, str]]:
        """Context, extension, and where they are to be had."""
        plan = self._dialplan
        included = "extensions.conf: #include asterisk-conf/pbx/extensions-bridge.conf"
        own = "extensions.conf: a context with what a party of a call may be transferred to"
        return [
            (plan.call_context, plan.call_exten, included),
            (plan.source_context, plan.source_exten, included),
            (plan.transfer_local_context, "", own),
            (plan.transfer_any_context, "", own),
        ]

    async def _extension(
        self, connection: AmiConnection, context: str, exten: str, remedy: str
    ) -> Finding:
        point = f"dialplan context [{context}]" + (f", extension {exten}" if exten else "")
        if await self._has(connection, context, exten):
            return ok(point)
        return lacking(point, f"{remedy}; then `dialplan reload`")

    async def _services(self, connection: AmiConnection) -> Finding:
        point = f"dialplan context [{self._services_context}], of what is no phone"
        if await self._has(connection, self._services_context):
            return ok(point)
        return advice(
            f"there is no {point}: calls to 0003*00, queues, IVRs and conferences fail",
            "extensions.conf: a context with these numbers; `services_context` of the directory",
        )

    async def _has(self, connection: AmiConnection, context: str, exten: str = "") -> bool:
        where = (("Context", context), *((("Extension", exten),) if exten else ()))
        answer = await self._ask(connection, AmiAction("ShowDialPlan", where))
        return answer.get("Response") == "Success"

    async def _call_events(self, connection: AmiConnection) -> list[Finding]:
        """A call that reaches nobody: it shows which events come through rights and filters."""
        call_id = secrets.token_hex(10)
        plan = self._dialplan
        nobody = "Local/nobody@uapi-bridge-check"
        action = AmiAction(
            "Originate",
            (
                ("Channel", f"Local/{plan.source_exten}@{plan.source_context}/n"),
                ("ChannelId", ami_values.call_id(call_id)),
                ("OtherChannelId", f"{call_id};2"),
                ("Context", plan.call_context),
                ("Exten", plan.call_exten),
                ("Priority", "1"),
                ("Timeout", "1000"),
                ("Async", "true"),
                ami_values.variable("BRIDGE_SOURCES", nobody),
                ami_values.variable("BRIDGE_SOURCE_WAIT_S", "1"),
            ),
        )
        await self._ask(connection, action)
        missing = [name for name in _CALL_EVENTS if not await self._sees(name, call_id)]
        user = self._settings.username
        if len(missing) == len(_CALL_EVENTS):
            return [self._right("read", "call", have=False, why="to follow calls")]
        found = [self._right("read", "call", have=True, why="to follow calls")]
        return found + [
            lacking(
                f"event {name}",
                f"manager.conf: an eventfilter of [{user}] or `disabledevents` keeps it back",
            )
            for name in missing
        ]

    async def _ask(self, connection: AmiConnection, action: AmiAction) -> Headers:
        return await connection.send(action, self._settings.action_timeout_s)

    def _take(self, headers: Headers) -> None:
        self._events.append(headers)
        self._arrived.set()

    async def _sees(self, event: str, uniqueid: str = "") -> bool:
        """Wait until an event came, with that Uniqueid if one is given."""
        try:
            async with asyncio.timeout(EVENT_WAIT_S):
                while not any(
                    x["Event"] == event and (not uniqueid or x.get("Uniqueid") == uniqueid)
                    for x in self._events
                ):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True
