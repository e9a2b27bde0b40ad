"""`Idempotency-Key`: the same request sent twice places one call. Ours, beyond the specification.

A key belongs to the app that sent it. The first answer is kept with the accepted call, in one
transaction; the same request gets it again, marked `Idempotent-Replayed: true`; another request
with the same key is 409. A request that was refused before a call was accepted leaves no trace, so
that the key can be used again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bridge.calls.phone_call import PhoneCall
from bridge.calls.switchboard import now_ms
from bridge.http.uapi.errors import UapiError, as_uapi_error, error_body, invalid
from bridge.storage.call_store import CallStore
from bridge.storage.faults import StorageUnavailable
from bridge.storage.idempotency import IdempotencyConflict, IdempotencyEntry, IdempotencyStore

KEY_MAX_CHARS = 255


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    replayed: bool = False


_DOUBTFUL_MAX = 1000

Save = Callable[[PhoneCall, Answer], Awaitable[None]]
Create = Callable[[Save], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """`key` is None where the client sent none; `content` gives all that makes the request."""

    client_id: str
    key: str | None
    content: Callable[[], bytes]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content()).hexdigest()


class IdempotentCreates:
    def __init__(self, calls: CallStore, answers: IdempotencyStore) -> None:
        self._calls = calls
        self._answers = answers
        self._running: dict[tuple[str, str], asyncio.Lock] = {}
        # Of calls that were not placed and may be on disk: not to be believed until forgotten.
        self._doubtful: dict[tuple[str, str], IdempotencyEntry] = {}

    async def once(self, request: IdempotentRequest, create: Create) -> Answer:
        """The answer of `create`, or the kept one. Raises 409 idempotency_conflict."""
        if request.key is None:
            return await create(self._save_call)
        name = (request.client_id, request.key)
        lock = self._running.setdefault(name, asyncio.Lock())
        try:
            async with lock:
                return await self._keyed(request, request.key, create)
        finally:
            if not lock.locked():
                self._running.pop(name, None)

    async def _keyed(self, request: IdempotentRequest, key: str, create: Create) -> Answer:
        await self._settle_doubt((request.client_id, key))
        kept = await self._answers.find(request.client_id, key, now_ms=now_ms())
        if kept is not None:
            return _replay(request, kept)
        saved: list[PhoneCall] = []

        async def save(call: PhoneCall, answer: Answer) -> None:
            entry = IdempotencyEntry(
                request.client_id,
                key,
                request.digest,
                answer.status,
                answer.text,
                call.id,
                now_ms(),
            )
            try:
                await self._calls.accept(call, entry)
            except StorageUnavailable as why:
                if why.outcome_unknown:
                    self._doubt(entry)
                raise
            saved.append(call)

        try:
            return await create(save)
        except IdempotencyConflict as conflict:
            return _replay(request, conflict.existing)
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

    async def _save_call(self, call: PhoneCall, _: Answer) -> None:
        await self._calls.accept(call)


def key_of(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key of a request. Raises 400 idempotency_key_invalid."""
    key = headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= KEY_MAX_CHARS and key.isascii()):
        raise invalid(
            "idempotency_key_invalid",
            f"Idempotency-Key must be 1 to {KEY_MAX_CHARS} ASCII characters.",
        )
    return key


def _replay(request: IdempotentRequest, kept: IdempotencyEntry) -> Answer:
    if kept.body_hash != request.digest:
        raise UapiError(
            409,
            "idempotency_conflict",
            "This Idempotency-Key was used for another request not long ago.",
        )
    return Answer(kept.status, kept.response, replayed=True)
