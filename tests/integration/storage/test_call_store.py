from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.state.phone_call import EndedBy, HangUpMark, Leg, Origin, PhoneCall, Side
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.ended_calls import EndedCalls
from bridge.calls.store.idempotency_store import (
    IdempotencyConflict,
    IdempotencyEntry,
    IdempotencyStore,
)
from bridge.storage.statement import Statement, Write
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

from .phone_calls import ended, finish, live_call

_NOTE = Statement("INSERT INTO notes (id, word) VALUES (:id, :word) ON CONFLICT DO NOTHING")


def entry(key: str = "key", call_id: str | None = None, created_ms: int = 0) -> IdempotencyEntry:
    return IdempotencyEntry("app", key, "hash", 202, "[]", call_id, created_ms)


async def written(store: CallStore, call: PhoneCall) -> None:
    """Until the call is on disk."""
    await eventually(lambda: store.find(call.id), timeout=20)


async def test_accepted_call_is_live(store: CallStore) -> None:
    call, elsewhere = live_call(), live_call(pbx="other")
    await store.accept(call)
    await store.accept(elsewhere)
    assert await store.live("main") == [call]
    assert await store.find(call.id) == call
    assert await store.find("0" * 20) is None


async def test_live_calls_in_order_of_their_start(store: CallStore) -> None:
    calls = [live_call(published_ms=at) for at in (3000, 1000, 2000)]
    for call in calls:
        await store.accept(call)
    assert [call.published_ms for call in await store.live("main")] == [1000, 2000, 3000]


async def test_same_id_twice_is_an_error(store: CallStore) -> None:
    call = live_call()
    await store.accept(call)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.accept(replace(call, nonce="other"))
    assert await store.find(call.id) == call


async def test_used_key(store: CallStore, idempotency: IdempotencyStore) -> None:
    first, second = live_call(), live_call()
    await store.accept(first, entry(call_id=first.id))
    with pytest.raises(IdempotencyConflict) as conflict:
        await store.accept(second, entry(call_id=second.id))
    assert conflict.value.existing == entry(call_id=first.id)
    assert await store.live("main") == [first]
    assert await idempotency.find("app", "key") == entry(call_id=first.id)


async def test_one_key_many_times_at_once(store: CallStore) -> None:
    calls = [live_call() for _ in range(20)]
    outcomes = await asyncio.gather(
        *(store.accept(call, entry(call_id=call.id)) for call in calls), return_exceptions=True
    )
    [winner] = await store.live("main")
    assert [outcome is None for outcome in outcomes] == [call.id == winner.id for call in calls]
    assert {
        outcome.existing.call_id for outcome in outcomes if isinstance(outcome, IdempotencyConflict)
    } == {winner.id}


async def test_track_makes_and_changes(store: CallStore, queue: WriteQueue) -> None:
    call = live_call()
    store.track(call)
    answered = replace(call, answered_ms=5000)
    store.track(answered)
    await queue.submit()
    assert await store.live("main") == [answered]


async def test_track_never_changes_an_ended_call(store: CallStore, queue: WriteQueue) -> None:
    call = live_call()
    assert await finish(store, ended(call))
    store.track(replace(call, answered_ms=5000))
    await queue.submit()
    assert await store.find(call.id) == ended(call)
    assert await store.live("main") == []


async def test_mark_is_durable_at_once(store: CallStore) -> None:
    call = live_call()
    await store.accept(call)
    marked = replace(call, hang_up=HangUpMark(EndedBy.API, 4000))
    await store.mark(marked)
    assert await store.live("main") == [marked]
    await finish(store, ended(marked))
    await store.mark(marked)
    assert await store.live("main") == []


async def test_late_track_while_the_end_still_waits(store: CallStore, queue: WriteQueue) -> None:
    call = live_call()
    await store.accept(call)
    store.finish_later(ended(call))
    store.track(replace(call, answered_ms=5000))
    await queue.submit()
    assert await store.find(call.id) == ended(call)


async def ended_of(
    store: CallStore, extensions: Collection[str], since_ms: int, call_id: str | None = None
) -> list[PhoneCall]:
    found, total = await store.ended(EndedCalls(extensions, since_ms, call_id), lambda x: x)
    assert len(found) == total
    return found


async def test_parties_of_calls_the_api_did_not_make(store: CallStore, queue: WriteQueue) -> None:
    call = live_call()
    moved = Leg("v4", Side.DESTINATION, "0003*220", "220", extension="0003*220")
    store.track(call)
    store.track(replace(call, answered_ms=5000))
    store.track(replace(call, legs=(call.legs[0], moved)))
    store.track(replace(call, answered_ms=6000))
    store.finish_later(ended(call))
    await queue.submit()
    for party in ("0003*210", "0003*211", "0003*214", "0003*220"):
        assert await ended_of(store, [party], 0) == [ended(call)]


