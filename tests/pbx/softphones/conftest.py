"""The Asterisk on which the phones are tested."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.softphones.phones_lab import Lab, start_lab

USERS = ("0003*210", "0003*211", "0003*212", "0003*213", "0003*220")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    ensure_phone_tools()
    lab, asterisk = await start_lab(tmp_path_factory.mktemp("lab"))
    try:
        await lab.provision(*USERS)
        yield lab
    finally:
        await asterisk.stop()
