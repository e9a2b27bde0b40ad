"""The browser phones of one test. It needs Playwright: `uapi-bridge[testing-browser]`."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Protocol, Self

from playwright.async_api import Browser

from bridge.testing.journal import Journal
from bridge.testing.observed_phone import sip_observations
from bridge.testing.phones_of_a_test import PhonesOfATest
from bridge.testing.softphones.browser_phone import BrowserPhone, chromium, phone_page
from bridge.testing.system.system_under_test import SystemUnderTest


class MakeBrowserPhone(Protocol):
    """The type of `uapi_browser_phone`: BrowserPhones.online."""

    async def __call__(self, user: str, *, client_id: str = ...) -> BrowserPhone: ...


class BrowserPhones:
    """One Chromium, started with the first phone; each phone is a page of its own."""

    def __init__(
        self, system: SystemUnderTest, journal: Journal, phones: PhonesOfATest, client_id: str
    ) -> None:
        self._system = system
        self._journal = journal
        self._phones = phones
        self._client_id = client_id
        self._browser: Browser | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def online(self, user: str, *, client_id: str = "") -> BrowserPhone:
        """A page that is the phone of `user`, as `0003*215`, signed in as the app `client_id`.

        Raises an error of Playwright if it does not get online within 10 s.
        """
        if self._browser is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="browser-"))
            self._browser = await self._stack.enter_async_context(chromium(Path(folder)))
        client_id = client_id or self._client_id
        secret = self._system.secret(f"app/{client_id}")
        page = phone_page(self._browser, self._system.base_url, client_id, secret)
        phone = await self._stack.enter_async_context(page)
        self._journal.follow(lambda: sip_observations(user, phone.messages))
        await phone.online(user)
        await self._phones.is_known(user)
        return phone
