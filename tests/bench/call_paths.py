"""The ways to make the same call: the HTTP API, raw AMI, the service written by hand."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from enum import Enum
from pathlib import Path
from typing import Protocol

from bridge.testing.eventually import eventually
from bridge.testing.lab.bridge_process import BridgeProcess

from .bare_ami import BareAmi, Message
from .bare_http import BareHttp
from .directory_file import DESTINATION, SOURCE
from .peer_by_hand import PeerByHand
from .stage import Stage, api

_END_LIMIT_S = 30
_POLL_S = 0.003
_VARIABLES = {
    "BRIDGE_DESTINATION": f"PJSIP/{DESTINATION}",
    "BRIDGE_DESTINATION_WAIT_S": "60",
    "BRIDGE_DIAL_OPTIONS": "S(7200)",
    "BRIDGE_DESTINATION_CALLER_NAME": "",
    "__TRANSFER_CONTEXT": "transfer-any",
}


class CallPath(Protocol):
    """One way. Both phones show `number`, by which they know the call."""

    async def create(self, number: str) -> str:
        """Returns the call's id once it is accepted."""

    async def hang_up(self, call_id: str) -> None: ...

    async def all_ended(self) -> None:
        """Return when every call has ended, and is written down where that is done."""

    async def close(self) -> None: ...


class _CallsOnDisk:
    """The table `calls` of a service, as it is on disk."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)

    async def all_ended(self) -> None:
        await eventually(lambda: not self._live(), _END_LIMIT_S)

    def row(self, call_id: str) -> object:
        return self._database.execute("SELECT * FROM calls WHERE id = ?", (call_id,)).fetchone()

    def any_answered(self) -> bool:
        query = "SELECT 1 FROM calls WHERE answered_ms IS NOT NULL LIMIT 1"
        return self._database.execute(query).fetchone() is not None

    def close(self) -> None:
        self._database.close()

    def _live(self) -> bool:
        query = "SELECT 1 FROM calls WHERE ended_ms IS NULL LIMIT 1"
        return self._database.execute(query).fetchone() is not None


class ApiPath:
    """What an app does: POST, DELETE."""

    def __init__(self, http: BareHttp, stage: Stage) -> None:
        self._http = http
        self._on_disk = _CallsOnDisk(stage.database)

    @classmethod
    async def open(cls, stage: Stage, service: BridgeProcess) -> ApiPath:
        return cls(await api(service), stage)

    async def create(self, number: str) -> str:
        call = {
            "extension": "210",
            "phoneCallView": [
                {
                    "source": ["210"],
                    "destination": ["211"],
                    "callerId": f"Bench <{number}>",
                    "callerIdDestination": f"Bench <{number}>",
                }
            ],
        }
        body = json.dumps(call).encode()
        status, answer = await self._http.request("POST", "/uapi/phoneCalls/@me/simple", body)
        assert status == 202, answer
        return str(json.loads(answer)[0]["id"])

    async def hang_up(self, call_id: str) -> None:
        status, answer = await self._http.request("DELETE", f"/uapi/phoneCalls/@me/210/{call_id}")
        assert status == 200, (status, answer, self._on_disk.row(call_id))

    async def all_ended(self) -> None:
        await self._on_disk.all_ended()

    async def close(self) -> None:
        self._on_disk.close()
        await self._http.close()


class ByHandPath:
    """The same with the service written by hand, which has routes of its own."""

    def __init__(self, peer: PeerByHand) -> None:
        self._http = peer.api()
        self._on_disk = _CallsOnDisk(peer.database)

    async def create(self, number: str) -> str:
        call = {"source": SOURCE, "destination": DESTINATION, "callerId": number}
        status, answer = await self._http.request("POST", "/calls", json.dumps(call).encode())
        assert status == 202, answer
        return str(json.loads(answer)["id"])

    async def hang_up(self, call_id: str) -> None:
        status, answer = await self._http.request("DELETE", f"/calls/{call_id}")
        assert status == 200, (status, answer, self._on_disk.row(call_id))

    async def all_ended(self) -> None:
        await self._on_disk.all_ended()
        # Not all: a hang-up may overtake the news of the answer.
        assert self._on_disk.any_answered(), "no talk has its answer on disk"

    async def close(self) -> None:
        self._on_disk.close()
        await self._http.close()


class _Ends:
    """Calls whose channels are counted until all are gone."""

    def __init__(self) -> None:
        self._channels: dict[str, int] = {}
        self._none_left = asyncio.Event()

    def begin(self, call_id: str, channels: int) -> None:
        self._channels[call_id] = channels
        self._none_left.clear()

    def channel_gone(self, call_id: str) -> None:
        left = self._channels.get(call_id, 0) - 1
        if left > 0:
            self._channels[call_id] = left
        elif self._channels.pop(call_id, None) is not None and not self._channels:
            self._none_left.set()

    async def all(self) -> None:
        async with asyncio.timeout(_END_LIMIT_S):
            if self._channels:
                await self._none_left.wait()


class Source(Enum):
    """How raw AMI dials the source.

    DIRECT: by the Originate itself, which follows every forward of the phone. KNOWN: as the service
    does, through a Local channel. ANY: as the service did before, without telling the dialplan that
    these are phones.
    """

    DIRECT = "direct"
    KNOWN = "known"
    ANY = "any"


class AmiPath:
    """What somebody writes by hand: Originate, Hangup, and the events that tell of the end."""

    def __init__(self, ami: BareAmi, source: Source = Source.DIRECT) -> None:
        self._ami = ami
        self._source = source
        self._ends = _Ends()
        ami.on_event = self._event

    @classmethod
    async def open(cls, stage: Stage, source: Source = Source.DIRECT) -> AmiPath:
        return cls(await stage.ami(), source)

    async def create(self, number: str) -> str:
        call_id = secrets.token_hex(10)
        variables = {**_VARIABLES, "BRIDGE_DESTINATION_CALLER_NUMBER": number}
        channel = [f"Channel: PJSIP/{SOURCE}"]
        if self._source is not Source.DIRECT:
            channel = ["Channel: Local/ring@bridge-source/n", f"OtherChannelId: {call_id};2"]
            variables |= {"BRIDGE_SOURCES": f"PJSIP/{SOURCE}", "BRIDGE_SOURCE_WAIT_S": "25"}
        if self._source is Source.KNOWN:
            variables |= {"BRIDGE_SOURCE_PHONES": "1", "BRIDGE_DESTINATION_PHONES": "1"}
        lines = [
            *channel,
            "Timeout: 27000",
            f"ChannelId: {call_id}",
            "Async: true",
            "Context: bridge-call",
            "Exten: dial",
            "Priority: 1",
            f'CallerID: "Bench" <{number}>',
            f"Account: {SOURCE}",
            "Codecs: ulaw,alaw",
            *(f"Variable: {name}={value}" for name, value in variables.items()),
        ]
        self._ends.begin(call_id, 2 if self._source is Source.DIRECT else 4)
        answer = await self._ami.send("Originate", "\r\n".join(lines) + "\r\n")
        assert answer["Response"] == "Success", answer
        return call_id

    async def hang_up(self, call_id: str) -> None:
        answer = await self._ami.send("Hangup", f"Channel: {call_id}\r\nCause: 16\r\n")
        assert answer["Response"] == "Success", answer

    async def all_ended(self) -> None:
        await self._ends.all()

    async def close(self) -> None:
        self._ami.close()

    def _event(self, event: Message) -> None:
        if event["Event"] == "Hangup":
            self._ends.channel_gone(event["Linkedid"])
