"""One lab and one browser for the tests of the console; each test has a page of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.lab.browser import WatchedPage, open_browser, open_page

from .console_page import sign_in

SETTINGS = {
    "console_sip_server": "192.0.2.10:5060",
    "call_streams_per_app_max": "50",
    "events_private_targets": "true",
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with await open_lab(tmp_path_factory.mktemp("short"), SETTINGS) as lab:
        yield lab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The first test may have to install Chromium."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def fresh(lab: RunningLab, browser: Browser) -> AsyncIterator[WatchedPage]:
    """A page that nobody has signed in with. In the end its policy has refused nothing, no script
    has failed, and no other host was asked."""
    async with open_page(browser) as watched:
        yield watched
        assert watched.faults == []
        assert watched.foreign(lab.bridge.base_url) == []


@pytest_asyncio.fixture(loop_scope="session")
async def console(lab: RunningLab, fresh: WatchedPage) -> WatchedPage:
    """The console, signed in as the user 12."""
    await sign_in(fresh.page, lab)
    return fresh
