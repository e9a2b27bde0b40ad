"""The page at /docs, in a browser, with the real service behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.openapi_check import openapi
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.browser import open_browser, open_page

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

LIST = "#operations-phone_calls-listPhoneCalls"
STATUS = f"{LIST} .live-responses-table .response .response-col_status"
DIALOG = ".auth-container"
METHODS = ("get", "post", "put", "delete")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all of these tests; the first of them may have to install Chromium."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def page(lab: RunningLab, browser: Browser) -> AsyncIterator[Page]:
    """The page as it opens. In the end nothing was refused by its policy, and no other host
    asked."""
    async with open_page(browser) as watched:
        await watched.page.goto(f"{lab.bridge.base_url}/docs")
        await watched.page.wait_for_selector(".opblock")
        yield watched.page
        assert watched.faults == []
        assert watched.foreign(lab.bridge.base_url) == []


async def try_list(page: Page) -> str:
    """List calls with the page's own form; returns the status that the page shows."""
    await page.click(f"{LIST} .opblock-summary-control")
    await page.click(f"{LIST} .try-out__btn")
    await page.click(f"{LIST} .execute")
    return (await page.inner_text(STATUS)).split()[0]


async def test_given_the_page_when_opened_then_every_operation_is_on_it(page: Page) -> None:
    document = openapi()
    items = [*document["paths"].values(), *document["webhooks"].values()]
    wanted = {item[x]["operationId"] for item in items for x in METHODS if x in item}
    shown = await page.eval_on_selector_all(
        ".opblock", "all => all.map(x => x.id.split('-').pop())"
    )
    assert set(shown) == wanted
    assert await page.locator(".errors-wrapper").count() == 0


async def test_given_a_token_when_a_request_is_tried_then_its_answer_is_shown(
    page: Page, api: ApiClient
) -> None:
    token = await api.authenticate()
    await page.click(".btn.authorize")
    await page.fill(f"{DIALOG} input[aria-label='auth-bearer-value']", token)
    await page.click(f"{DIALOG}:has(input[aria-label='auth-bearer-value']) .btn.authorize")
    await page.click(".auth-btn-wrapper .btn-done >> nth=0")
    assert await try_list(page) == "200"
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert (kept, await page.evaluate("document.cookie")) == ("[{},{}]", "")


async def test_given_id_and_secret_of_an_app_when_signed_in_then_requests_have_a_token(
    page: Page, lab: RunningLab
) -> None:
    await page.click(".btn.authorize")
    await page.fill("#client_id_clientCredentials", "user-12")
    await page.fill("#client_secret_clientCredentials", lab.bridge.secret("app/user-12"))
    await page.click(f"{DIALOG}:has(#client_id_clientCredentials) .authorize")
    await page.wait_for_selector(f"{DIALOG} button:has-text('Logout')")
    await page.click(".auth-btn-wrapper .btn-done >> nth=0")
    assert await try_list(page) == "200"


async def test_given_an_address_that_names_another_document_when_opened_then_ours_is_shown(
    lab: RunningLab, browser: Browser
) -> None:
    base = lab.bridge.base_url
    other = f"{base}/health/live"
    async with open_page(browser) as watched:
        await watched.page.goto(f"{base}/docs?url={other}&configUrl={other}")
        await watched.page.wait_for_selector(".opblock")
        assert other not in watched.asked
