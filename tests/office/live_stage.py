"""A story as it happens: real phones, the real service, and what it says at each moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.public_network import AsteriskConsole, hang_up_all

from .events import OfficeEvents
from .live_phone import LivePhone
from .open_office import Office
from .stage import TRUNK_CALLER
from .telling import KINDS, extended, of_extensions, short, told_events, told_live, told_record

_INTO_THE_OFFICE = "PJSIP/pbx-"
"""How the channel of a caller begins in the public network."""
_LIMIT_S = 10.0
_POLL_S = 0.05
_QUIET_S = 0.3


class LiveStage:
    """For one story; `close` leaves the office without calls for the next one."""

    def __init__(self, office: Office, api: ApiClient, events: OfficeEvents) -> None:
        self.office = office
        self.api = api
        self.events = events
        self.did: list[str] = []
        self._began_ms = time.time_ns() // 1_000_000
        events.begin()
        for phone in office.phones.values():
            phone.forget_calls()

    async def close(self) -> None:
        """Hang up whatever a story that failed has left."""
        if await self.channels():
            await self.office.asterisk.pbx.console("channel request hangup all")
        await hang_up_all(self._network)
        await _until(self.channels, lambda x: not x, "channels are left")
        await _until(self.api.calls, lambda x: not x, "calls are left")

    def says(self, what: str) -> None:
        self.did.append(what)

    def phone(self, number: str) -> LivePhone:
        return LivePhone(self.office.phones[number], self.says)

    async def posts(self, source: list[str], destination: list[str], **query: str) -> str:
        self.did.append(f"the app connects {source} with {destination}")
        parties = [[extended(x) for x in side] for side in (source, destination)]
        return await self.api.place(*parties, extension=extended("210"), **query)

    async def deletes(self, *, call_id: str = "", extension: str = "", number: str = "") -> None:
        self.says("the app deletes the call")
        query = {"phoneNumber": number} if number else {}
        answer = await self.api.hang_up(extension or "@self", call_id, **query)
        assert answer.status == 200, f"DELETE: {answer.status} {answer.text}"
        assert len(answer.json) == 1, answer.text

    async def calls_in(self, number: str, caller: str = TRUNK_CALLER, presses: str = "") -> None:
        self.says(f"{caller} calls 5550003{number}")
        does = f"press-{presses}" if presses else "tone"
        await self._network.console(
            f"channel originate Local/5550003{number}-{caller}-@into-pbx/n extension {does}@caller"
        )

    async def caller_hangs_up(self) -> None:
        """And nobody else there: a mobile that was called is in the public network too."""
        self.says("the caller hangs up")
        network = self._network
        channels = (await network.console("core show channels concise")).splitlines()
        for name in [x.split("!")[0] for x in channels if x.startswith(_INTO_THE_OFFICE)]:
            await network.console(f"channel request hangup {name}")

    async def has_refused(self, number: str) -> None:
        phone = self.office.phones[number]

        async def refused() -> bool:
            if not any(x.over.is_set() for x in phone.calls):
                return False
            return not any(x.startswith(f"PJSIP/{number}-") for x in await self.channels())

        await _until(refused, bool, f"{number} has refused nothing")

    async def crm(self, action: str, **fields: str) -> None:
        self.says(f"the CRM: {action} {fields}")
        named = {x: await self._channel_named(y) for x, y in fields.items()}
        answer = await self.office.crm.action(action, **named)
        assert answer["Response"] == "Success", answer

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # what the story says

    async def sees(self, when: str, *calls: str) -> None:
        wanted = sorted(calls)
        await _until(self.told_live, lambda x: x == wanted, f"{when}: not {wanted}")

    async def taken_by(self, when: str, by: str) -> None:
        async def taken() -> set[str]:
            return {x.get("takenBy", "") for x in await self.api.calls()}

        await _until(taken, lambda x: x == {by}, f"{when}: not taken by {by}")

    async def told_of(self, extension: str, kind: str, **parameters: str) -> None:
        def found() -> list[str]:
            events = [
                x for x in self.events.told if (short(x[0]), KINDS[x[1]]) == (extension, kind)
            ]
            return [str({y: x[2][y] for y in parameters}) for x in events]

        wanted = str(parameters)
        await _until(_soon(found), lambda x: wanted in x, f"{extension} {kind}: not {wanted}")

    async def ends(self, *records: str, **told: str) -> None:
        await _until(self.channels, lambda x: not x, "channels are left")
        await self.sees("at the end")
        wanted = sorted(records)
        await _until(self.told_records, lambda x: x == wanted, f"records: not {wanted}")
        right = of_extensions(told)
        await _until(
            _soon(lambda: told_events(self.events.told)),
            lambda x: x == right,
            f"events: not {right}",
        )
        await self.events.quiet(_QUIET_S)  # and none too many
        assert told_events(self.events.told) == right

    @property
    def _network(self) -> AsteriskConsole:
        network = self.office.asterisk.public_network
        assert network is not None
        return network

    async def channels(self) -> list[str]:
        return [x["Channel"] for x in await self.office.crm.channels()]

    async def told_live(self) -> list[str]:
        return sorted(told_live(x) for x in await self.api.calls())

    async def told_records(self) -> list[str]:
        ended = await self.api.calls("@self", ended="true", count="50", sortOrder="descending")
        return sorted(told_record(x) for x in ended if x["publishedMs"] >= self._began_ms)

    async def _channel_named(self, value: str) -> str:
        """The channel of a phone, once it is there; if anybody talks, once it is in its bridge.

        Asterisk answers a phone before that, and parks or moves nobody who is not in a bridge.
        """
        if not value.startswith("@"):
            return value
        value, alone, _ = value.partition(" alone")
        prefix = {"@public": "PJSIP/trunk-"}.get(value, f"PJSIP/{value[1:]}-")

        async def found() -> str:
            channels = await self.office.crm.channels()
            if alone:
                channels = [x for x in channels if not x.get("BridgeId")]
            elif any(x["ChannelStateDesc"] == "Up" for x in channels):
                channels = [x for x in channels if x.get("BridgeId")]
            names = [x["Channel"] for x in channels if x["Channel"].startswith(prefix)]
            return names[-1] if names else ""

        return str(await _until(found, bool, f"{value} is in no call"))


def _soon(ask: Callable[[], object]) -> Callable[[], Any]:
    async def asked() -> object:
        return ask()

    return asked


async def _until(ask: Callable[[], Any], enough: Callable[[Any], bool], otherwise: str) -> Any:
    """Poll, and return what was enough; an AssertionError shows what was seen last."""
    seen: Any = None

    async def is_enough() -> bool:
        nonlocal seen
        seen = await ask()
        return enough(seen)

    await eventually(is_enough, _LIMIT_S, why=lambda: f"{otherwise}, but {seen}")
    return seen
