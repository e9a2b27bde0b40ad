"""Calls are placed, steered and ended by keyboard alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.browser import WatchedPage

from .console_page import tab_to

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

PHONES = ("0003*210", "0003*211", "0003*212")


@pytest_asyncio.fixture(loop_scope="session")
async def phones(lab: RunningLab) -> AsyncIterator[None]:
    """Three phones that answer."""
    async with AsyncExitStack() as stack:
        for number in PHONES:
            await stack.enter_async_context(lab.phone(number, answer="auto"))
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    async with lab.client() as api:
        yield api


async def place_by_keyboard(page: Page, source: str, destination: str) -> None:
    await tab_to(page, "Calls")
    await page.keyboard.press("Enter")
    await tab_to(page, "Live calls")
    await page.keyboard.press("n")
    await page.wait_for_selector("input[name=source]:focus")
    await page.keyboard.press("Control+a")
    await page.keyboard.type(source)
    await page.keyboard.press("Tab")
    await page.keyboard.type(destination)
    await page.keyboard.press("Enter")


async def test_given_phones_when_only_keys_are_pressed_then_a_call_is_placed_steered_and_ended(
    console: WatchedPage, api: ApiClient, phones: None
) -> None:
    page, keys = console.page, console.page.keyboard
    row, said = page.locator(".call[aria-selected=true]"), page.get_by_role("status")
    dialog = page.get_by_role("dialog")
    await place_by_keyboard(page, "0003*210", "0003*211")
    await expect(row).to_contain_text("Talking")
    await keys.press("o")
    await expect(row).to_contain_text("On hold")
    await keys.press("o")
    await expect(row).to_contain_text("Talking")
    await expect(said).to_contain_text("The talk goes on.")
    await keys.press("r")
    await expect(said).to_contain_text("The call is recorded.")
    await expect(row).to_contain_text("Rec")
    await keys.press("t")
    await page.wait_for_selector("input[name=target]:focus")
    await keys.type("0003*212")
    await keys.press("Enter")
    await expect(page.get_by_role("complementary")).to_contain_text("Alice Mobile")
    await expect(said).to_contain_text("The call is transferred.")
    await expect(dialog).to_have_count(0)
    [call] = await api.calls("@self")
    await keys.press("Delete")
    await expect(row).to_contain_text("Answered")  # the end stays for a moment
    assert (await api.wait_ended(call["id"]))["endedBy"] == "api"
    await expect(page.locator(".call")).to_have_count(0, timeout=10_000)


async def test_given_a_call_when_parked_fetched_and_listened_to_then_the_page_shows_each(
    console: WatchedPage, api: ApiClient, phones: None
) -> None:
    page, keys = console.page, console.page.keyboard
    row, said = page.locator(".call[aria-selected=true]"), page.get_by_role("status")
    dialog = page.get_by_role("dialog")
    await place_by_keyboard(page, "0003*210", "3235550202")
    await expect(row).to_contain_text("Talking")
    await keys.press("w")
    await page.wait_for_selector("input[name=action][value=Whisper]:checked")
    await tab_to(page, "Phone that listens")
    await keys.type("0003*211")
    await keys.press("Enter")
    await expect(said).to_contain_text("The phone listens")
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".call")).to_have_count(2)
    await keys.press("p")
    await page.wait_for_selector("input[name=maxInParking]:focus")
    await keys.press("Enter")
    await expect(row).to_contain_text("Parked")
    await expect(said).to_contain_text("The party is parked.")
    await expect(dialog).to_have_count(0)
    await keys.press("f")
    await tab_to(page, "Phone that takes it")
    await keys.type("0003*212")
    await keys.press("Enter")
    await expect(row).to_contain_text("Talking")
    await expect(said).to_contain_text("The phone has the parked party.")
    await expect(dialog).to_have_count(0)
    await keys.press("Delete")
    await expect(page.locator(".call")).to_have_count(0, timeout=10_000)
    assert await api.calls("@self") == []


async def test_given_phones_when_one_talks_and_holds_then_the_page_of_phones_says_so(
    console: WatchedPage, api: ApiClient, phones: None
) -> None:
    card = console.page.locator(".phone", has_text="Alice Desk")
    await expect(card).to_contain_text("Free")
    await expect(card).to_contain_text("baresip")
    call_id = await api.place(["0003*210"], ["0003*211"], extension="0003*210")
    await expect(card).to_contain_text("On call")
    path = f"/uapi/phoneCalls/@me/@self/{call_id}"
    assert (await api.request("PUT", path, body={"action": "OnHold"})).status == 200
    await expect(card).to_contain_text("On hold")
    await api.hang_up("@self", call_id)
    await expect(card).to_contain_text("Free")


async def test_given_a_dialog_that_closes_when_a_key_follows_at_once_then_the_next_dialog_stays(
    console: WatchedPage,
) -> None:
    """Faster than the next frame, in which the browser tells that the first one was closed."""
    page, grid = console.page, console.page.get_by_role("grid")
    await tab_to(page, "Calls")
    await page.keyboard.press("Enter")
    await tab_to(page, "Live calls")
    seen = await page.evaluate(
        """async () => {
          const press = (key) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
          const drawn = () => new Promise((done) => queueMicrotask(() => queueMicrotask(done)));
          const dialog = () => document.querySelector("dialog:modal h1")?.innerText;
          const seen = [];
          press("?"); await drawn(); seen.push(dialog());
          document.querySelector("dialog button[aria-label=Close]").click();
          await drawn(); seen.push(dialog());
          press("n"); await drawn(); seen.push(dialog());
          for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
          seen.push(dialog());
          return seen;
        }"""
    )
    assert seen == ["Keys", None, "Place a call", "Place a call"]
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(grid).to_be_focused()
