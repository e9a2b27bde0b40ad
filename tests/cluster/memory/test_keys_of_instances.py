"""The same Idempotency-Key at several instances: one change, and one answer for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.faults import StorageUnavailable
from bridge.http.errors import UapiError
from bridge.http.keyed_answers import (
    AnswerKeeper,
    IdempotentRequest,
    KeyedAnswers,
    StoredAnswer,
)
from bridge.http.uapi.idempotent_creates import IdempotentCreates, Save
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.subscription import EventType, Method, Subscription
from bridge.storage.engine import open_engine, reading
from bridge.storage.shared_changes import SharedNotes
from bridge.storage.statement import Counts, Write
from bridge.storage.tables import calls as stored_calls
from bridge.storage.write_queue import WriteQueue
from tests.integration.storage.phone_calls import live_call

INSTANCES, TIMES, AT_ONCE = 3, 200, 10


class Instance:
    def __init__(self, engine: AsyncEngine, queue: WriteQueue, others_s: float = 5.0) -> None:
        answers = IdempotencyStore(engine, queue)
        self.keyed = KeyedAnswers(answers, others_s)
        self.creates = IdempotentCreates(CallStore(engine, queue, answers), self.keyed, answers)
        self.placed: list[str] = []

    async def create(self, key: str) -> StoredAnswer:
        async def place(save: Save) -> StoredAnswer:
            call = live_call()
            await asyncio.sleep(0)
            answer = StoredAnswer(202, call.id)
            await save([call], answer)
            self.placed.append(call.id)
            return answer

        return await self.creates.once(IdempotentRequest("app", key, lambda: b"same"), place)


@pytest.fixture
async def instances(migrated: AsyncEngine) -> AsyncIterator[list[Instance]]:
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(INSTANCES):
            engine = open_engine(migrated.url.render_as_string(hide_password=False))
            stack.push_async_callback(engine.dispose)
            queue = WriteQueue(engine)
            await queue.start()
            stack.push_async_callback(queue.stop)
            made.append(Instance(engine, queue))
        yield made


async def test_given_the_same_key_at_three_instances_at_once_then_one_call_and_two_replays(
    migrated: AsyncEngine, instances: list[Instance]
) -> None:
    async def at_all(key: str) -> list[StoredAnswer]:
        return await asyncio.gather(*(x.create(key) for x in instances))

    answers: list[list[StoredAnswer]] = []
    for begin in range(0, TIMES, AT_ONCE):
        keys = map(str, range(begin, begin + AT_ONCE))
        answers += await asyncio.gather(*map(at_all, keys))
    for of_key in answers:
        assert len({x.text for x in of_key}) == 1
        assert sorted(x.replayed for x in of_key) == [False, True, True]
    async with reading(migrated) as connection:
        ids = (await connection.execute(select(stored_calls.c.id))).scalars().all()
    placed = [call_id for x in instances for call_id in x.placed]
    assert sorted(placed) == sorted(ids) == sorted(x[0].text for x in answers)


async def test_given_a_change_under_way_elsewhere_then_the_same_request_waits_for_its_answer(
    instances: list[Instance],
) -> None:
    request = IdempotentRequest("verba/key", "key", lambda: b"same")
    begun, goes_on, times = asyncio.Event(), asyncio.Event(), 0

    async def change() -> StoredAnswer:
        nonlocal times
        times += 1
        begun.set()
        await goes_on.wait()
        return StoredAnswer(200, "done")

    first = asyncio.ensure_future(instances[0].keyed.once_begun(request, change, lambda _: False))
    await begun.wait()
    others = [
        asyncio.ensure_future(x.keyed.once_begun(request, change, lambda _: False))
        for x in instances[1:]
    ]
    other = IdempotentRequest("verba/key", "key", lambda: b"another")
    with pytest.raises(UapiError, match="another request"):
        await instances[1].keyed.once_begun(other, change, lambda _: False)
    goes_on.set()
    answers = await asyncio.gather(first, *others)
    assert [(x.text, x.replayed) for x in answers] == [
        ("done", False),
        ("done", True),
        ("done", True),
    ]
    assert times == 1


async def test_given_an_instance_that_died_in_a_change_then_the_same_request_is_refused(
    migrated: AsyncEngine, queue: WriteQueue
) -> None:
    request = IdempotentRequest("verba/key", "key", lambda: b"same")

    async def dies() -> StoredAnswer:
        raise StorageUnavailable("killed")

    with pytest.raises(StorageUnavailable):
        await Instance(migrated, queue).keyed.once_begun(request, dies, lambda _: False)
    with pytest.raises(UapiError, match="at another instance") as refused:
        await Instance(migrated, queue, 0.2).keyed.once_begun(request, dies, lambda _: False)
    assert refused.value.status == 409


async def test_given_a_takeover_then_the_new_holder_gives_the_answer_of_the_old_one(
    migrated: AsyncEngine, instances: list[Instance]
) -> None:
    first = await instances[0].create("key")
    again = [await x.create("key") for x in instances]
    assert [(x.text, x.replayed) for x in again] == [(first.text, True)] * INSTANCES


class LosesAnswer:
    """A writer whose connection breaks in its first commit. It takes back what it must `later`."""

    def __init__(self, queue: WriteQueue) -> None:
        self._queue = queue
        self._loses = True
        self.later: list[tuple[Write, ...]] = []

    @property
    def waiting(self) -> int:
        return 0

    async def submit(self, *writes: Write, within_s: float | None = None) -> Counts:
        counts = await self._queue.submit(*writes)
        if self._loses:
            self._loses = False
            raise StorageUnavailable("the connection broke", outcome_unknown=True)
        return counts

    def submit_later(
        self,
        *writes: Write,
        key: Hashable = None,
        final: bool = False,
        written: Callable[[], None] | None = None,
    ) -> bool:
        self.later.append(writes)
        return True

    async def caught_up(self, within_s: float | None = None) -> bool:
        """Nothing waits."""
        return True

    async def take_back(self) -> None:
        for writes in self.later:
            await self._queue.submit(*writes)


@pytest.mark.parametrize("replayed", [True, False])
async def test_given_a_commit_in_doubt_when_another_instance_has_told_it_then_it_stays(
    migrated: AsyncEngine, queue: WriteQueue, *, replayed: bool
) -> None:
    writer, request = LosesAnswer(queue), IdempotentRequest("app", "key", lambda: b"same")
    store = EventSubscriptionStore(migrated, writer, SharedNotes(lambda: None))
    made = Subscription(
        id="one",
        extension="0003*210",
        types=(EventType.HANG_UP,),
        url="https://app.example/",
        method=Method.POST,
        enabled=True,
        note="",
        secret="",
        client_id="app",
        modified_ms=1,
    )

    async def subscribe(keeper: AnswerKeeper) -> StoredAnswer:
        answer = StoredAnswer(200, "made")
        assert await store.insert(made, 9, keeper.first_write(answer), keeper.undoing_write())
        return answer

    with pytest.raises(StorageUnavailable):
        await KeyedAnswers(IdempotencyStore(migrated, writer), 5.0).once(request, subscribe)
    other = KeyedAnswers(IdempotencyStore(migrated, queue), 5.0)

    async def again(_: AnswerKeeper) -> StoredAnswer:
        return StoredAnswer(200, "made anew")

    if replayed:
        assert await other.once(request, again) == StoredAnswer(200, "made", replayed=True)
    await writer.take_back()
    assert [x.id for x in await store.load()] == (["one"] if replayed else [])
    told = await other.once(request, again)
    assert told.text == ("made" if replayed else "made anew")
