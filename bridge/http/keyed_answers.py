"""`Idempotency-Key`: the same request sent twice is carried out once. Ours, beyond the
specification.

A key belongs to the app that sent it. The first answer is kept in the transaction of the change.
The same request gets it again, marked `Idempotent-Replayed: true`; another request with the same
key is 409. A request that was refused before it changed anything leaves no trace, so that the key
can be used again.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from bridge.calls.pbx import PbxUnavailable
from bridge.calls.store.idempotency_store import (
    BEGUN,
    IdempotencyConflict,
    IdempotencyEntry,
    IdempotencyStore,
)
from bridge.clock import now_ms
from bridge.faults import Fenced, StorageUnavailable
from bridge.http.errors import UapiError, error_body, invalid
from bridge.http.uapi.errors import as_uapi_error
from bridge.keyed_locks import KeyedLocks
from bridge.storage.statement import StoppedByGuard, Write

log = structlog.get_logger()

KEY_MAX_CHARS = 255
REPLAYED = {"Idempotent-Replayed": "true"}
"""The header of an answer that is given once more."""

OTHERS_S = 5.0
"""So long a request waits for the same one at another instance."""

_OTHERS_AGAIN_S = 0.05
_OTHERS_TRIED = 3
_DOUBTFUL_MAX = 1000
_ENTRY_ID_BYTES = 9
_UNTOLD, _TOLD = "u-", "t-"
"""How the id of an entry that is not of a call begins: nobody, or somebody, got a replay of it."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as stored. `replayed`: the key had this answer already."""

    status: int
    text: str
    replayed: bool = False


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


class AnswerKeeper:
    """Makes the rows that keep the answer of a request at its first run."""

    def __init__(
        self, request: IdempotentRequest, answers: IdempotencyStore, now_ms: Callable[[], int]
    ) -> None:
        self._request = request
        self._answers = answers
        self._now_ms = now_ms
        self._entry: IdempotencyEntry | None = None
        self.stored = False

    @property
    def entry(self) -> IdempotencyEntry | None:
        """The row that was made last; None without a key, and before the answer is known."""
        return self._entry

    def make_entry(self, answer: StoredAnswer, call_id: str = "") -> IdempotencyEntry | None:
        """The row that keeps the answer, None without a key.

        `call_id`: of the call that the request placed.
        """
        request = self._request
        if request.key is not None:
            self._entry = IdempotencyEntry(
                request.client_id,
                request.key,
                request.digest,
                answer.status,
                answer.text,
                call_id or f"{_UNTOLD}{secrets.token_hex(_ENTRY_ID_BYTES)}",
                self._now_ms(),
            )
        return self._entry

    def first_write(self, answer: StoredAnswer) -> Write | None:
        """The write to be put before those of the change, in one group; None without a key."""
        entry = self.make_entry(answer)
        return None if entry is None else self._answers.insert(entry)

    def undoing_write(self) -> Write | None:
        """To be put before the writes that take the change back, in one group.

        They are left out where the answer is not on disk, or another instance has given it to
        somebody meanwhile. None without a key, and before `first_write`.
        """
        return None if self._entry is None else self._answers.forgetting(self._entry, guard=True)


Run = Callable[[AnswerKeeper], Awaitable[StoredAnswer]]


