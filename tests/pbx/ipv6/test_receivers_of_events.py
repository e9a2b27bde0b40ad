"""Events reach receivers on IPv6, and ones whose certificate a private CA has signed."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.phone_call_events.sender import EventSender, SendLimits
from bridge.phone_call_events.subscription import EventType, Method, Subscription
from bridge.phone_call_events.target_address import TargetRules
from bridge.testing.lab.certificates import make_ca, sign


@asynccontextmanager
async def receiving(
    host: str, trust: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[str]]]:
    """Its port, and the Host of each request that came."""
    hosts: list[str] = []

    async def take(request: web.Request) -> web.Response:
        hosts.append(request.host)
        return web.Response()

    app = web.Application()
    app.router.add_get("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, 0, ssl_context=trust).start()
    try:
        yield runner.addresses[0][1], hosts
    finally:
        await runner.cleanup()


async def sent(url: str, ca_file: Path | None = None) -> Attempt:
    subscription = Subscription(
        "s" * 30, "0003*210", (EventType.DIAL_IN,), url, Method.GET, True, "", "key", "app", 0
    )
    delivery = Delivery("d" * 32, "s" * 30, 1, "c" * 20, 0, 0, "CallID=1")
    async with EventSender(
        SendLimits(5, 4, 4, 4, targets=TargetRules(private=True), ca_file=ca_file)
    ) as sender:
        return await sender.send(lambda: subscription, delivery)


async def test_given_a_literal_when_sent_then_it_arrives_with_its_brackets() -> None:
    async with receiving("::1") as (port, hosts):
        done = await sent(f"http://[::1]:{port}/hook")
    assert done.succeeded, done.error
    assert hosts == [f"[::1]:{port}"]


async def test_given_a_name_with_ipv6_only_when_sent_then_it_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = socket.getaddrinfo

    def only_ipv6(host: str, *more: Any, **named: Any) -> Any:
        return asked("::1" if host == "receiver.test" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", only_ipv6)
    async with receiving("::1") as (port, hosts):
        done = await sent(f"http://receiver.test:{port}/hook")
    assert done.succeeded, done.error
    assert hosts == [f"receiver.test:{port}"]


async def test_given_a_private_ca_when_sent_then_it_arrives_where_the_setting_names_it(
    tmp_path: Path,
) -> None:
    ca = make_ca(tmp_path)
    certificate, key = sign(ca, "IP:::1")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    async with receiving("::1", server) as (port, hosts):
        url = f"https://[::1]:{port}/hook"
        unknown = await sent(url)
        assert unknown.error is not None
        assert "CERTIFICATE_VERIFY_FAILED" in unknown.error
        assert hosts == []
        assert (await sent(url, ca_file=ca)).succeeded
