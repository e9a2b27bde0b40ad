"""One lab for the tests of actions on live calls, and an office for a module that asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.installation import test_installation
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.office.open_office import DIRECTORY, open_office
from tests.pbx.old_asterisk.conftest import asterisk_16

from .at_an_office import At, with_more_extensions


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    async with await open_lab(tmp_path_factory.mktemp("actions-lab")) as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["newest", "16.28"])
async def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[At]:
    old = request.param != "newest"
    installation = await (asterisk_16() if old else test_installation())
    folder = tmp_path_factory.mktemp("office")
    settings = {"directory_file": str(with_more_extensions(DIRECTORY, folder / "directory.yaml"))}
    office = await open_office(folder / "office", settings, installation)
    try:
        async with office.bridge.client() as api:
            yield At(office, api)
    finally:
        await office.close()


@pytest_asyncio.fixture(loop_scope="module")
async def at(opened: At) -> AsyncIterator[At]:
    yield opened
    await opened.api.leave_no_call()
    for phone in opened.office.phones.values():
        await phone.free()
        phone.forget_calls()