class KeyedAnswers:
    """Runs a request once per idempotency key, and replays its answer.

    `others_s`: how long the same request may run at other instances; 0: there are none. `now_ms`:
    the clock of all instances.
    """

    def __init__(
        self,
        answers: IdempotencyStore,
        others_s: float = 0.0,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._answers = answers
        self._others_s = others_s
        self._now_ms = now_ms
        self._running = KeyedLocks()
        # Of changes that were not made and may be on disk: not to be believed until forgotten.
        self._doubtful: dict[tuple[str, str], IdempotencyEntry] = {}

    async def once(self, request: IdempotentRequest, run: Run) -> StoredAnswer:
        """The answer of `run`, or the kept one. Raises 409 idempotency_conflict.

        `run` stores its answer in the transaction of its change. A second request with the key
        waits for the first.
        """
        keeper = AnswerKeeper(request, self._answers, self._now_ms)
        if request.key is None:
            return await run(keeper)
        async with self._running.of((request.client_id, request.key)):
            for _ in range(_OTHERS_TRIED):
                kept = await self._kept(request, request.key)
                if kept is not None:
                    return kept
                try:
                    return await self._first(request, keeper, run)
                except StoppedByGuard:  # of another instance, between our look and our write
                    continue
        raise _conflict()

    async def once_begun(
        self,
        request: IdempotentRequest,
        run: Callable[[], Awaitable[StoredAnswer]],
        changed_nothing: Callable[[Exception], bool],
    ) -> StoredAnswer:
        """As `once`, for a change that is more than one transaction.

        The key is on disk before `run` begins. If the service dies meanwhile, the same request is
        never carried out again: it is 409, because nobody knows how far the first one came.
        `changed_nothing`: whether the key is free again after this fault.
        """
        if request.key is None:
            return await run()
        async with self._running.of((request.client_id, request.key)):
            entry = AnswerKeeper(request, self._answers, self._now_ms).make_entry(
                StoredAnswer(BEGUN, "")
            )
            assert entry is not None  # noqa: S101 - there is a key
            kept = await self._kept(request, request.key)
            if kept is None and not await self._begin(entry):
                kept = await self._kept(request, request.key)
                if kept is None:  # it was free again at once
                    raise _conflict()
            if kept is not None:
                return kept
            try:
                answer = await run()
            except Exception as fault:
                if changed_nothing(fault):
                    await self._free(entry)
                raise
            await self._complete(entry, answer)
            return answer

    async def _begin(self, entry: IdempotencyEntry) -> bool:
        """False where another instance was first, between our look and our write."""
        try:
            await self._answers.begin(entry)
            return True
        except StoppedByGuard:
            return False
        except StorageUnavailable:
            self._doubt(entry)
            raise

    async def _free(self, entry: IdempotencyEntry) -> None:
        try:
            await self._answers.forget(entry)
        except StorageUnavailable:
            self._doubt(entry)

    async def _complete(self, entry: IdempotencyEntry, answer: StoredAnswer) -> None:
        """Its client gets the answer in any case: the change is made."""
        try:
            await self._answers.replace_answer(
                entry.client_id, entry.key, answer.status, answer.text
            )
        except StorageUnavailable as why:
            log.warning("idempotent_answer_not_kept", why=str(why))

    async def _kept(self, request: IdempotentRequest, key: str) -> StoredAnswer | None:
        await self._settle_doubt((request.client_id, key))
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._others_s
        while True:
            kept = await self._answers.find(request.client_id, key, now_ms=self._now_ms())
            if kept is None:
                return None
            # With one instance nothing runs here: the lock of the key is ours.
            if kept.status != BEGUN or kept.body_hash != request.digest or loop.time() >= until_s:
                answer = self._replay(request, kept)
                if await self._may_tell(kept):
                    return answer
            await asyncio.sleep(_OTHERS_AGAIN_S)

    async def _may_tell(self, kept: IdempotencyEntry) -> bool:
        """Of several instances: whether the change stays, though its instance may doubt it.

        An instance whose connection broke in the commit takes its change back. From here on it
        cannot. The change of a create is its call, whose record frees the key.
        """
        entry_id = kept.call_id or ""
        if not self._others_s or not entry_id.startswith(_UNTOLD):
            return True
        return await self._answers.rename(kept, _TOLD + entry_id.removeprefix(_UNTOLD))

    async def _first(
        self, request: IdempotentRequest, keeper: AnswerKeeper, run: Run
    ) -> StoredAnswer:
        try:
            return await run(keeper)
        except IdempotencyConflict as conflict:
            return self._replay(request, conflict.existing)
        except StorageUnavailable as why:
            # Stored too late, or perhaps stored: nothing was done, so that the key is free again.
            if keeper.entry is not None and (keeper.stored or why.outcome_unknown):
                self._doubt(keeper.entry)
            raise
        except (PbxUnavailable, Fenced):
            # The link or the lease went before anything was sent: nothing was done, as above.
            if keeper.entry is not None and keeper.stored:
                await self._free(keeper.entry)
            raise
        except Exception as fault:
            error, entry = as_uapi_error(fault), keeper.entry
            if keeper.stored and entry is not None and error is not None:
                text = error_body(error.code, error.message)
                await self._answers.replace_answer(entry.client_id, entry.key, error.status, text)
            raise

    def _replay(self, request: IdempotentRequest, kept: IdempotencyEntry) -> StoredAnswer:
        if kept.body_hash != request.digest:
            raise _conflict()
        if kept.status == BEGUN:
            elsewhere = ", or still runs at another instance" if self._others_s else ""
            raise UapiError(
                409,
                "idempotency_conflict",
                f"The first request with this Idempotency-Key was broken off{elsewhere}. "
                "It may have been carried out. Look what there is, and use another key.",
            )
        return StoredAnswer(kept.status, kept.response, replayed=True)

    def _doubt(self, entry: IdempotencyEntry) -> None:
        while len(self._doubtful) >= _DOUBTFUL_MAX:
            del self._doubtful[next(iter(self._doubtful))]
        self._doubtful[entry.client_id, entry.key] = entry
        self._answers.forget_later(entry)

    async def _settle_doubt(self, name: tuple[str, str]) -> None:
        """After what takes the change back, which waits for the commit in doubt to be over.

        Raises StorageUnavailable.
        """
        entry = self._doubtful.get(name)
        if entry is not None:
            await self._answers.forget(entry)
            self._doubtful.pop(name, None)


def idempotency_key_of(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key of a request. Raises 400 idempotency_key_invalid."""
    key = headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= KEY_MAX_CHARS and key.isascii()):
        raise invalid(
            "idempotency_key_invalid",
            f"Idempotency-Key must be 1 to {KEY_MAX_CHARS} ASCII characters.",
        )
    return key


def _conflict() -> UapiError:
    return UapiError(
        409,
        "idempotency_conflict",
        "This Idempotency-Key was used for another request not long ago.",
    )
