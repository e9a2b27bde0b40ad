"""Pages of ended calls: the database filters, orders and counts as Python does, and faster."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from typing import get_args

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_document import call_to_document
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.ended_calls import CallFilter, EndedCalls, FilterOp
from bridge.http.errors import UapiError
from bridge.http.uapi.collection import FilterField, Listing
from bridge.http.uapi.phone_call_json import date, moment_s

from .ended_calls import BEGAN_MS, LISTED, fill_with_ended_calls
from .phone_calls import ended, finish, live_call
from .pulse import STANDS_STILL_S, Pulse

ASKED = ["0003*210"]
# Other processes on the same core make the same work cost up to twice the CPU time, now and then.
_TRIES = 10
FILTERABLE: dict[str, FilterField[PhoneCall]] = {
    "id": FilterField(lambda x: x.id, lambda x: x.id, str),
    "published": FilterField(
        lambda x: date(x.published_ms) or "", lambda x: x.published_ms // 1000, moment_s
    ),
}
IDS = ["a2", "A2", "a10", "Zz", "b", "a2b", "zz%", "z_z", "ab"]


@pytest.fixture
async def calls(store: CallStore) -> list[PhoneCall]:
    """In the order of a list: two began in the same millisecond, ids are not in that order."""
    found = [
        ended(live_call(call_id, published_ms=BEGAN_MS + (number // 2) * 999), 2 * BEGAN_MS)
        for number, call_id in enumerate(IDS)
    ]
    for call in found:
        await finish(store, call)
    return sorted(found, key=lambda x: (x.published_ms, x.id))


def question(by: str, op: str, value: str, order: str = "asc", **page: str) -> Listing[PhoneCall]:
    query = {"filterBy": by, "filterOp": op, "filterValue": value, "sortOrder": order, **page}
    return Listing.parse(query, FILTERABLE)


async def answer(store: CallStore, listing: Listing[PhoneCall]) -> tuple[list[str], int]:
    asked = EndedCalls(
        ASKED,
        0,
        filter=None
        if listing.filter is None
        else CallFilter(
            listing.filter.by,  # type: ignore[arg-type]
            listing.filter.op,  # type: ignore[arg-type]
            listing.filter.values,  # type: ignore[arg-type]
        ),
        descending=listing.descending,
        start=listing.start,
        count=listing.count,
    )
    return await store.ended(asked, lambda x: x.id)


@pytest.mark.parametrize("op", get_args(FilterOp))
@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("id", ["a2", "A", "z", "%", "_", "a2,Zz,none", "é", "\0", "a\0"]),
        (
            "published",
            [
                "2012-06-27T16:08:55Z",
                "2012-06-27T16:08:57Z",
                "2012-06",
                "8:5",
                "2012-06-27T16:08:55Z,2012-06-27T18:08:56+02:00",
                "9999-12-31T23:59:59Z",
                "0001-01-01T00:00:00Z",
            ],
        ),
    ],
)
async def test_the_database_finds_what_python_finds(
    store: CallStore, calls: list[PhoneCall], by: str, values: list[str], op: str
) -> None:
    compared = 0
    for value in values:
        try:
            listing = question(by, op, value)
        except UapiError:
            continue
        compared += 1
        page, total = listing.page(calls, lambda x: (x.published_ms, x.id))
        assert await answer(store, listing) == ([x.id for x in page], total), value
    assert compared > 0


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages(store: CallStore, calls: list[PhoneCall], order: str) -> None:
    for start in range(len(IDS) + 2):
        listing = question("", "", "", order, startIndex=str(start), count="2")
        page, total = listing.page(calls, lambda x: (x.published_ms, x.id))
        assert await answer(store, listing) == ([x.id for x in page], total)


@pytest.fixture
async def many(engine: AsyncEngine) -> AsyncIterator[None]:
    """`LISTED` ended calls of the extension."""
    await fill_with_ended_calls(engine)
    gc.collect()
    gc.freeze()  # as `serve` does with all that is loaded
    yield
    gc.unfreeze()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_given_100_000_ended_calls_then_no_question_makes_the_event_loop_stand_still(
    store: CallStore, many: None
) -> None:
    pulse = Pulse()
    beating = asyncio.ensure_future(pulse.beat())
    for asked in (
        EndedCalls(ASKED, 0, count=1),
        EndedCalls(ASKED, 0, count=5000, start=5000, descending=True),
        EndedCalls(ASKED, 0, count=20, filter=CallFilter("id", "contains", ("99",))),
        EndedCalls(ASKED, 0, count=20, filter=CallFilter("published", "startsWith", ("2012",))),
    ):
        tries: list[float] = []
        while len(tries) < _TRIES and not any(x < STANDS_STILL_S for x in tries):
            await asyncio.sleep(0.01)  # the pulse beats before and after
            pulse.worst_s = 0.0
            shown, total = await store.ended(asked, call_to_document)
            assert len(shown) == min(asked.count, total)
            assert total == LISTED or asked.filter is not None
            tries.append(pulse.worst_s)
        assert min(tries) < STANDS_STILL_S, asked
    beating.cancel()


async def test_the_measure_notices_an_event_loop_that_stands_still(store: CallStore) -> None:
    pulse = Pulse()
    beating = asyncio.ensure_future(pulse.beat())
    await asyncio.sleep(0.01)  # the pulse beats before and after
    until_s = time.thread_time() + 2 * STANDS_STILL_S
    while time.thread_time() < until_s:
        pass
    await asyncio.sleep(0.01)  # the pulse beats before and after
    beating.cancel()
    assert pulse.worst_s >= STANDS_STILL_S
