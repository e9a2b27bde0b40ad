"""Creates with an `Idempotency-Key`: the answer is on disk with the call, before it is dialled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_store import CallStore
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

    def __init__(self, calls: CallStore, answers: KeyedAnswers) -> None:
        self._calls = calls
        self._answers = answers

    async def once(self, request: IdempotentRequest, create: Create) -> StoredAnswer:
        """The answer of `create`, or the kept one. Raises 409 idempotency_conflict."""

        async def run(keeper: AnswerKeeper) -> StoredAnswer:
            async def save(calls: Sequence[PhoneCall], answer: StoredAnswer) -> None:
                entry = keeper.make_entry(answer, calls[0].id)
                await self._calls.accept(calls[0], entry, others=calls[1:])
                keeper.stored = True

            return await create(save)

        return await self._answers.once(request, run)
