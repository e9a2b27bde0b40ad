"""The page at /docs, in a browser, with the real service behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.browser import BrowserPage, browser_page
from bridge.testing.lab.openapi_check import openapi
from bridge.testing.lab.running_lab import RunningLab

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

LIST = "#operations-phone_calls-listPhoneCalls"
STATUS = f"{LIST} .live-responses-table .response .response-col_status"
DIALOG = ".auth-container"
IN_DIALOG = f"[...document.querySelectorAll('{DIALOG} button')]"
METHODS = ("get", "post", "put", "delete")


@pytest_asyncio.fixture(loop_scope="session")
async def page(lab: RunningLab) -> AsyncIterator[BrowserPage]:
    """The page as it opens. In the end nothing was refused by its policy, and no other host asked.

    The first of these tests may have to install Chromium.
    """
    async with browser_page() as page:
        await page.open(f"{lab.bridge.base_url}/docs")
        await page.until("document.querySelectorAll('.opblock').length")
        yield page
        assert page.faults == []
        assert page.foreign(lab.bridge.base_url) == []


async def try_list(page: BrowserPage) -> str:
    """List calls with the page's own form; returns the status that the page shows."""
    await page.click(f"{LIST} .opblock-summary-control")
    await page.click(f"{LIST} .try-out__btn")
    await page.click(f"{LIST} .execute")
    shown = await page.until(f"document.querySelector({STATUS!r})?.innerText")
    return str(shown).split()[0]


async def test_given_the_page_when_opened_then_every_operation_is_on_it(page: BrowserPage) -> None:
    document = openapi()
    items = [*document["paths"].values(), *document["webhooks"].values()]
    wanted = {item[x]["operationId"] for item in items for x in METHODS if x in item}
    shown = await page.value(
        "[...document.querySelectorAll('.opblock')].map(x => x.id.split('-').pop())"
    )
    assert set(shown) == wanted
    assert not await page.value("document.querySelector('.errors-wrapper')")


async def test_given_a_token_when_a_request_is_tried_then_its_answer_is_shown(
    page: BrowserPage, api: ApiClient
) -> None:
    token = await api.authenticate()
    await page.click(".btn.authorize")
    await page.fill(f"{DIALOG} input[aria-label='auth-bearer-value']", token)
    await page.click(f"{DIALOG} .btn.authorize")
    await page.click(".auth-btn-wrapper .btn-done")
    assert await try_list(page) == "200"
    kept = await page.value("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert (kept, await page.value("document.cookie")) == ("[{},{}]", "")


async def test_given_id_and_secret_of_an_app_when_signed_in_then_requests_have_a_token(
    page: BrowserPage, lab: RunningLab
) -> None:
    await page.click(".btn.authorize")
    await page.fill("#client_id_clientCredentials", "user-12")
    await page.fill("#client_secret_clientCredentials", lab.bridge.secret("app/user-12"))
    await page.click(f"{DIALOG}:has(#client_id_clientCredentials) .authorize")
    await page.until(f"{IN_DIALOG}.some(x => x.innerText == 'Logout')")
    await page.click(".auth-btn-wrapper .btn-done")
    assert await try_list(page) == "200"


async def test_given_an_address_that_names_another_document_when_opened_then_ours_is_shown(
    lab: RunningLab,
) -> None:
    base = lab.bridge.base_url
    other = f"{base}/health/live"
    async with browser_page() as page:
        await page.open(f"{base}/docs?url={other}&configUrl={other}")
        await page.until("document.querySelectorAll('.opblock').length")
        assert other not in page.asked
