"""Who gets a session of the console, and when it is over."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.browser import WatchedPage

from .console_page import sign_in, sign_in_user, violations

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


async def test_given_the_link_of_the_greeting_when_opened_twice_then_it_signs_in_once(
    lab: RunningLab, fresh: WatchedPage
) -> None:
    async def link() -> str:
        return "".join(re.findall(r"http://\S+/console/#sign-in=\S+", lab.bridge.log_text())[:1])

    address, page = await eventually(link), fresh.page
    await page.goto(address)
    await expect(page.get_by_role("heading", name="Phones")).to_be_visible()
    assert "sign-in" not in page.url
    assert await page.evaluate("document.cookie") == ""
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await page.goto("about:blank")
    await page.goto(address)
    await expect(page.get_by_role("alert")).to_contain_text("The link was used")
    fresh.faults.clear()  # the 401


async def test_given_a_session_when_signed_out_elsewhere_then_the_page_asks_to_sign_in(
    lab: RunningLab, fresh: WatchedPage
) -> None:
    page = fresh.page
    await page.goto(f"{lab.bridge.base_url}/console/")
    await page.fill("[name=clientId]", "user-12")
    await page.fill("[name=clientSecret]", "wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("The name or the secret is wrong.")
    await sign_in(page, lab)
    await page.reload()
    set_up = page.get_by_role("button", name="Set up a phone as 0003*210")
    await expect(set_up).to_be_visible()
    await page.context.clear_cookies()
    await set_up.click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_text("The session has ended. Sign in again.")
    fresh.faults.clear()  # the answers 401


async def test_given_the_password_of_a_user_when_signed_in_then_the_own_phones_are_there(
    lab: RunningLab, fresh: WatchedPage
) -> None:
    page = fresh.page
    await sign_in_user(page, lab, "12", "wrong")
    await expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    assert await violations(page) == []
    fresh.faults.clear()  # the 401
    await sign_in_user(page, lab, "0003*210", lab.bridge.secret("user/12"))
    own = page.get_by_role("button", name="Set up a phone as 0003*210")
    await expect(own).to_be_visible()
    await expect(page.get_by_text("0003*220")).to_have_count(0)
    await expect(page.get_by_text("Alice Adams", exact=True).first).to_be_visible()


async def test_given_two_tabs_when_signed_out_in_one_then_the_other_is_no_phone_any_more(
    console: WatchedPage,
) -> None:
    page = console.page
    await page.get_by_role("link", name="Use this browser as 0003*215").click()
    await expect(page.locator("select[name=extension]")).to_have_value("0003*215")
    await page.locator("h1").click()
    await page.keyboard.type("00\n")
    await expect(page.get_by_role("alert")).to_have_text("The phone is offline. Go online first.")
    await page.get_by_role("button", name="Go online").click()
    await expect(page.get_by_text("To hear yourself, call 00")).to_be_visible()
    other = await page.context.new_page()
    await other.goto(page.url)
    await other.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await other.close()


async def test_given_a_phone_when_set_up_then_its_qr_code_gives_the_settings_once(
    lab: RunningLab, console: WatchedPage
) -> None:
    page = console.page
    secret = lab.bridge.secret("sip/0003*210")
    await page.get_by_role("button", name="Set up a phone as 0003*210").click()
    await expect(page.get_by_text("192.0.2.10:5060", exact=True)).to_be_visible()
    assert secret not in await page.content()
    await page.get_by_role("button", name="Show").first.click()
    await expect(page.get_by_text(secret, exact=True)).to_be_visible()
    async with page.expect_response("**/provisioning") as told:
        await page.get_by_role("button", name="Make a QR code").click()
    address = (await (await told.value).json())["url"]
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    answers = [await page.context.request.get(address) for _ in range(2)]
    assert [x.status for x in answers] == [200, 404]
    assert f">{secret}<" in await answers[0].text()
