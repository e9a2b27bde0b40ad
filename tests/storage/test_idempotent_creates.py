"""A key whose first request ended in a commit of which nobody knows the outcome."""

from __future__ import annotations

import pytest

from bridge.calls.phone_call import PhoneCall
from bridge.http.uapi.idempotency import Answer, IdempotentCreates, IdempotentRequest, Save
from bridge.storage.call_store import CallStore
from bridge.storage.faults import StorageUnavailable
from bridge.storage.idempotency import IdempotencyEntry, IdempotencyStore
from bridge.storage.write_queue import WriteQueue

from .phone_calls import live_call

REQUEST = IdempotentRequest("app", "key", lambda: b"the same")


async def test_given_an_unknown_outcome_when_asked_again_then_it_is_no_replay_of_nothing(
    store: CallStore,
    idempotency: IdempotencyStore,
    queue: WriteQueue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    creates = IdempotentCreates(store, idempotency)
    accept = store.accept
    placed: list[PhoneCall] = []

    async def committed_and_lost(call: PhoneCall, entry: IdempotencyEntry | None = None) -> None:
        await accept(call, entry)
        raise StorageUnavailable("the connection broke", outcome_unknown=True)

    async def create(save: Save) -> Answer:
        call = live_call()
        answer = Answer(202, f'[{{"id": "{call.id}"}}]')
        await save(call, answer)
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
