"""The ways to make the same call: the HTTP API, raw AMI, ARI."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sqlite3
from typing import Protocol

import aiohttp

from bridge.testing.eventually import eventually
from bridge.testing.lab.bridge_process import BridgeProcess

from .bare_ami import BareAmi, Message
from .bare_http import BareHttp
from .directory_file import DESTINATION, SOURCE
from .stage import ADDRESS, Stage, api

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


class ApiPath:
    """What an app does: POST, DELETE."""

    def __init__(self, http: BareHttp, stage: Stage) -> None:
        self._http = http
        self._database = sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True)

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
        assert status == 200, (status, answer, self._on_disk(call_id))

    async def all_ended(self) -> None:
        await eventually(lambda: not self._live_on_disk(), _END_LIMIT_S)

    async def close(self) -> None:
        self._database.close()
        await self._http.close()

    def _on_disk(self, call_id: str) -> object:
        query = "SELECT document FROM calls WHERE id = ?"
        return self._database.execute(query, (call_id,)).fetchone()

    def _live_on_disk(self) -> bool:
        query = "SELECT 1 FROM calls WHERE ended_ms IS NULL LIMIT 1"
        return self._database.execute(query).fetchone() is not None


class _Ends:
    """Calls whose channels are counted until all are gone."""

    def __init__(self) -> None:
        self._channels: dict[str, int] = {}
        self._none_left = asyncio.Event()

    def begin(self, call_id: str) -> None:
        self._channels[call_id] = 2
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


class AmiPath:
    """What somebody writes by hand: Originate, Hangup, and the events that tell of the end."""

    def __init__(self, ami: BareAmi) -> None:
        self._ami = ami
        self._ends = _Ends()
        ami.on_event = self._event

    @classmethod
    async def open(cls, stage: Stage) -> AmiPath:
        return cls(await stage.ami())

    async def create(self, number: str) -> str:
        call_id = secrets.token_hex(10)
        variables = {**_VARIABLES, "BRIDGE_DESTINATION_CALLER_NUMBER": number}
        lines = [
            f"Channel: PJSIP/{SOURCE}",
            "Timeout: 25000",
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
        self._ends.begin(call_id)
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


class AriPath:
    """The same through ARI: POST and DELETE of a channel, events on its WebSocket."""

    def __init__(self, http: BareHttp) -> None:
        self._http = http
        self._ends = _Ends()
        self._destinations: dict[str, str] = {}
        self._session: aiohttp.ClientSession
        self._socket: aiohttp.ClientWebSocketResponse
        self._reading: asyncio.Task[None]

    @classmethod
    async def open(cls, stage: Stage) -> AriPath:
        path = cls(stage.ari())
        path._session = aiohttp.ClientSession()
        url = f"http://{ADDRESS}:{stage.asterisk.ports.http}/ari/events?app=bench&subscribeAll=true"
        credentials = base64.b64encode(f"bridge:{stage.ari_secret}".encode()).decode()
        path._socket = await path._session.ws_connect(
            url, headers={"Authorization": f"Basic {credentials}"}, max_msg_size=0
        )
        path._reading = asyncio.create_task(path._read())
        return path

    async def create(self, number: str) -> str:
        call_id = secrets.token_hex(10)
        query = (
            f"endpoint=PJSIP%2F{SOURCE.replace('*', '%2A')}&channelId={call_id}&timeout=25"
            f"&context=bridge-call&extension=dial&priority=1&callerId={number}&formats=ulaw,alaw"
        )
        variables = {
            **_VARIABLES,
            "BRIDGE_DESTINATION_CALLER_NUMBER": number,
            "CHANNEL(accountcode)": SOURCE,
        }
        body = json.dumps({"variables": variables}).encode()
        self._ends.begin(call_id)
        status, answer = await self._http.request("POST", f"/ari/channels?{query}", body)
        assert status == 200, answer
        return str(json.loads(answer)["id"])

    async def hang_up(self, call_id: str) -> None:
        status, answer = await self._http.request("DELETE", f"/ari/channels/{call_id}")
        assert status == 204, answer

    async def all_ended(self) -> None:
        await self._ends.all()

    async def close(self) -> None:
        await self._socket.close()
        await self._reading
        await self._session.close()
        await self._http.close()

    async def _read(self) -> None:
        async for message in self._socket:
            event = json.loads(message.data)
            kind = event["type"]
            if kind == "Dial" and "caller" in event:
                self._destinations[event["peer"]["id"]] = event["caller"]["id"]
            elif kind == "ChannelDestroyed":
                uniqueid = event["channel"]["id"]
                self._ends.channel_gone(self._destinations.pop(uniqueid, uniqueid))
