"""Who is registered at the edge: each change is told once, whatever the notes of it say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from bridge.cluster.edge import registered_phones, rows_by_number
from bridge.cluster.edge.registered_phones import (
    LISTEN_AGAIN_S,
    NUMBERS_MAX,
    READ_ALL_EVERY_S,
    EdgeContact,
    RegisteredPhones,
)
from bridge.cluster.edge.several_edges import LOCATION_CHANNEL
from bridge.faults import StorageUnavailable
from tests.lab.instant_time import instant

MOMENT_S = 0.1


class FakeEdge:
    """The tables, in the place of an engine and of its connections.

    `states`: of each subscriber, whether a phone is registered. `reads`: the numbers of each read;
    None for all. `meanwhile`: happens before the answer of the next read. `unread` and `refused`:
    reads fail, connections for notes fail.
    """

    url = "postgresql+asyncpg://db/cluster"

    def __init__(self, **states: bool) -> None:
        self.states = states
        self.contacts: list[tuple[object, ...]] = []
        self.reads: list[list[str] | None] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.unread = self.refused = False
        self._note: Any = None
        self._lost: Any = None
        self.disposed = 0

    def note(self, *numbers: str) -> None:
        for number in numbers:
            self._note(self, 1, LOCATION_CHANNEL, number)

    def lose(self) -> None:
        self._lost(self)

    @asynccontextmanager
    async def reading(self, _engine: object) -> AsyncIterator[Any]:
        if self.unread:
            raise StorageUnavailable("down")
        yield self

    async def execute(self, query: object, values: dict[str, Any]) -> Any:
        if "number" in values:
            assert "ORDER BY id DESC" in str(query)
            return SimpleNamespace(all=lambda: self.contacts)
        numbers = values.get("numbers")
        self.reads.append(numbers)
        found = [x for x in self.states.items() if numbers is None or x[0] in numbers]
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return SimpleNamespace(all=lambda: found)

    def create_async_engine(self, *_: object, **__: object) -> FakeEdge:
        return self

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Any]:
        if self.refused:
            raise ConnectionRefusedError("refused")
        yield self

    async def get_raw_connection(self) -> Any:
        return SimpleNamespace(driver_connection=self)

    def add_termination_listener(self, lost: object) -> None:
        self._lost = lost

    async def add_listener(self, channel: str, note: object) -> None:
        assert channel == LOCATION_CHANNEL
        self._note = note

    async def dispose(self) -> None:
        self.disposed += 1


class Followed:
    def __init__(self, phones: RegisteredPhones) -> None:
        self.phones = phones
        self.told: list[tuple[str, bool]] = []
        self.stop_telling = phones.tell(lambda number, there: self.told.append((number, there)))


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> FakeEdge:
    made = FakeEdge(**{"210": True, "211": False})
    monkeypatch.setattr(registered_phones, "reading", made.reading)
    monkeypatch.setattr(rows_by_number, "reading", made.reading)
    monkeypatch.setattr(registered_phones, "create_async_engine", made.create_async_engine)
    return made


@asynccontextmanager
async def followed(edge: FakeEdge) -> AsyncIterator[Followed]:
    made = Followed(RegisteredPhones(cast("AsyncEngine", edge), "-web"))
    running = asyncio.ensure_future(made.phones.run())
    await asyncio.sleep(MOMENT_S)
    try:
        yield made
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@instant
async def test_what_is_asked_is_read_now(edge: FakeEdge) -> None:
    edge.contacts = [("sip:210@10.0.0.1", "sip:10.0.0.9:5060", "baresip", 99)]
    phones = RegisteredPhones(cast("AsyncEngine", edge), "-web")
    assert await phones.states() == {"210": True, "211": False}
    assert await phones.is_registered("210")
    assert not await phones.is_registered("211")
    assert not await phones.is_registered("999")
    assert await phones.contacts("210") == [
        EdgeContact("sip:210@10.0.0.1", "sip:10.0.0.9:5060", "baresip", 99)
    ]
    edge.unread = True
    with pytest.raises(StorageUnavailable):
        await phones.is_registered("210")


@instant
async def test_a_note_is_a_reason_to_read_that_number_alone(edge: FakeEdge) -> None:
    async with followed(edge) as found:
        assert found.told == [("210", True)]
        edge.states["211"] = True
        edge.note("211", "210", "211")  # the last two change nothing
        await asyncio.sleep(MOMENT_S)
        assert edge.reads == [None, ["210", "211"]]
        assert found.told[1:] == [("211", True)]
        edge.states["210"] = False
        edge.note("210")
        await asyncio.sleep(MOMENT_S)
        assert found.told[2:] == [("210", False)]


@instant
async def test_a_note_without_a_number_is_a_reason_to_read_all(edge: FakeEdge) -> None:
    """One of several edges has died, or lives again."""
    async with followed(edge) as found:
        edge.states["210"] = False
        edge.note("")
        await asyncio.sleep(MOMENT_S)
        assert edge.reads == [None, None]
        assert found.told[1:] == [("210", False)]


@pytest.mark.parametrize("note", ["", "210"])
@instant
async def test_a_note_that_comes_while_rows_are_read_is_not_lost(edge: FakeEdge, note: str) -> None:
    def gone() -> None:
        edge.states["210"] = False
        edge.note(note)

    async with followed(edge) as found:
        edge.meanwhile = gone
        edge.note("211")
        await asyncio.sleep(MOMENT_S)
        assert found.told[1:] == [("210", False)]


@instant
async def test_a_number_that_the_edge_forgets_is_gone_and_may_come_back(edge: FakeEdge) -> None:
    async with followed(edge) as found:
        del edge.states["210"]
        edge.note("210")
        await asyncio.sleep(MOMENT_S)
        edge.states["210"] = True
        edge.note("210")
        await asyncio.sleep(MOMENT_S)
        assert found.told == [("210", True), ("210", False), ("210", True)]


@instant
async def test_a_note_that_was_lost_is_made_good_at_an_interval(edge: FakeEdge) -> None:
    async with followed(edge) as found:
        del edge.states["210"]
        edge.states["211"] = True
        await asyncio.sleep(READ_ALL_EVERY_S)
        assert edge.reads == [None, None]
        assert sorted(found.told[1:]) == [("210", False), ("211", True)]


@instant
async def test_of_very_many_notes_all_is_read(edge: FakeEdge) -> None:
    async with followed(edge):
        edge.note(*(str(x) for x in range(NUMBERS_MAX)))
        await asyncio.sleep(MOMENT_S)
        edge.note(*(str(x) for x in range(NUMBERS_MAX + 1)))
        await asyncio.sleep(MOMENT_S)
        assert [x and len(x) for x in edge.reads] == [None, NUMBERS_MAX, None]


@instant
async def test_after_a_lost_connection_it_listens_again_and_reads_all(edge: FakeEdge) -> None:
    async with followed(edge) as found:
        edge.lose()
        edge.states["211"] = True
        await asyncio.sleep(LISTEN_AGAIN_S + MOMENT_S)
        assert edge.disposed == 1
        assert edge.reads == [None, None]
        assert found.told[1:] == [("211", True)]
        edge.states["211"] = False
        edge.note("211")
        await asyncio.sleep(MOMENT_S)
        assert found.told[2:] == [("211", False)]


@instant
async def test_without_notes_it_looks_on_and_the_condition_is_logged_once(edge: FakeEdge) -> None:
    edge.refused = True
    with capture_logs() as lines:
        async with followed(edge) as found:
            assert found.told == [("210", True)]
            await asyncio.sleep(5 * LISTEN_AGAIN_S)
    assert lines[0]["event"] == "edge_location_unread_began"
    assert lines[0]["why"] == "no notes: ConnectionRefusedError"


@instant
async def test_a_read_that_fails_is_made_up_and_its_end_logged(edge: FakeEdge) -> None:
    with capture_logs() as lines:
        async with followed(edge) as found:
            edge.unread = True
            edge.note("211")
            await asyncio.sleep(MOMENT_S)
            edge.states["211"] = True
            edge.unread = False
            edge.note("210")
            await asyncio.sleep(MOMENT_S)
            assert found.told[1:] == [("211", True)]
    assert [x["event"] for x in lines] == [
        "edge_location_unread_began",
        "edge_location_unread_ended",
    ]


@instant
async def test_who_is_told_no_more_hears_nothing(edge: FakeEdge) -> None:
    async with followed(edge) as found:
        found.stop_telling()
        edge.states["211"] = True
        edge.note("211")
        await asyncio.sleep(MOMENT_S)
        assert found.told == [("210", True)]
        assert (await found.phones.states())["211"]


@instant
async def test_a_browser_that_comes_is_a_phone_of_its_extension(edge: FakeEdge) -> None:
    async with followed(edge) as found:
        edge.states["211"] = True
        edge.note("211-web")
        await asyncio.sleep(MOMENT_S)
        assert edge.reads[1:] == [["211"]]
        assert found.told[1:] == [("211", True)]
