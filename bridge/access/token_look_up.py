"""A look into the database for tokens that another instance has issued.

A stranger who sends random tokens must not make the database busy. So one query at a time asks for
all tokens that wait. A pause follows a query that did not find each, and the places are few.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

from bridge.access.stored_token import StoredToken
from bridge.faults import StorageUnavailable
from bridge.supervision.tasks import in_background

WAITING_MAX = 200
WAITING_PER_ADDRESS_MAX = 100
"""Behind a proxy all clients have one address. So half of the places is not less than they need."""

AT_ONCE = 100
PAUSE_S = 0.02
"""After a query that did not find each token: at most 50 such queries a second."""

UNKNOWN_S = 2.0
UNKNOWN_MAX = 10_000

Find = Callable[[Collection[str]], Awaitable[Iterable[StoredToken]]]
"""The stored tokens of these hashes. Raises StorageUnavailable."""


class TooManyLookUps(StorageUnavailable):
    """So many unknown tokens wait that nobody can say whether one more is valid."""


@dataclass(eq=False, slots=True)
class _Waiting:
    token_hash: str
    answer: asyncio.Future[StoredToken | None]


class TokenLookUp:
    """`clock` in seconds, monotonic."""

    def __init__(self, find: Find, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._unknown_until_s: OrderedDict[str, float] = OrderedDict()
        self._waiting: list[_Waiting] = []
        self._places: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    async def find(self, token_hash: str, address: str) -> StoredToken | None:
        """The token of that hash; None if the database has none, or had none 2 s ago.

        Raises TooManyLookUps where too many wait, in all or from this address; StorageUnavailable.
        """
        if self._was_unknown(token_hash):
            return None
        if self._places.total() >= WAITING_MAX or self._places[address] >= WAITING_PER_ADDRESS_MAX:
            raise TooManyLookUps("too many unknown access tokens at once")
        self._places[address] += 1
        try:
            waiting = _Waiting(token_hash, asyncio.get_running_loop().create_future())
            self._waiting.append(waiting)
            if self._task is None or self._task.done():
                self._task = in_background(self._ask(), "token_look_up")
            return await waiting.answer
        finally:
            self._places[address] -= 1
            if not self._places[address]:
                del self._places[address]

    async def _ask(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            hashes = {x.token_hash for x in some if not x.answer.done()}
            try:
                found = {x.token_hash: x for x in await self._find(hashes)} if hashes else {}
            except BaseException as fault:
                why = fault if isinstance(fault, StorageUnavailable) else StorageUnavailable("")
                for each in some:
                    _answer(each, StorageUnavailable(str(why), timed_out=why.timed_out))
                if why is fault:
                    continue
                raise
            for hashed in hashes - found.keys():
                self._note_unknown(hashed)
            for each in some:
                _answer(each, found.get(each.token_hash))
            if len(found) < len(hashes):
                await asyncio.sleep(PAUSE_S)

    def _was_unknown(self, token_hash: str) -> bool:
        now_s = self._clock()
        while self._unknown_until_s:
            first = next(iter(self._unknown_until_s))
            if self._unknown_until_s[first] > now_s:
                break
            del self._unknown_until_s[first]
        return token_hash in self._unknown_until_s

    def _note_unknown(self, token_hash: str) -> None:
        self._unknown_until_s[token_hash] = self._clock() + UNKNOWN_S
        self._unknown_until_s.move_to_end(token_hash)
        if len(self._unknown_until_s) > UNKNOWN_MAX:
            self._unknown_until_s.popitem(last=False)


def _answer(waiting: _Waiting, answer: StoredToken | StorageUnavailable | None) -> None:
    if waiting.answer.done():  # its client has gone
        return
    if isinstance(answer, StorageUnavailable):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)
