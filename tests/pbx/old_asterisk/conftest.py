"""A lab as everywhere, with an Asterisk 16 in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.local_asterisk.installation import Installation, installation_in_root
from bridge.local_asterisk.private_root import default_root, private_root, why_no_root
from bridge.testing.lab.installation import source_of_settings
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools


async def asterisk_16() -> Installation:
    """Made once, from packages of Debian 11."""
    closed = why_no_root()
    assert closed is None, f"tests of Asterisk 16 need root on Debian or Ubuntu: {closed}"
    folder = default_root().with_name("asterisk-16-root")
    return await installation_in_root(
        await private_root(folder, print, source_of_settings("bullseye"))
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    async with await open_lab(
        tmp_path_factory.mktemp("lab-16"), installation=await asterisk_16()
    ) as lab:
        yield lab
