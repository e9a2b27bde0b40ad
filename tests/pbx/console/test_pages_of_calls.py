"""One call, charts and subscriptions: what the pages show is what has happened."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient
from bridge.testing.webhook_receiver import Receiver
from tests.lab.browser import WatchedPage

from .console_page import violations

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


async def ended_call(lab: RunningLab) -> str:
    """A recorded call of two public numbers that is over; its id."""
    async with lab.client() as api:
        call_id = await api.place(["3235550202"], ["3235551001"], extension="210", recording="true")
        record = await api.wait_ended(call_id)
    async with VerbaClient(lab.bridge.base_url, lab.bridge.secret("verba-key/erasure")) as verba:
        marked = {"callID": record["recordingId"], "mname": "greeting", "mstart": "200"}
        await verba.conversation(call_id, ongoing=False)
        assert (await verba.ask("AddMarker", **marked)).code == 0
    return call_id


async def own_violations(page: Page) -> list[str]:
    """Without those of the frame, which other tests look at."""
    return [x for x in await violations(page) if not x.startswith("region: ")]


async def go(page: Page, lab: RunningLab, place: str) -> None:
    await page.goto(f"{lab.bridge.base_url}/console/#/{place}")


async def test_given_an_ended_call_when_opened_then_its_page_tells_all_of_it(
    lab: RunningLab, console: WatchedPage
) -> None:
    page, call_id = console.page, await ended_call(lab)
    await go(page, lab, f"calls/12/{call_id}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("3235550202 → 3235551001")
    ladder = page.locator("svg.ladder")
    await expect(ladder).to_be_visible()
    await expect(ladder.locator(".entry.request .label")).to_have_text("create")
    assert await ladder.locator(".entry").count() > 8
    await expect(page.locator(".request .mono")).to_contain_text('"destination":["3235551001"]')
    await expect(page.locator("pre").last).to_contain_text('"disposition": 0')
    await page.get_by_label("Key of the Verba API").fill("wrong")
    await page.get_by_role("button", name="Show the recording").click()
    await expect(page.get_by_role("alert")).to_contain_text("API key")
    await page.get_by_label("Key of the Verba API").fill(lab.bridge.secret("verba-key/erasure"))
    await page.get_by_role("button", name="Show the recording").click()
    await expect(page.get_by_role("img", name="Waveform")).to_be_visible()
    await expect(page.get_by_role("button", name="greeting")).to_contain_text("0.2 s")
    assert await own_violations(page) == []


async def test_given_calls_when_charted_then_they_are_counted_and_saved(
    lab: RunningLab, console: WatchedPage, tmp_path: Path
) -> None:
    page = console.page
    await ended_call(lab)
    await go(page, lab, "charts")
    counted = page.locator('[data-sum="calls"]')
    await expect(counted).to_contain_text("answered")
    answered = int((await counted.inner_text()).split()[0])
    assert answered >= 1
    await expect(page.locator(".plot canvas")).to_have_count(3)
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save as CSV").click()
    await (await saving.value).save_as(tmp_path / "calls.csv")
    rows = list(csv.DictReader((tmp_path / "calls.csv").read_text().splitlines()))
    assert len(rows) == 288
    assert sum(int(x["answered"]) for x in rows) == answered
    assert max(int(x["concurrent"]) for x in rows) >= 1
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save as SVG: Calls", exact=True).click()
    await (await saving.value).save_as(tmp_path / "calls.svg")
    assert (tmp_path / "calls.svg").read_text().startswith("<svg")
    assert await own_violations(page) == []


async def test_given_a_receiver_when_subscribed_then_it_is_tried_paused_and_removed(
    lab: RunningLab, console: WatchedPage
) -> None:
    page = console.page
    async with Receiver() as receiver:
        await go(page, lab, "subscriptions")
        await expect(page.get_by_text("No URL hears")).to_be_visible()
        await page.get_by_role("button", name="New subscription").click()
        await page.get_by_label("URL").fill(receiver.url("/hook"))
        await page.get_by_label("dial-out").check()
        await page.get_by_role("button", name="Subscribe", exact=True).click()
        await expect(page.get_by_text("It signs each event.")).to_be_visible()
        await page.get_by_role("button", name="Done").click()
        one = page.locator(".subscriptions > li")
        await expect(one).to_contain_text("dial-out, hang-up")
        await one.get_by_role("button", name="Test").click()
        await expect(page.get_by_role("status").first).to_contain_text("The receiver answered 2")
        await ended_call(lab)
        await one.get_by_role("button", name="Deliveries").click()
        delivery = page.locator(".deliveries > li").first
        await expect(delivery).to_contain_text("200")
        heard = len(receiver.received)
        await page.get_by_role("button", name="Retry delivery").first.click()
        await expect(delivery).to_contain_text("2 attempts")
        assert len(receiver.received) == heard + 1
        assert await own_violations(page) == []
        await one.get_by_role("button", name="Pause").click()
        await expect(one).to_contain_text("paused")
        await one.get_by_role("button", name="Remove").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("No URL hears")).to_be_visible()
