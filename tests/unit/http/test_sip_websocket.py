"""/ws before a PBX that is made up: who gets a place, who keeps it, and how much it may send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.access.guess_guard import GuessGuard
from bridge.config.settings import Settings
from bridge.http import sip_websocket
from bridge.http.context import SERVICES
from bridge.http.guesses import GUESSES
from bridge.http.server import close_http, start_http
from bridge.http.sip_websocket_places import PHONES_PER_USER
from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.wiring.http import http_settings, server_settings

TIME_LIMIT_S = 30.0
REGISTER, UNREGISTER, WRONG, CRLF = "REGISTER", "UNREGISTER", "WRONG", "\r\n\r\n"


@dataclass
class FakePbx:
    """Registers whoever says REGISTER, for 60 s, and repeats everything else."""

    heard: list[float] = field(default_factory=list)

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("sip",), compress=False)
        await socket.prepare(request)
        async for message in socket:
            self.heard.append(asyncio.get_running_loop().time())
            if message.data == REGISTER:
                contact = "Contact: <sip:a@x>;expires=60\r\n"
                await socket.send_str(f"SIP/2.0 200 OK\r\nCSeq: 2 REGISTER\r\n{contact}\r\n")
            elif message.data.startswith("REGISTER sip:"):
                headers = message.data.partition("\r\n")[2]
                contact = "Contact: <sip:a@x>;expires=60\r\n"
                await socket.send_str(f"SIP/2.0 200 OK\r\n{contact}{headers}")
            elif message.data == WRONG:
                await socket.send_str("SIP/2.0 401 Unauthorized\r\nCSeq: 2 REGISTER\r\n\r\n")
            elif message.data == UNREGISTER:
                await socket.send_str("SIP/2.0 200 OK\r\nCSeq: 3 REGISTER\r\n\r\n")
            else:
                await socket.send_str(message.data)
        return socket


@dataclass(frozen=True)
class Stage:
    url: str
    port: int
    pbx: FakePbx
    session: aiohttp.ClientSession
    stack: AsyncExitStack
    services: Any

    def reached_by(self, *urls: str) -> None:
        """From now on the PBX counts as having these addresses."""
        settings = self.services.settings
        changed = replace(settings.sip_websocket, pbx_urls=urls)
        self.services.settings = replace(settings, sip_websocket=changed)

    async def connect(self, **headers: str) -> aiohttp.ClientWebSocketResponse:
        named = {k.title(): v for k, v in headers.items()}
        return await self.stack.enter_async_context(
            self.session.ws_connect(self.url, protocols=("sip",), headers=named)
        )

    async def refused(self, **headers: str) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await self.connect(**headers)
        return refusal.value.status


def register(user: str) -> str:
    return f"REGISTER sip:x SIP/2.0\r\nFrom: <sip:{user}@x>;tag=1\r\nCSeq: 2 REGISTER\r\n\r\n"


async def said(socket: aiohttp.ClientWebSocketResponse, text: str) -> str:
    await socket.send_str(text)
    return str(await socket.receive_str(timeout=TIME_LIMIT_S))


async def until_closed(socket: aiohttp.ClientWebSocketResponse) -> float:
    """How long it stayed open."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(TIME_LIMIT_S):
        async for _ in socket:
            pass
    return asyncio.get_running_loop().time() - began


@asynccontextmanager
async def staged(**settings: Any) -> AsyncIterator[Stage]:
    pbx = FakePbx()
    pbx_app = web.Application()
    pbx_app.router.add_get("/ws", pbx.websocket)
    async with TestServer(pbx_app, host="127.0.0.1") as server, AsyncExitStack() as stack:
        wanted = Settings(
            http_port=free_http_port(),
            pbx_host="127.0.0.1",
            ari_port=server.port,
            shutdown_timeout_s=1,
            **settings,
        )
        services: Any = SimpleNamespace(settings=http_settings(wanted))
        app = web.Application()
        app[SERVICES] = services
        app[GUESSES] = GuessGuard(services.settings.guesses)
        sip_websocket.add_routes(app)
        runner = await start_http(app, server_settings(wanted))
        stack.push_async_callback(close_http, runner)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"ws://127.0.0.1:{wanted.http_port}/ws"
        async with AsyncExitStack() as sockets:
            yield Stage(url, wanted.http_port, pbx, session, sockets, services)