async def test_parties_of_a_write_that_was_lost_are_written_with_the_next(
    engine: AsyncEngine,
) -> None:
    queue = WriteQueue(engine, max_waiting=1)
    await queue.start()
    try:
        store = CallStore(engine, queue)
        other, call = live_call(), replace(live_call(), origin=Origin.PHONE)
        store.finish_later(ended(other))  # nothing may be left out in its favour
        store.track(call)  # too many are waiting
        await written(store, other)
        assert await store.find(call.id) is None
        store.track(call)
        await written(store, call)
        await finish(store, ended(call))
        assert await ended_of(store, ["0003*211"], 0, call.id) == [ended(call)]
    finally:
        await queue.stop()


async def test_finish_without_a_row(store: CallStore) -> None:
    call = ended(live_call())
    assert await finish(store, call)
    assert await ended_of(store, ["0003*210"], 0) == [call]


async def test_exactly_one_final_record(store: CallStore, queue: WriteQueue) -> None:
    call = live_call()
    await store.accept(call)
    store.finish_later(ended(call, reason="first"))
    wrote = await asyncio.gather(
        *(finish(store, ended(call, reason=str(number))) for number in range(20))
    )
    assert sum(wrote) == 0
    found = await store.find(call.id)
    assert found is not None
    assert found.final is not None
    assert found.final.reason == "first"


async def test_two_instances_finish(store: CallStore, engine: AsyncEngine) -> None:
    other_queue = WriteQueue(engine)
    await other_queue.start()
    other = CallStore(engine, other_queue)
    for call in [live_call() for _ in range(30)]:
        await store.accept(call)
        one, two = await asyncio.gather(
            finish(store, ended(call, reason="one")), finish(other, ended(call, reason="two"))
        )
        assert one != two
        assert await store.find(call.id) == ended(call, reason="one" if one else "two")
    await other_queue.stop()


async def test_wrong_kind_of_call(store: CallStore) -> None:
    with pytest.raises(ValueError, match="finish"):
        store.track(ended(live_call()))
    with pytest.raises(ValueError, match="end"):
        store.finish_later(live_call())


async def test_ended_by_party_time_and_id(store: CallStore) -> None:
    early, late = ended(live_call(), 5000), ended(live_call(), 9000)
    for call in (early, late):
        await finish(store, call)
    await store.accept(live_call())
    for party in ("0003*210", "0003*211", "0003*214"):  # 214 only pays
        assert {call.id for call in await ended_of(store, [party], 0)} == {early.id, late.id}
    assert await ended_of(store, ["0003*210", "0003*211"], 5001) == [late]
    assert await ended_of(store, {"0003*210"}, 9000) == [late]
    assert await ended_of(store, ["0003*210"], 0, early.id) == [early]
    assert await ended_of(store, ["0003*299"], 0) == []
    assert await ended_of(store, ["3235742879"], 0) == []
    assert await ended_of(store, [], 0) == []


async def test_an_end_is_found_by_who_asks_in_the_same_moment(store: CallStore) -> None:
    for _ in range(20):
        call = live_call()
        await store.accept(call)
        store.finish_later(ended(call, at_ms=9000))
        assert [x.id for x in await ended_of(store, ["0003*210"], 0, call.id)] == [call.id]


async def test_parties_that_came_later_and_that_left(store: CallStore) -> None:
    call = live_call()
    await store.accept(call)
    moved = Leg("v4", Side.DESTINATION, "0003*220", "220", extension="0003*220")
    await finish(store, ended(replace(call, legs=(call.legs[0], moved))))
    for party in ("0003*211", "0003*220"):
        assert len(await ended_of(store, [party], 0)) == 1


async def test_extra_rows_go_with_their_change(store: CallStore, queue: WriteQueue) -> None:
    await queue.submit(
        Statement("CREATE TABLE notes (id TEXT PRIMARY KEY, word TEXT)").write(counted=False)
    )

    def note(word: str) -> tuple[Write, ...]:
        return (_NOTE.write(counted=False, id=word, word=word),)

    call = live_call()
    await store.accept(call, extra=note("accepted"))
    store.track(call, note("answered"))
    store.finish_later(ended(call), note("ended"))
    store.finish_later(ended(call), note("ended again"))
    store.track(call, note("late"))
    store.finish_later(ended(call), note("ended later"))
    counts = await queue.submit(
        *(
            Statement("DELETE FROM notes WHERE id = :id").write(id=word)
            for word in ("accepted", "answered", "ended", "ended again", "late", "ended later")
        )
    )
    assert counts == (1, 1, 1, 0, 0, 0)


async def test_purge(store: CallStore, queue: WriteQueue) -> None:
    for at in range(450):
        store.finish_later(ended(live_call(), at_ms=at))
    live = live_call()
    await store.accept(live)
    assert await store.purge_ended(430) == 430
    left = await ended_of(store, ["0003*210"], 0)
    assert sorted(call.final.at_ms for call in left if call.final) == list(range(430, 450))
    assert await store.live("main") == [live]
    count = Statement("DELETE FROM call_parties WHERE extension <> :none").write(none="")
    assert await queue.submit(count) == (21 * 3,)


async def test_unreadable_row_hides_no_other(store: CallStore, queue: WriteQueue) -> None:
    good, bad = live_call(), live_call()
    await store.accept(good)
    await store.accept(bad)
    await queue.submit(
        Statement("UPDATE calls SET document = :document WHERE id = :id").write(
            document="{}", id=bad.id
        )
    )
    assert await store.live("main") == [good]
