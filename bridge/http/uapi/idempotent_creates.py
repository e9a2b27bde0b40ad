"""`Idempotency-Key`: the same request sent twice places one call. Ours, beyond the specification.

A key belongs to the app that sent it. The first answer is kept with the accepted call, in one
transaction; the same request gets it again, marked `Idempotent-Replayed: true`; another request
with the same key is 409. A request that was refused before a call was accepted leaves no trace, so
that the key can be used again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import (
    IdempotencyConflict,
    IdempotencyEntry,
    IdempotencyStore,
)
from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.http.errors import UapiError, error_body, invalid
from bridge.http.uapi.errors import as_uapi_error
from bridge.keyed_locks import KeyedLocks

KEY_MAX_CHARS = 255


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer to a create, as stored. `replayed`: the key had this answer already."""

    status: int
    text: str
    replayed: bool = False


_DOUBTFUL_MAX = 1000

Save = Callable[[Sequence[PhoneCall], StoredAnswer], Awaitable[None]]
Create = Callable[[Save], Awaitable[StoredAnswer]]


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """`key` is None where the client sent none; `content` gives all that makes the request."""

    client_id: str
    key: str | None
    content: Callable[[], bytes]

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex: two requests with the same digest are the same
        request."""
        return hashlib.sha256(self.content()).hexdigest()


class IdempotentCreates:
    """Runs a create once per idempotency key, and replays its answer."""

    def __init__(self, calls: CallStore, answers: IdempotencyStore) -> None:
        self._calls = calls
        self._answers = answers
        self._running = KeyedLocks()
        # Of calls that were not placed and may be on disk: not to be believed until forgotten.
        self._doubtful: dict[tuple[str, str], IdempotencyEntry] = {}

    async def once(self, request: IdempotentRequest, create: Create) -> StoredAnswer:
        """The answer of `create`, or the kept one. Raises 409 idempotency_conflict."""
        if request.key is None:
            return await create(self._save_call)
        async with self._running.of((request.client_id, request.key)):
            return await self._keyed(request, request.key, create)

    async def _keyed(self, request: IdempotentRequest, key: str, create: Create) -> StoredAnswer:
        await self._settle_doubt((request.client_id, key))
        kept = await self._answers.find(request.client_id, key, now_ms=now_ms())
        if kept is not None:
            return _replay(request, kept)
        saved: list[IdempotencyEntry] = []

        async def save(calls: Sequence[PhoneCall], answer: StoredAnswer) -> None:
            entry = IdempotencyEntry(
                request.client_id,
                key,
                request.digest,
                answer.status,
                answer.text,
                calls[0].id,
                now_ms(),
            )
            try:
                await self._calls.accept(calls[0], entry, others=calls[1:])
            except StorageUnavailable as why:
                if why.outcome_unknown:
                    self._doubt(entry)
                raise
            saved.append(entry)

        try:
            return await create(save)
        except IdempotencyConflict as conflict:
            return _replay(request, conflict.existing)
        except StorageUnavailable:
            if saved:  # on disk too late, so that nothing was dialled: the key is free again
                self._doubt(saved[0])
            raise
        except Exception as fault:
            error = as_uapi_error(fault)
            if saved and error is not None:
                text = error_body(error.code, error.message)
                await self._answers.replace_answer(request.client_id, key, error.status, text)
            raise

    def _doubt(self, entry: IdempotencyEntry) -> None:
        while len(self._doubtful) >= _DOUBTFUL_MAX:
            del self._doubtful[next(iter(self._doubtful))]
        self._doubtful[entry.client_id, entry.key] = entry
        self._answers.forget_later(entry)

    async def _settle_doubt(self, name: tuple[str, str]) -> None:
        """After the call's final record, which waits for the commit in doubt to be over.

        Raises StorageUnavailable.
        """
        entry = self._doubtful.get(name)
        if entry is not None:
            await self._answers.forget(entry)
            self._doubtful.pop(name, None)

    async def _save_call(self, calls: Sequence[PhoneCall], _: StoredAnswer) -> None:
        await self._calls.accept(calls[0], others=calls[1:])


def idempotency_key_of(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key of a request. Raises 400 idempotency_key_invalid."""
    key = headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= KEY_MAX_CHARS and key.isascii()):
        raise invalid(
            "idempotency_key_invalid",
            f"Idempotency-Key must be 1 to {KEY_MAX_CHARS} ASCII characters.",
        )
    return key


def _replay(request: IdempotentRequest, kept: IdempotencyEntry) -> StoredAnswer:
    if kept.body_hash != request.digest:
        raise UapiError(
            409,
            "idempotency_conflict",
            "This Idempotency-Key was used for another request not long ago.",
        )
    return StoredAnswer(kept.status, kept.response, replayed=True)
