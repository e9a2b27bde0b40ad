"""A browser is a phone behind the edge: it signs in through the service, and talks with a node."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bridge.testing.eventually import eventually
from bridge.testing.softphones.browser_phone import (
    OWN_TONE_HZ,
    BrowserPhone,
    chromium,
    phone_page,
)
from bridge.testing.softphones.softphone import Softphone
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.cluster import Cluster, open_cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER, BROWSER, DESK = "user-12", "0003*215", "0003*212"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with chromium(tmp_path_factory.mktemp("tone")) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    browser: Browser, postgresql: PrivatePostgresql, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """After the browser: its address is there before Asterisk looks."""
    async with open_cluster(tmp_path_factory.mktemp("short"), postgresql) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def phone(cluster: Cluster, browser: Browser) -> AsyncIterator[BrowserPhone]:
    service = cluster.nodes[0].service
    secret = service.secret(f"app/{USER}")
    async with phone_page(browser, service.base_url, USER, secret) as page:
        await page.online(BROWSER)
        yield page


def desk(cluster: Cluster) -> Softphone:
    host, port = cluster.edge.address
    return Softphone(DESK, cluster.secret(DESK), server=host, port=port, answer="auto")


async def test_given_a_browser_when_it_calls_then_both_hear_each_other(
    cluster: Cluster, phone: BrowserPhone
) -> None:
    async with desk(cluster) as other:
        await phone.dial("212")
        await phone.shows("talking")
        await phone.hears(440)
        await other.wait_tone(OWN_TONE_HZ)
        await phone.click("hangup")
        await phone.shows()


async def test_given_a_browser_when_called_then_it_rings_and_both_hear_each_other(
    cluster: Cluster, phone: BrowserPhone
) -> None:
    async with desk(cluster) as other, cluster.nodes[0].service.client() as api:
        call = await api.place("212", "215")
        await phone.shows("incoming")
        await phone.click("answer")
        await api.wait_status(call, 5)
        await phone.hears(440)
        await other.wait_tone(OWN_TONE_HZ)
        [presence] = (await api.request("GET", "/uapi/extensions/@me/215/presence")).json["entry"]
        assert presence["registration"][0]["agent"] == "uapi-bridge console"
        await api.hang_up("212", call)
        await phone.shows()


async def test_given_a_page_that_is_closed_then_nobody_is_there(
    cluster: Cluster, browser: Browser
) -> None:
    service = cluster.nodes[0].service
    async with service.client() as api:

        async def registered(wanted: bool) -> bool:
            answer = await api.request("GET", "/uapi/extensions/@me/215/presence")
            return (answer.json["entry"][0]["status"] == "1") is wanted

        async with phone_page(
            browser, service.base_url, USER, service.secret(f"app/{USER}")
        ) as page:
            await page.online(BROWSER)
            await eventually(lambda: registered(True))
        await eventually(lambda: registered(False), 20)  # the edge looks every 5 s
        refused = await api.create("215", "212")
        assert (refused.status, refused.code) == (400, "pc_source_invalid")
