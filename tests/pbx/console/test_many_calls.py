"""Five hundred live calls: the page draws those on the screen, and all can be reached."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from bridge.testing.lab.running_lab import RunningLab
from tests.lab.browser import open_page

from .console_page import sign_in
from .many_calls import played

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

CALLS, ANSWERED = 500, 40
ROWS_MAX = 40


async def test_given_500_calls_when_shown_then_only_those_on_the_screen_are_drawn(
    lab: RunningLab, browser: Browser
) -> None:
    async with open_page(browser) as watched:
        page = watched.page
        await page.add_init_script(played(CALLS, ANSWERED, each_ms=5))
        await sign_in(page, lab)
        await page.get_by_role("link", name="Calls").click()
        grid, rows = page.get_by_role("grid"), page.locator(".call")
        await expect(grid).to_have_attribute("aria-rowcount", str(CALLS + 1))
        await expect(rows.first).to_contain_text("Talking")
        assert 5 < await rows.count() <= ROWS_MAX
        await grid.focus()
        await page.keyboard.press("End")
        last = page.locator(".call[aria-selected=true]")
        await expect(last).to_contain_text("3235500499")
        await expect(last).to_be_in_viewport()
        await expect(last).to_contain_text("Ringing")
        assert await rows.count() <= ROWS_MAX
        await page.keyboard.press("Home")
        await expect(last).to_contain_text("3235500000")
        await page.keyboard.press("/")
        await page.keyboard.type("alice desk 3235500042")
        await expect(grid).to_have_attribute("aria-rowcount", "2")
        assert watched.faults == []
