"""Creates with an `Idempotency-Key`: the answer is on disk with the call, before it is dialled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bridge.calls.call_records import Companions
from bridge.calls.live.change import Change
from bridge.calls.placing import NOT_STORED_IN_TIME
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import IdempotencyEntry, IdempotencyStore
from bridge.http.keyed_answers import (
    AnswerKeeper,
    IdempotentRequest,
    KeyedAnswers,
    StoredAnswer,
)

Save = Callable[[Sequence[PhoneCall], StoredAnswer], Awaitable[None]]
Create = Callable[[Save], Awaitable[StoredAnswer]]


class IdempotentCreates:
    """Runs a create once per idempotency key, and replays its answer."""

    def __init__(self, calls: CallStore, answers: KeyedAnswers, entries: IdempotencyStore) -> None:
        self._calls = calls
        self._answers = answers
        self._entries = entries
        self._running: dict[str, IdempotencyEntry] = {}  # by the id of the call that each placed

    async def once(self, request: IdempotentRequest, create: Create) -> StoredAnswer:
        """The answer of `create`, or the kept one. Raises 409 idempotency_conflict."""

        async def run(keeper: AnswerKeeper) -> StoredAnswer:
            async def save(calls: Sequence[PhoneCall], answer: StoredAnswer) -> None:
                entry = keeper.make_entry(answer, calls[0].id)
                if entry is not None:
                    self._running[calls[0].id] = entry
                await self._calls.accept(calls[0], entry, others=calls[1:])
                keeper.stored = True

            try:
                return await create(save)
            finally:
                if keeper.entry is not None:
                    self._running.pop(keeper.entry.call_id or "", None)

        return await self._answers.once(request, run)

    def of_change(self, change: Change) -> Companions | None:
        """The key is free again in the transaction that says that its call was not placed.

        So no other instance, and none after a restart, gives the answer of a call that was not.
        None for nearly all changes.
        """
        final = change.after.final
        if final is None or final.reason != NOT_STORED_IN_TIME:
            return None
        entry = self._running.get(change.after.id)
        return None if entry is None else Companions([self._entries.forgetting(entry)], _nothing)


def _nothing() -> None:
    pass
