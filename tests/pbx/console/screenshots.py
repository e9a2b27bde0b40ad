"""`make screenshots`: the pictures of the console in docs/, of real calls of a real Asterisk."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, expect

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.lab.browser import open_browser, open_page

from .console_page import sign_in

_DOCS = Path(__file__).parents[3] / "docs"
_LARGE, _SMALL = {"width": 1280, "height": 640}, {"width": 390, "height": 720}
_PICTURES = (
    ("console-light", "light", _LARGE),
    ("console-dark", "dark", _LARGE),
    ("console-small", "light", _SMALL),
)
_TALK = ("3235550201", "3235550202")


async def _place_some(api: ApiClient) -> None:
    held = await api.place(["0003*211"], ["0003*212"], extension="0003*211")
    await api.wait_status(held, 5)
    await api.request("PUT", f"/uapi/phoneCalls/@me/@self/{held}", body={"action": "OnHold"})
    for number in ("0003*211", "0003*212", "0003*210"):
        await api.place([_TALK[0]], [_TALK[1]], extension=number)
    talk = await api.place(["0003*210"], [_TALK[1]], extension="0003*210", recording="true")
    await api.wait_status(talk, 5)
    await api.place([_TALK[0]], ["0003*213"], extension="0003*213")


async def _take(browser: Browser, lab: RunningLab) -> None:
    for name, scheme, size in _PICTURES:
        async with open_page(browser, viewport=size, color_scheme=scheme) as watched:
            page = watched.page
            await sign_in(page, lab)
            await page.get_by_role("link", name="Calls").click()
            await page.locator(".call", has_text="Alice Adams").first.click()
            await expect(page.get_by_role("complementary")).to_contain_text("on call")
            await page.screenshot(path=_DOCS / f"{name}.png")
            await page.get_by_role("link", name="Phones").click()
            await expect(page.locator(".phone", has_text="baresip").first).to_be_visible()
            if name == "console-light":
                await page.screenshot(path=_DOCS / "console-phones.png")


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        async with (
            await open_lab(Path(folder)) as lab,
            lab.phone("0003*210", answer="auto"),
            lab.phone("0003*211", answer="auto"),
            lab.phone("0003*212", answer="auto"),
            lab.phone("0003*213", answer="manual"),
            lab.client() as api,
            open_browser() as browser,
        ):
            await _place_some(api)
            await _take(browser, lab)
            await api.hang_up("@self")


if __name__ == "__main__":
    asyncio.run(main())
