"""A key whose first request ended in a commit of which nobody knows the outcome."""

from __future__ import annotations

import asyncio

import pytest

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import IdempotencyEntry, IdempotencyStore
from bridge.faults import StorageUnavailable
from bridge.http.keyed_answers import IdempotentRequest, KeyedAnswers, StoredAnswer
from bridge.http.uapi.idempotent_creates import IdempotentCreates, Save
from bridge.storage.write_queue import WriteQueue

from .phone_calls import live_call

REQUEST = IdempotentRequest("app", "key", lambda: b"the same")


async def test_given_an_unknown_outcome_when_asked_again_then_it_is_no_replay_of_nothing(
    store: CallStore,
    idempotency: IdempotencyStore,
    queue: WriteQueue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    creates = IdempotentCreates(store, KeyedAnswers(idempotency), idempotency)
    accept = store.accept
    placed: list[PhoneCall] = []

    async def committed_and_lost(
        call: PhoneCall, entry: IdempotencyEntry | None = None, **_: object
    ) -> None:
        await accept(call, entry)
        raise StorageUnavailable("the connection broke", outcome_unknown=True)

    async def create(save: Save) -> StoredAnswer:
        call = live_call()
        answer = StoredAnswer(202, f'[{{"id": "{call.id}"}}]')
        await save([call], answer)
        placed.append(call)
        return answer

    def lost(*_: object, **__: object) -> None:
        pass

    with monkeypatch.context() as patch:
        patch.setattr(store, "accept", committed_and_lost)
        with pytest.raises(StorageUnavailable):
            await creates.once(REQUEST, create)
        patch.setattr(queue, "submit_later", lost)  # as where too many wait
        with pytest.raises(StorageUnavailable):
            await creates.once(REQUEST, create)
    first = await creates.once(REQUEST, create)
    again = await creates.once(REQUEST, create)
    assert len(placed) == 1
    assert (first.replayed, again.replayed) == (False, True)
    assert placed[0].id in again.text


async def test_given_a_call_stored_too_late_then_its_key_is_free_again(
    store: CallStore, idempotency: IdempotencyStore
) -> None:
    creates = IdempotentCreates(store, KeyedAnswers(idempotency), idempotency)
    too_late = [True, False]

    async def create(save: Save) -> StoredAnswer:
        answer = StoredAnswer(202, "[]")
        await save([live_call()], answer)
        if too_late.pop(0):
            raise StorageUnavailable("not stored in time", outcome_unknown=True)
        return answer

    with pytest.raises(StorageUnavailable):
        await creates.once(REQUEST, create)
    assert not (await creates.once(REQUEST, create)).replayed
    assert (await creates.once(REQUEST, create)).replayed


async def test_given_three_requests_of_one_key_then_never_two_run_at_once(
    store: CallStore, idempotency: IdempotencyStore
) -> None:
    """Also in the very moment in which the lock changes hands."""
    creates = IdempotentCreates(store, KeyedAnswers(idempotency), idempotency)
    running: list[int] = []
    most = 0

    async def refused(_: Save) -> StoredAnswer:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        await asyncio.sleep(0.02)  # others try to run meanwhile
        running.pop()
        raise RuntimeError("refused")

    first, second = (asyncio.ensure_future(creates.once(REQUEST, refused)) for _ in range(2))
    await asyncio.sleep(0)  # the first runs, the second waits

    async def third() -> None:
        await asyncio.wait({first})
        await creates.once(REQUEST, refused)

    await asyncio.gather(first, second, third(), return_exceptions=True)
    assert most == 1
