"""The console and its phone behind a proxy that ends TLS, as docs/operating.md says to run it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser

from bridge.testing.lab.certificates import make_ca, sign
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.browser_phone import chromium, phone_page

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = "calls.localhost"  # a name, not an address; browsers look for it on this machine
PUBLIC_TONE_HZ = 1000


@asynccontextmanager
async def tls_proxy(folder: Path) -> AsyncIterator[TcpProxy]:
    certificate, key = sign(make_ca(folder), f"DNS:{NAME}")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    proxy = TcpProxy()
    await proxy.start(tls)
    try:
        yield proxy
    finally:
        await proxy.stop()


async def test_given_tls_when_signed_in_then_the_phone_calls_the_public_network(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    # The browser first: its address is there before Asterisk looks.
    async with chromium(tmp_path) as browser, tls_proxy(tmp_path / "keys") as proxy:
        public = f"https://{NAME}:{proxy.port}"
        folder = tmp_path_factory.mktemp("short")
        async with await open_lab(folder, {"public_base_url": public}) as lab:
            proxy.server_port = urlsplit(lab.bridge.base_url).port or 0
            await calls_the_public_network(lab, browser, public)


async def calls_the_public_network(lab: RunningLab, browser: Browser, public: str) -> None:
    secret = lab.bridge.secret("app/user-12")
    async with phone_page(browser, public, "user-12", secret) as phone:
        [cookie] = await phone.page.context.cookies()
        assert cookie["name"] == "__Host-uapi_console"
        assert cookie["secure"]
        assert cookie["httpOnly"]
        async with phone.page.expect_websocket() as opened:
            await phone.online("0003*215")
        assert (await opened.value).url == f"{public.replace('https', 'wss')}/ws"
        await phone.dial("3235550202")
        await phone.shows("talking")
        await phone.hears(PUBLIC_TONE_HZ)
        await phone.click("hangup")
        await phone.shows()
