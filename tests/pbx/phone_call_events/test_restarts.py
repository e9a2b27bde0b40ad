"""Nothing is lost and nothing comes twice, whatever stops: the service, its link to the PBX.

On both databases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.sipp_behaviour import rings
from bridge.testing.webhook_receiver import Receiver, fine, refusing
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .all_events import AllEvents
from .conftest import open_event_lab
from .situation import CALLED, CALLER, called, calling

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB = "0003*210", "0003*211"


@dataclass(frozen=True)
class BreakableLab:
    lab: RunningLab
    ami: TcpProxy

    async def lose(self, what: str) -> None:
        """From now on the service hears nothing of calls."""
        if what == "service":
            await self.lab.bridge.kill()
        else:
            self.ami.refuses = True
            self.ami.cut()
            await self.lab.bridge.wait_health(503)

    async def regain(self, what: str) -> None:
        if what == "service":
            await self.lab.bridge.start()
        else:
            self.ami.refuses = False
            await self.lab.bridge.wait_ready()


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["sqlite", "postgresql"])
async def breakable(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BreakableLab]:
    settings = {}
    if request.param == "postgresql":
        server: PrivatePostgresql = request.getfixturevalue("postgresql")
        settings["database_url"] = server.new_database()
    proxy = TcpProxy()
    await proxy.start()
    try:
        lab = await open_event_lab(tmp_path_factory.mktemp("restarts"), proxy, **settings)
        try:
            yield BreakableLab(lab, proxy)
        finally:
            await lab.close()
    finally:
        await proxy.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(breakable: BreakableLab) -> RunningLab:
    return breakable.lab


@pytest_asyncio.fixture(loop_scope="session")
async def events(api: ApiClient, receiver: Receiver) -> AsyncIterator[AllEvents]:
    await api.authenticate()
    events = AllEvents(api, receiver, (ALICE, BOB))
    events.may_repeat = True
    await events.subscribe()
    yield events


@pytest.mark.parametrize("what", ["service", "link"])
async def test_given_talk_that_ends_unheard_when_all_is_back_then_each_gets_one_hang_up(
    breakable: BreakableLab, api: ApiClient, events: AllEvents, what: str
) -> None:
    lab = breakable.lab
    async with lab.phone(ALICE, answer="auto") as alice, lab.phone(BOB, answer="auto") as bob:
        call_id = await api.place(["210"], ["211"])
        await events.wait_told(
            call_id,
            {
                "210": ["answer outgoing ANSWER", "dial-out CALLING"],
                "211": ["answer incoming ANSWER", "dial-in CALLING"],
            },
        )
        await breakable.lose(what)
        await alice.hangup()
        await bob.wait_closed()
        await breakable.regain(what)
        await api.wait_ended(call_id)
        assert await events.told(call_id) == {"210": CALLER, "211": CALLED}


@pytest.mark.parametrize("what", ["service", "link"])
async def test_given_talk_that_outlives_the_outage_when_it_ends_then_nothing_was_told_twice(
    breakable: BreakableLab, api: ApiClient, events: AllEvents, what: str
) -> None:
    lab = breakable.lab
    async with lab.phone(ALICE, answer="auto"), lab.phone(BOB, answer="auto"):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        await breakable.lose(what)
        await breakable.regain(what)
        await api.wait_status(call_id, 5)
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)
        assert await events.told(call_id) == {"210": CALLER, "211": CALLED}


@pytest.mark.parametrize("what", ["service", "link"])
async def test_given_destination_answers_unheard_when_all_is_back_then_the_answer_is_told(
    breakable: BreakableLab, api: ApiClient, events: AllEvents, what: str
) -> None:
    lab = breakable.lab
    async with lab.phone(ALICE, answer="auto") as alice, lab.phone(BOB) as bob:
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 4)
        await breakable.lose(what)
        await bob.accept()
        await bob.wait_established()
        await breakable.regain(what)
        await api.wait_status(call_id, 5)
        await alice.hangup()
        await api.wait_ended(call_id)
        assert await events.told(call_id) == {"210": CALLER, "211": CALLED}


@pytest.mark.parametrize("what", ["service", "link"])
async def test_given_ringing_that_ends_unheard_when_all_is_back_then_nobody_claims_to_know_how(
    breakable: BreakableLab, api: ApiClient, events: AllEvents, what: str
) -> None:
    lab = breakable.lab
    async with lab.phone(ALICE, answer="auto") as alice, lab.scripted(BOB, rings()) as bob:
        call_id = await api.place(["210"], ["211"])
        ringing = {"210": ["dial-out CALLING"], "211": ["dial-in CALLING"]}
        await events.wait_told(call_id, ringing)
        await breakable.lose(what)
        await alice.hangup()
        await bob.wait_closed()
        await breakable.regain(what)
        await api.wait_ended(call_id)
        assert await events.told(call_id) == {
            "210": calling("UNKNOWN"),
            "211": called("UNKNOWN"),
        }


@pytest.mark.parametrize("what", ["service", "link"])
async def test_given_call_dialled_unheard_when_all_is_back_then_it_is_told_from_its_beginning(
    breakable: BreakableLab, api: ApiClient, events: AllEvents, what: str
) -> None:
    lab = breakable.lab
    async with lab.phone(ALICE) as alice, lab.phone(BOB, answer="auto"):
        await breakable.lose(what)
        await alice.dial("211")
        await alice.wait_established()
        await breakable.regain(what)
        [call] = await eventually(api.calls, timeout=10)
        await alice.hangup()
        await api.wait_ended(call["id"])
        assert await events.told(call["id"]) == {"210": CALLER, "211": CALLED}


async def test_given_dead_receiver_when_service_is_killed_then_every_event_comes_after_the_start(
    breakable: BreakableLab, api: ApiClient, events: AllEvents, receiver: Receiver
) -> None:
    receiver.mood = refusing(503)
    calls = []
    for _ in range(3):
        call_id = await api.place(["3235550486"], ["3235550200"], extension="210")
        await api.wait_ended(call_id)
        calls.append(call_id)
    await breakable.lab.bridge.kill()
    receiver.mood = fine
    receiver.received.clear()
    await breakable.lab.bridge.start()
    for call_id in calls:
        assert await events.told(call_id) == {"210": calling("BUSY")}
    sequences = [x.sequence for x in receiver.received if x.path.endswith("/2")]
    assert sequences == [1, 2, 3]
