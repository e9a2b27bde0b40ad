"""The tests of the kit use its own fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.testing.softphones.browser_phone import some_address


@pytest.fixture(scope="session", autouse=True)
def an_address_for_browsers() -> Iterator[None]:
    """It must be there before Asterisk starts."""
    with some_address():
        yield
