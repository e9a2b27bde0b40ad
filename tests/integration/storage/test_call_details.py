"""Call detail records: the database finds and sums them, on both engines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.call_chart import EndedMoments
from bridge.calls.state.phone_call import Disposition, Flow, PhoneCall
from bridge.calls.store.call_detail import (
    CallDetailFilter,
    CallDetailQuestion,
    CallSum,
    Period,
)
from bridge.calls.store.call_store import CallStore

from .phone_calls import ended, finish, live_call

MINE = ["0003*210"]
MINUTE_MS = 60_000


def _ended(call: PhoneCall, at_ms: int, disposition: Disposition) -> PhoneCall:
    done = ended(call, at_ms)
    assert done.final is not None
    return replace(done, final=replace(done.final, disposition=disposition))


@pytest.fixture
async def three(store: CallStore) -> None:
    """`a` was answered; `b` was busy and paid by 210; `c` came from outside to a queue."""
    a = replace(live_call("a", published_ms=MINUTE_MS), answered_ms=3 * MINUTE_MS)
    b = replace(
        live_call("b", published_ms=2 * MINUTE_MS), extension="0003*210", flow=Flow.OUTGOING
    )
    c = live_call("c", published_ms=2 * MINUTE_MS)
    caller = replace(c.legs[0], number="+3235742879", extension=None)
    c = replace(
        c,
        flow=Flow.INCOMING,
        legs=(caller, replace(c.legs[1], number="0003*210", extension=MINE[0])),
    )
    c = replace(c, called_service="0003*300", dialled="+5550003300", extension=None)
    for call, disposition in (
        (a, Disposition.ANSWERED),
        (b, Disposition.BUSY),
        (c, Disposition.NO_ANSWER),
    ):
        await finish(store, _ended(call, call.published_ms + 10 * MINUTE_MS, disposition))


async def _found(store: CallStore, **asked: object) -> str:
    question = CallDetailQuestion(MINE, 0, **asked)  # type: ignore[arg-type]
    records, sums = await store.detail_records(question, lambda x: x.id)
    if question.start == 0:
        assert sum(x.calls for x in sums) == len(records)
    return "".join(records)


async def test_given_no_filter_then_all_are_found_in_order(store: CallStore, three: None) -> None:
    assert await _found(store) == "abc"
    assert await _found(store, descending=True) == "cba"
    assert await _found(store, start=1) == "bc"


@pytest.mark.parametrize(
    ("numbers", "found"),
    [({"0003*210"}, "ab"), ({"3235742879"}, "c"), ({"0003*211"}, ""), ({"'"}, "")],
)
async def test_sources(store: CallStore, three: None, numbers: set[str], found: str) -> None:
    assert await _found(store, sources=(numbers,)) == found


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ({"0003*211"}, "ab"),
        ({"0003*210", "5"}, "c"),
        ({"0003*300"}, "c"),
        ({"5550003300"}, "c"),
        ({"3235742879"}, "ab"),
    ],
)
async def test_destinations(store: CallStore, three: None, numbers: set[str], found: str) -> None:
    assert await _found(store, destinations=(numbers,)) == found


async def test_all_conditions_must_fit(store: CallStore, three: None) -> None:
    assert await _found(store, sources=({"0003*210"},), destinations=({"0003*300"},)) == ""
    assert await _found(store, sources=({"0003*210"},), disposition=1) == "b"


@pytest.mark.parametrize(
    ("period", "found"),
    [
        (Period(from_ms=3 * MINUTE_MS), "a"),
        (Period(until_ms=2 * MINUTE_MS), "bc"),
        (Period(2 * MINUTE_MS, 2 * MINUTE_MS), "bc"),
        (Period(4 * MINUTE_MS), ""),
    ],
)
async def test_the_begin_counts_where_nobody_answered(
    store: CallStore, three: None, period: Period, found: str
) -> None:
    assert await _found(store, answered=period) == found


async def test_saved_is_the_end_of_the_call(store: CallStore, three: None) -> None:
    assert await _found(store, saved=Period(12 * MINUTE_MS)) == "bc"
    assert await _found(store, saved=Period(until_ms=11 * MINUTE_MS)) == "a"


@pytest.mark.parametrize(("flow", "found"), [(2, "a"), (4, "b"), (8, "c")])
async def test_flow(store: CallStore, three: None, flow: int, found: str) -> None:
    assert await _found(store, flow=flow) == found


@pytest.mark.parametrize(("disposition", "found"), [(0, "a"), (1, "b"), (3, "c"), (5, "")])
async def test_disposition(store: CallStore, three: None, disposition: int, found: str) -> None:
    assert await _found(store, disposition=disposition) == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (CallDetailFilter("answered", "present"), "a"),
        (CallDetailFilter("answered", "greaterThan", (179,)), "a"),
        (CallDetailFilter("answered", "lessThan", (180,)), ""),
        (CallDetailFilter("answered", "startsWith", ("1970-01-01T00:03",)), "a"),
        (CallDetailFilter("id", "equals", ("b",)), "b"),
    ],
)
async def test_filters(store: CallStore, three: None, asked: CallDetailFilter, found: str) -> None:
    assert await _found(store, filter=asked) == found


async def test_sums_by_direction_and_disposition(store: CallStore, three: None) -> None:
    sums = await store.call_sums(CallDetailQuestion(MINE, 0))
    assert sorted(sums, key=lambda x: x.disposition) == [
        CallSum(False, 0, 1),
        CallSum(True, 1, 1),
        CallSum(False, 3, 1),
    ]
    assert await store.call_sums(CallDetailQuestion([], 0)) == []
    assert await store.call_sums(CallDetailQuestion(MINE, 100 * MINUTE_MS)) == []


async def test_moments_for_charts_are_those_of_the_newest_calls(
    store: CallStore, three: None
) -> None:
    a = EndedMoments(MINUTE_MS, 3 * MINUTE_MS, 11 * MINUTE_MS, 0)
    of_b_and_c = {
        EndedMoments(2 * MINUTE_MS, None, 12 * MINUTE_MS, 1),
        EndedMoments(2 * MINUTE_MS, None, 12 * MINUTE_MS, 3),
    }
    found = await store.ended_moments(MINE, 0, 10)
    assert set(found[:2]) == of_b_and_c
    assert found[2:] == [a]
    assert len(await store.ended_moments(MINE, 0, 2)) == 2
    assert set(await store.ended_moments(MINE, MINUTE_MS + 1, 10)) == of_b_and_c
    assert await store.ended_moments(["0003*299"], 0, 10) == []
    assert await store.ended_moments([], 0, 10) == []