async def test_of_several_edges_the_first_that_answers_is_taken() -> None:
    async with staged() as stage:
        socket = await stage.connect()
        assert await said(socket, "OPTIONS") == "OPTIONS"
        nobody = f"ws://127.0.0.1:{free_http_port()}/"
        [edge] = stage.services.settings.sip_websocket.pbx_urls
        stage.reached_by(nobody, edge)
        socket = await stage.connect()
        assert await said(socket, "OPTIONS") == "OPTIONS"
        stage.reached_by(nobody, nobody)
        assert await stage.refused() == 503


@pytest.mark.parametrize("says", ["", CRLF, "OPTIONS", UNREGISTER])
async def test_who_does_not_register_must_go_whatever_was_said(says: str) -> None:
    with structlog.testing.capture_logs() as logs:
        async with staged(sip_websocket_registration_s=0.2) as stage:
            socket = await stage.connect()
            if says:
                await said(socket, says)
            lasted_s = await until_closed(socket)
            await eventually(lambda: len(logs) > 0, TIME_LIMIT_S)
    assert 0.1 < lasted_s < 20
    assert [x["event"] for x in logs] == ["sip_websockets_never_registered"]


async def test_a_registered_phone_stays_and_one_that_unregisters_must_go() -> None:
    async with staged(sip_websocket_registration_s=0.2) as stage:
        socket = await stage.connect()
        stranger = await stage.connect()
        await said(socket, REGISTER)
        await until_closed(stranger)  # who came later and did not register is gone
        assert await said(socket, "OPTIONS") == "OPTIONS"
        await said(socket, UNREGISTER)
        assert await until_closed(socket) < 20


async def test_strangers_of_one_address_are_few_and_registered_phones_count_against_none() -> None:
    async with staged(sip_websockets_max=12, sip_websocket_strangers_max=3) as stage:
        for _ in range(8):
            await said(await stage.connect(), REGISTER)
        strangers = [await stage.connect() for _ in range(3)]
        assert await stage.refused() == 503
        await said(strangers[0], REGISTER)
        await stage.connect()  # the twelfth
        await said(strangers[1], REGISTER)
        assert await stage.refused() == 503  # as many as may be in all
        await strangers[2].close()

        async def there_is_room() -> bool:
            try:
                await stage.connect()
            except aiohttp.WSServerHandshakeError:
                return False
            return True

        await eventually(there_is_room, TIME_LIMIT_S)


async def test_one_user_has_ten_phones_and_leaves_the_other_places_to_other_users() -> None:
    async with staged(sip_websocket_registration_s=0.5) as stage:
        for _ in range(PHONES_PER_USER):
            phone = await stage.connect()
            await said(phone, register("alice"))
        one_more = await stage.connect()
        await said(one_more, register("alice"))
        other = await stage.connect()
        await said(other, register("bob"))
        await until_closed(one_more)
        assert await said(other, "OPTIONS") == "OPTIONS"
        assert await said(phone, "OPTIONS") == "OPTIONS"


