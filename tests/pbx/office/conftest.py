"""One office for all stories; another with Asterisk 16, where the long form is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.local_asterisk.installation import installation_on_path
from tests.office.playing import OpenedOffice, opened_office
from tests.pbx.old_asterisk.conftest import asterisk_16


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenedOffice]:
    async with opened_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def old_office(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> AsyncIterator[OpenedOffice]:
    on_path = pytestconfig.getoption("--office-on-path")
    installation = await installation_on_path() if on_path else await asterisk_16()
    folder = tmp_path_factory.mktemp("old-office")
    async with opened_office(folder, installation=installation) as opened:
        yield opened
