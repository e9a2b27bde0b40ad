"""The client of a request behind a proxy: nobody else can choose an address."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError
from yarl import URL

from bridge.config.file_descriptors import ConnectionLimits
from bridge.config.settings import Settings
from bridge.http.http_settings import ServerSettings
from bridge.http.server import close_http, start_http
from bridge.http.trusted_proxies import client_of, with_client_address
from bridge.testing.lab.free_port import free_http_port

PROXIES = [ip_network("10.0.0.1"), ip_network("10.1.0.0/16"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "headers", "client"),
    [
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["6.6.6.6, 192.0.2.7"], "192.0.2.7"),  # the client had sent the first
        ("10.0.0.1", ["6.6.6.6", "192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["192.0.2.7, 10.1.2.3"], "192.0.2.7"),  # two proxies
        ("10.0.0.1", ["6.6.6.6, 192.0.2.7, 10.1.2.3"], "192.0.2.7"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["10.1.2.3"], "10.1.2.3"),  # the client is in the network of proxies
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7, "], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7:4711"], "10.0.0.1"),
        ("192.0.2.1", ["127.0.0.1"], "192.0.2.1"),  # of anybody else it does not count
        (None, ["192.0.2.7"], None),
    ],
)
def test_the_client_of_a_request(remote: str | None, headers: list[str], client: str) -> None:
    assert client_of(remote, headers, PROXIES) == client


async def test_a_handler_sees_the_client_and_the_same_request() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"{request.remote} {request.path}")

    request = make_mocked_request("GET", "/x", headers={"X-Forwarded-For": "192.0.2.7"})
    proxied = request.clone(remote="10.0.0.1")
    answers = [await with_client_address(handler, networks)(proxied) for networks in (PROXIES, [])]
    assert [x.text for x in answers if isinstance(x, web.Response)] == [
        "192.0.2.7 /x",
        "10.0.0.1 /x",
    ]


async def test_given_a_trusted_proxy_when_a_body_is_sent_then_the_handler_reads_it() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{request.remote} {await request.text()}")

    app, port = web.Application(), free_http_port()
    app.router.add_post("/x", handler)
    limits = ConnectionLimits(total=9, per_address=9)
    settings = ServerSettings(("127.0.0.1",), port, limits, 5, 1, 8192, 8192)
    local = replace(settings, trusted_proxies=(ip_network("127.0.0.1"),))
    runner = await start_http(app, local)
    try:
        async with aiohttp.ClientSession() as session:
            # Two slashes are one: the same request with another path has the same client.
            for path, body in (("/x", ""), ("/x", "x" * 50_000), ("//x", "x")):
                headers = {"X-Forwarded-For": "192.0.2.7"}
                url = URL(f"http://127.0.0.1:{port}{path}", encoded=True)
                async with session.post(url, data=body, headers=headers) as answer:
                    assert await answer.text() == f"192.0.2.7 {body}"
    finally:
        await close_http(runner)


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.1/8", "0.0.0.0/0", "10.0.0.0/33"])
def test_what_is_no_network_of_proxies_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=value)
