"""SIGTERM: what has begun is finished, calls stay up, and the service is gone quickly."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import open_lab
from tests.pbx.calls.live_calls import public_call, wait_statuses

HURRY_S = 5.0
"""Less than what requests in flight may take."""


async def test_given_half_a_request_and_a_call_when_stopped_then_both_are_finished_well(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lab = await open_lab(tmp_path_factory.mktemp("stop"))
    try:
        async with lab.client() as api:
            talking = await public_call(api)
            await wait_statuses(api, talking, 5, 5)
            request = await HalfRequest.begin(lab.bridge.base_url, str(api.token))

            began = time.monotonic()
            stopping = asyncio.create_task(lab.bridge.stop())
            await refuses_connections(lab.bridge.base_url)
            placed = await request.finish()
            await stopping  # with exit code 0
            assert time.monotonic() - began < HURRY_S

            await lab.bridge.start()
            for call_id in (talking, placed):
                await wait_statuses(api, call_id, 5, 5)
    finally:
        await lab.close()


class HalfRequest:
    """A create, the end of whose body is still to come."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes
    ) -> None:
        self._reader, self._writer, self._rest = reader, writer, rest

    @classmethod
    async def begin(cls, base_url: str, token: str) -> HalfRequest:
        """Returns when the service has surely taken the first half."""
        view = {"source": ["3235550202"], "destination": ["3235550201"]}
        body = json.dumps({"extension": "210", "phoneCallView": [view]}).encode()
        host, _, port = base_url.rpartition("/")[2].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            "POST /uapi/phoneCalls/@me/simple HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
            # Answered when somebody begins to read the body.
            "Expect: 100-continue\r\n\r\n"
        )
        writer.write(head.encode())
        taken = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert taken.startswith(b"HTTP/1.1 100 ")
        writer.write(body[:10])
        await writer.drain()
        return cls(reader, writer, body[10:])

    async def finish(self) -> str:
        """The id of the call that it placed."""
        self._writer.write(self._rest)
        await self._writer.drain()
        answer = await asyncio.wait_for(self._reader.read(), 20)
        self._writer.close()
        assert answer.startswith(b"HTTP/1.1 202 "), answer
        return str(json.loads(answer.partition(b"\r\n\r\n")[2])[0]["id"])


async def refuses_connections(base_url: str, time_limit_s: float = 40.0) -> None:
    """Until new connections are refused; a new session each, as old ones are still served."""

    async def refused() -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{base_url}/health/live"),
            ):
                return False
        except aiohttp.ClientError:
            return True

    await eventually(refused, time_limit_s)


async def test_given_a_phone_on_websocket_when_stopped_then_it_holds_nothing_up(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lab = await open_lab(tmp_path_factory.mktemp("ws"))
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{lab.bridge.base_url}/ws", protocols=("sip",)) as socket,
        ):
            closed = asyncio.create_task(socket.receive())
            begin = time.monotonic()
            await lab.bridge.stop()
            assert time.monotonic() - begin < HURRY_S
            assert (await closed).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    finally:
        await lab.close()
