"""axe finds nothing on the pages of phones and calls, light and dark, large and small."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bridge.testing.lab.running_lab import RunningLab
from tests.lab.browser import open_page

from .console_page import sign_in, violations

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

LARGE, SMALL = {"width": 1280, "height": 800}, {"width": 390, "height": 800}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def live_call(lab: RunningLab) -> AsyncIterator[str]:
    async with lab.client() as api:
        call_id = await api.place(["3235550201"], ["3235550202"], extension="0003*210")
        yield call_id
        await api.hang_up("@self", call_id)


@pytest.mark.parametrize(("scheme", "size"), [("light", LARGE), ("dark", SMALL)])
async def test_given_each_page_when_axe_looks_then_it_finds_nothing(
    lab: RunningLab, browser: Browser, live_call: str, scheme: str, size: dict[str, int]
) -> None:
    async with open_page(browser, viewport=size, color_scheme=scheme) as watched:
        page = watched.page
        await page.goto(f"{lab.bridge.base_url}/console/")
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        found = await violations(page)
        await sign_in(page, lab)
        await expect(page.locator(".phone").first).to_be_visible()
        found += await violations(page)
        await page.get_by_role("button", name="Set up a phone as 0003*210").click()
        await page.get_by_role("button", name="Make a QR code").click()
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        found += await violations(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="Calls").click()
        await page.locator(".call").first.click()
        await expect(page.get_by_role("complementary")).to_contain_text("on call")
        found += await violations(page)
        for button in ("Place a call", "Transfer", "Listen"):
            await page.get_by_role("button", name=button).click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            found += await violations(page)
            await page.keyboard.press("Escape")
        assert found == []
        assert watched.faults == []
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]  # nothing is cut off at the side
