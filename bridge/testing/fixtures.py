"""The fixtures of the kit: docs/test-kit.md lists them. The plugin registers this module."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from bridge.testing.journal import Journal
from bridge.testing.options import KitOptions
from bridge.testing.plugin import JOURNAL

if TYPE_CHECKING:
    from bridge.testing.browser_phones import MakeBrowserPhone
    from bridge.testing.event_receiver import EventReceiver
    from bridge.testing.observed_api import MakeClient, ObservedApi
    from bridge.testing.phones_of_a_test import MakePhone, MakeScripted, PhonesOfATest
    from bridge.testing.public_number import MakePublicNumber
    from bridge.testing.recordings import Recordings
    from bridge.testing.system.system_under_test import SystemUnderTest

# The modules of the kit are imported when a fixture is used, not when tests are collected.


@pytest.fixture(scope="session")
def uapi_lab(pytestconfig: pytest.Config) -> Iterator[SystemUnderTest]:
    """A running service with its PBX: started for the session, or the one of `--uapi-url`."""
    from bridge.testing.system.own_system import OwnSystem
    from bridge.testing.system.system_under_test import running_system

    options = KitOptions.of(pytestconfig)
    if options.url:
        yield running_system(options)
        return
    own = OwnSystem(options)
    try:
        yield own.open()
    finally:
        own.close()


@pytest.fixture
def uapi_journal(request: pytest.FixtureRequest, uapi_lab: SystemUnderTest) -> Journal:
    """All that is observed in this test, on one time axis."""
    journal = Journal()
    journal.follow(lambda: uapi_lab.observations(journal.began_ms))
    journal.captured = uapi_lab.packets
    request.node.stash[JOURNAL] = journal
    return journal


@pytest_asyncio.fixture
async def uapi_phones(
    pytestconfig: pytest.Config, uapi_lab: SystemUnderTest, uapi_journal: Journal
) -> AsyncIterator[PhonesOfATest]:
    """All phones of this test; `uapi_phone` and `uapi_scripted` make them."""
    from bridge.testing.phones_of_a_test import PhonesOfATest
    from bridge.testing.presence import Presence

    async with Presence(uapi_lab, KitOptions.of(pytestconfig).client) as presence:
        phones = PhonesOfATest(uapi_lab, uapi_journal, presence.knows)
        yield phones
        await phones.stop()


@pytest_asyncio.fixture
async def uapi_client(
    uapi_lab: SystemUnderTest, uapi_journal: Journal, uapi_phones: PhonesOfATest
) -> AsyncIterator[MakeClient]:
    """`await uapi_client("user-13")`: the client of another app of the directory."""
    from bridge.testing.observed_api import ObservedApi

    async with contextlib.AsyncExitStack() as stack:

        async def client(client_id: str, user: str = "@me") -> ObservedApi:
            api = ObservedApi(
                uapi_lab.base_url,
                client_id,
                uapi_lab.secret(f"app/{client_id}"),
                journal=uapi_journal,
                heard_by=uapi_phones.heard_by,
                user=user,
            )
            return await stack.enter_async_context(api)

        yield client


@pytest_asyncio.fixture
async def uapi_api(
    pytestconfig: pytest.Config, uapi_client: MakeClient
) -> AsyncIterator[ObservedApi]:
    """The typed client of the app that `--uapi-client` names; its calls are ended after a test."""
    api = await uapi_client(KitOptions.of(pytestconfig).client)
    yield api
    await api.leave_no_call()


@pytest.fixture
def uapi_phone(uapi_phones: PhonesOfATest) -> MakePhone:
    """`await uapi_phone("0003*210")`: a registered softphone."""
    return uapi_phones.softphone


@pytest.fixture
def uapi_scripted(uapi_phones: PhonesOfATest) -> MakeScripted:
    """`await uapi_scripted("0003*211", refuses(486))`: a phone that behaves as told."""
    return uapi_phones.scripted


@pytest_asyncio.fixture
async def uapi_browser_phone(
    pytestconfig: pytest.Config,
    uapi_lab: SystemUnderTest,
    uapi_phones: PhonesOfATest,
    uapi_journal: Journal,
) -> AsyncIterator[MakeBrowserPhone]:
    """`await uapi_browser_phone("0003*215")`: the console's phone in a headless Chromium."""
    try:
        from bridge.testing.browser_phones import BrowserPhones
    except ModuleNotFoundError as why:
        advice = "pip install 'uapi-bridge[testing-browser]'"
        raise pytest.UsageError(f"uapi_browser_phone needs {why.name}: {advice}") from None

    client_id = KitOptions.of(pytestconfig).client
    async with BrowserPhones(uapi_lab, uapi_journal, uapi_phones, client_id) as phones:
        yield phones.online


@pytest_asyncio.fixture
async def uapi_events(
    pytestconfig: pytest.Config, uapi_api: ObservedApi, uapi_journal: Journal
) -> AsyncIterator[EventReceiver]:
    """`await uapi_events("210")`: the webhooks of an extension, checked as they come."""
    from bridge.testing.event_receiver import EventReceiver

    address = KitOptions.of(pytestconfig).receiver_address
    async with EventReceiver(uapi_api, uapi_journal, address) as receiver:
        yield receiver


@pytest_asyncio.fixture
async def uapi_public_number(
    uapi_lab: SystemUnderTest, uapi_phones: PhonesOfATest, uapi_journal: Journal
) -> MakePublicNumber:
    """`await uapi_public_number(after_s=2)`: a public number that behaves as told."""
    from bridge.testing.public_number import MakePublicNumber

    return MakePublicNumber(uapi_lab, uapi_journal, uapi_phones)


@pytest_asyncio.fixture
async def uapi_recordings(
    pytestconfig: pytest.Config, uapi_lab: SystemUnderTest, uapi_journal: Journal
) -> AsyncIterator[Recordings]:
    """`await uapi_recordings.of(call)`: the recording of a call that is over."""
    from bridge.testing.recordings import Recordings
    from bridge.testing.verba_client import VerbaClient

    key = uapi_lab.secret(f"verba-key/{KitOptions.of(pytestconfig).verba_key}")
    async with VerbaClient(uapi_lab.base_url, key) as verba:
        yield Recordings(verba, uapi_journal)