@pytest.mark.parametrize(
    ("origin", "settings", "allowed"),
    [
        (lambda port: f"http://127.0.0.1:{port}", {}, True),
        (lambda port: "https://evil.example", {}, False),
        (lambda port: f"http://evil.example:{port}", {}, False),
        (lambda port: "null", {}, False),
        (lambda port: "http://127.0.0.1", {}, False),
        (lambda port: "é", {}, False),
        (
            lambda port: "https://phone.example.com",
            {"sip_websocket_origins": "https://a.example, https://phone.example.com"},
            True,
        ),
        (lambda port: "https://b.example", {"sip_websocket_origins": "https://a.example"}, False),
        (lambda port: "https://b.example", {"sip_websocket_origins": "*"}, True),
        (
            lambda port: "https://calls.example.com",
            {"public_base_url": "https://calls.example.com/"},
            True,
        ),
        (lambda port: f"http://127.0.0.1:{port}", {"public_base_url": "https://c.example"}, False),
    ],
)
async def test_pages_of_which_origins_may_connect(
    origin: Callable[[int], str], settings: dict[str, str], *, allowed: bool
) -> None:
    async with staged(**settings) as stage:
        if allowed:
            await stage.connect(origin=origin(stage.port))
        else:
            assert await stage.refused(origin=origin(stage.port)) == 403
        await stage.connect()  # without Origin


async def test_a_name_that_leads_here_makes_no_origin_our_own() -> None:
    """DNS rebinding: the attacker's page and our Host then have the same name."""
    async with staged() as stage:
        named = f"evil.example:{stage.port}"
        assert await stage.refused(host=named, origin=f"http://{named}") == 403


async def test_a_flood_of_frames_reaches_the_pbx_at_the_pace_of_a_phone() -> None:
    """400 at once, then 100 a second."""
    async with staged(sip_websocket_frames_per_s=100) as stage:
        socket = await stage.connect()
        began_s = asyncio.get_running_loop().time()
        for _ in range(440):
            await socket.send_str("OPTIONS")
        heard = stage.pbx.heard
        await eventually(lambda: len(heard) == 440, TIME_LIMIT_S)
        # From the first on: a slow machine takes part of the time for the 400.
        assert heard[439] - began_s > 0.39


async def test_who_guesses_passwords_is_sent_away_and_refused_for_a_while() -> None:
    async with staged(wrong_secrets_per_client_max=5) as stage:
        for _ in range(10):  # as every phone does
            phone = await stage.connect()
            await said(phone, WRONG)
            await said(phone, REGISTER)
            await phone.close()
        guesser = await stage.connect()
        for _ in range(6):  # the challenge, and five guesses
            await said(guesser, WRONG)
        await until_closed(guesser)
        stranger = await stage.connect()
        heard = len(stage.pbx.heard)
        await stranger.send_str(WRONG)
        assert await until_closed(stranger) < 20
        assert len(stage.pbx.heard) == heard


async def test_a_phone_that_registered_before_is_not_locked_out_by_neighbours() -> None:
    """Behind one proxy all phones have one address."""
    async with staged(wrong_secrets_per_client_max=5) as stage:
        known, unknown = (register(user) for user in ("0003*210", "0003*211"))
        before = await stage.connect()
        assert (await said(before, known)).startswith("SIP/2.0 200")
        guesser = await stage.connect()
        for _ in range(6):
            await said(guesser, WRONG)
        await until_closed(guesser)
        assert (await said(before, known)).startswith("SIP/2.0 200")
        again = await stage.connect()
        assert (await said(again, CRLF)) == CRLF
        assert (await said(again, known)).startswith("SIP/2.0 200")
        heard = len(stage.pbx.heard)
        for frame in (unknown, known + unknown, CRLF + unknown):
            stranger = await stage.connect()
            await stranger.send_str(frame)
            assert await until_closed(stranger) < 20
        assert len(stage.pbx.heard) == heard


async def test_a_request_that_is_no_handshake_is_refused_in_json_and_is_no_error() -> None:
    with structlog.testing.capture_logs() as logs:
        async with staged() as stage:
            url = stage.url.replace("ws", "http", 1)
            headers = {"Sec-WebSocket-Protocol": "sip"}
            async with stage.session.get(url, headers=headers) as answer:
                assert answer.status == 400
                assert (await answer.json())["error"]["code"] == "request_invalid"
    assert [x for x in logs if x["log_level"] == "error"] == []
