"""The page "Phone" of the console in a browser with a fake microphone, and its received audio."""

from __future__ import annotations

import asyncio
import json
import math
import struct
import subprocess
import time
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, WebSocket, async_playwright, expect

from bridge.testing.eventually import eventually

from .sip_message import SipMessage, parse_sip_message
from .toolchain import ensure_programs

PROGRAM = "chromium"
"""Not chromium-headless-shell: that one finds no way over loopback."""
OWN_TONE_HZ = 1000
_ADDRESS = "192.0.2.77"
_RATE = 48_000
NEAR_HZ = 40

_OPTIONS = (
    "--no-sandbox",  # which root cannot have; only our own page is opened
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
)

# Keeps each connection of the page, to listen to its audio.
_LISTENS = """
const Real = RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Real {
  constructor(...given) { super(...given); window.connections.push(this); }
};
window.loudestHz = async () => {
  const open = window.connections.filter((x) => x.connectionState === "connected");
  const track = open.at(-1)?.getReceivers()[0]?.track;
  if (!track) return 0;
  const context = window.listener ??= new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  const source = context.createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  await new Promise((done) => setTimeout(done, 250));
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  source.disconnect();
  const loudest = levels.indexOf(Math.max(...levels));
  return levels[loudest] < -55 ? 0 : loudest * context.sampleRate / analyser.fftSize;
};
"""


class BrowserPhone:
    """A signed-in page; `online` registers it.

    `faults`: errors of its scripts. `messages`: all SIP that it sent and received, in order.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self.messages: list[SipMessage] = []
        page.on("websocket", self._follow)
        page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        page.on("console", lambda x: self.faults.append(x.text) if x.type == "error" else None)

    async def online(self, number: str) -> None:
        """Go online as that extension."""
        await self.page.select_option("select[name=extension]", number)
        await self.page.click("[data-do=online]")
        await expect(self.page.locator("[data-state=online]")).to_be_visible()

    async def dial(self, number: str) -> None:
        """Call that number."""
        await self.page.fill("input[name=number]", number)
        await self.page.click("[data-do=call]")

    async def shows(self, *states: str) -> None:
        """Wait until the calls of the page have these states, in their order."""
        calls = self.page.locator(".talk:not(.ended)")
        await expect(calls).to_have_count(len(states))
        for place, state in enumerate(states):
            await expect(calls.nth(place)).to_have_attribute("data-state", state)

    async def click(self, what: str, call: int = 0) -> None:
        """Press a button of a call, such as `hold`."""
        await self.page.locator(".talk:not(.ended)").nth(call).locator(f"[data-do={what}]").click()

    def _follow(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda data: self._keep(data, sent=True))
        socket.on("framereceived", lambda data: self._keep(data, sent=False))

    def _keep(self, data: str | bytes, *, sent: bool) -> None:
        text = data.decode(errors="replace") if isinstance(data, bytes) else data
        if "SIP/2.0" in text.partition("\n")[0]:  # else a keep-alive
            now_ms = time.time_ns() // 1_000_000
            self.messages.append(
                parse_sip_message(text, sent=sent, monotonic_s=time.monotonic(), wall_ms=now_ms)
            )

    async def loudest_hz(self) -> float:
        """The loudest tone in the audio that the page receives now; 0: silence."""
        return float(await self.page.evaluate("loudestHz()"))

    async def hears(self, hz: int, within_s: float = 8) -> None:
        """Wait until the loudest tone in the received audio is this one; 0: silence."""
        heard: list[float] = []

        async def now() -> bool:
            heard.append(await self.loudest_hz())
            return abs(heard[-1] - hz) < NEAR_HZ

        try:
            await eventually(now, within_s)
        except AssertionError:
            raise AssertionError(f"{hz} Hz expected, heard {heard[-5:]}") from None


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone hears a tone of OWN_TONE_HZ, and the network that it needs."""
    await asyncio.to_thread(ensure_programs, {PROGRAM: PROGRAM})
    tone = folder / "tone.wav"
    write_tone(tone)
    with some_address():
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=f"/usr/bin/{PROGRAM}",
                args=[*_OPTIONS, f"--use-file-for-fake-audio-capture={tone}"],
            )
            try:
                yield browser
            finally:
                await browser.close()


@asynccontextmanager
async def phone_page(
    browser: Browser, base_url: str, client_id: str, secret: str
) -> AsyncIterator[BrowserPhone]:
    """The page "Phone", signed in with the credentials of that app. Any certificate will do."""
    context = await browser.new_context(ignore_https_errors=True)
    try:
        context.set_default_timeout(10_000)
        page = await context.new_page()
        await page.add_init_script(_LISTENS)
        phone = BrowserPhone(page)
        await page.goto(f"{base_url}/console/#/phone")
        await page.fill("input[name=clientId]", client_id)
        await page.fill("input[name=clientSecret]", secret)
        await page.click("button.primary")
        await expect(page.get_by_role("heading", name="Phone")).to_be_visible()
        phone.faults.clear()  # the answer that nobody was signed in
        yield phone
        assert phone.faults == []
    finally:
        await context.close()


def write_tone(file: Path) -> None:
    """One second of the tone, which the browser repeats."""
    samples = (int(12_000 * math.sin(2 * math.pi * OWN_TONE_HZ * x / _RATE)) for x in range(_RATE))
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_RATE)
        sound.writeframes(b"".join(struct.pack("<h", x) for x in samples))


@contextmanager
def some_address() -> Iterator[None]:
    """Asterisk's ICE leaves loopback addresses out; where there is no other one, make one."""
    if _has_address():
        yield
        return
    where = (f"{_ADDRESS}/32", "dev", "lo")
    subprocess.run(["ip", "address", "add", *where], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "del", *where], check=False)


def _has_address() -> bool:
    said = subprocess.run(["ip", "-json", "-4", "address"], check=True, capture_output=True)
    links = json.loads(said.stdout or "[]")
    return any(x["scope"] == "global" for link in links for x in link.get("addr_info", ()))
