"""A headless Chromium, steered by the Chrome DevTools Protocol.

aiohttp is enough for that. A library would bring a browser of its own, and tests its own only.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bridge.testing.eventually import eventually
from bridge.testing.softphones.toolchain import ensure_programs

PROGRAM = "chromium-headless-shell"
_START_S, _ANSWER_S = 30.0, 30.0
_OPTIONS = (
    "--no-sandbox",  # which root cannot have; only our own page is opened
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
    "--window-size=1280,1600",
)


class BrowserPage:
    """One page. `asked`: the URL of each request; `faults`: what the console calls an error."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._session: str | None = None
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.asked: list[str] = []
        self.faults: list[str] = []

    async def read(self) -> None:
        """Take the browser's messages, until it ends."""
        async for message in self._socket:
            said = message.json()
            if (answer := self._answers.pop(said.get("id", 0), None)) is not None:
                answer.set_result(said)
            else:
                self._event(said.get("method"), said.get("params", {}))

    def _event(self, name: str | None, told: Any) -> None:
        if name == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])
        elif name == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.faults.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif name == "Runtime.exceptionThrown":
            self.faults.append(str(told["exceptionDetails"]))
        elif name == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.faults.append(str(told["args"]))

    async def command(self, method: str, **parameters: object) -> Any:
        """One command of the protocol; returns its result."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        async with asyncio.timeout(_ANSWER_S):
            said = await answer
        assert "error" not in said, said
        return said["result"]

    async def open(self, url: str) -> None:
        """Go to `url` in a page of its own; it need not be complete yet."""
        target = await self.command("Target.createTarget", url="about:blank")
        attached = await self.command(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Network", "Log", "Runtime", "Page"):
            await self.command(f"{domain}.enable")
        await self.command("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        result = await self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, expression: str, time_limit_s: float = 20.0) -> Any:
        """Wait until the expression gives something that is true; returns that."""
        return await eventually(lambda: self.value(expression), time_limit_s)

    async def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector, once it is there."""
        await self.until(f"{_is(selector)} && (document.querySelector({selector!r}).click(), 1)")

    async def fill(self, selector: str, text: str) -> None:
        """Type `text` into the first field of a CSS selector, once it is there."""
        await self.until(f"{_is(selector)} && (document.querySelector({selector!r}).focus(), 1)")
        await self.command("Input.insertText", text=text)

    def foreign(self, base_url: str) -> list[str]:
        """The requests to other hosts than that of `base_url`."""
        own = urlsplit(base_url).netloc
        return [x for x in self.asked if urlsplit(x).scheme != "data" and urlsplit(x).netloc != own]


def _is(selector: str) -> str:
    return f"document.querySelector({selector!r}) !== null"


@asynccontextmanager
async def browser_page() -> AsyncIterator[BrowserPage]:
    """A browser of its own. As root on Debian, Chromium is installed if it is missing."""
    if not (program := shutil.which("chromium")):
        await asyncio.to_thread(ensure_programs, {PROGRAM: PROGRAM})
        program = PROGRAM
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            program,
            "--headless",
            *_OPTIONS,
            f"--user-data-dir={folder}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(await _address(Path(folder)), max_msg_size=0) as socket,
            ):
                page = BrowserPage(socket)
                reading = asyncio.create_task(page.read())
                try:
                    yield page
                finally:
                    reading.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await reading
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _address(folder: Path) -> str:
    """Chromium writes the port that it has chosen, and a path, into its folder."""
    file = folder / "DevToolsActivePort"

    def lines() -> list[str]:
        return file.read_text().splitlines() if file.is_file() else []

    await eventually(lambda: len(lines()) == 2, _START_S)
    port, path = lines()
    return f"ws://127.0.0.1:{port}{path}"
