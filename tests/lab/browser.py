"""Debian's Chromium, driven by Playwright. Playwright's own browsers are never downloaded."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

from bridge.testing.softphones.toolchain import ensure_programs

PROGRAM = "chromium-headless-shell"
_OPTIONS = (
    "--no-sandbox",  # which root cannot have; only our own page is opened
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    # a microphone that beeps, and no question whether the page may use it
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
_NOT_SENT = ("data", "blob")


@dataclass
class WatchedPage:
    """A page. `asked`: the URL of each request; `faults`: what the console calls an error."""

    page: Page
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Take note of requests and faults from now on."""
        self.page.on("request", self._request)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"{message.text} {message.location.get('url', '')}")

    def foreign(self, base_url: str) -> list[str]:
        """The requests to other hosts than that of `base_url`."""
        own = urlsplit(base_url).netloc
        sent = [x for x in self.asked if urlsplit(x).scheme not in _NOT_SENT]
        return [x for x in sent if urlsplit(x).netloc != own]


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A browser of its own. As root on Debian, Chromium is installed if it is missing."""
    if not (program := shutil.which("chromium")):
        await asyncio.to_thread(ensure_programs, {PROGRAM: PROGRAM})
        program = shutil.which(PROGRAM)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(_OPTIONS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(browser: Browser, **options: object) -> AsyncIterator[WatchedPage]:
    """A page with cookies of its own. `options`: of Playwright's `Browser.new_context`."""
    context = await browser.new_context(**options)  # type: ignore[arg-type] # any of them
    try:
        watched = WatchedPage(await context.new_page())
        watched.watch()
        yield watched
    finally:
        await context.close()
