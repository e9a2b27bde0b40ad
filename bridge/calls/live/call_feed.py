"""The changes of calls, in order, for those that follow them; the newest are kept for a while.

A follower that comes back after a short break gets what it missed, as long as that is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Collection, Iterator

from bridge.calls.live.change import Change
from bridge.calls.state.event_dataclass import frozen
from bridge.calls.state.phone_call import PhoneCall
from bridge.clock import now_ms

KEPT = 10_000
"""Changes: a minute at the highest rate of calls that was measured, hours of an office."""
WAITING_MAX = 1_000
"""Changes that one follower may be behind: it does not read, and is dropped."""


@frozen
class FeedPosition:
    """A place in the feed: after the change `number` of the feed that began at `began_ms`.

    `at_ms`: the wall clock at that change.
    """

    began_ms: int
    number: int
    at_ms: int


@frozen
class FedChange:
    """One change of one call. `before` is None where this is its first one.

    `began_ms`, `number`, `at_ms`: its `position`, which is made for readers alone.
    """

    began_ms: int
    number: int
    at_ms: int
    before: PhoneCall | None
    after: PhoneCall

    @property
    def position(self) -> FeedPosition:
        """The place after this change."""
        return FeedPosition(self.began_ms, self.number, self.at_ms)

    def of(self, extensions: Collection[str]) -> bool:
        """Whether the call has, or had, to do with one of these extensions."""
        before = self.before.extensions if self.before is not None else frozenset()
        return not (self.after.extensions | before).isdisjoint(extensions)


class Follower:
    """One that follows the calls of some extensions.

    `ended`: nothing more comes: the service stops, or the follower is `too_slow`.
    """

    def __init__(self, extensions: frozenset[str]) -> None:
        self.extensions = extensions
        self.ended = False
        self.too_slow = False
        self._waiting: deque[FedChange] = deque()
        self._not_before_s = 0.0  # of the loop's clock: until then changes are gathered
        self._woken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def news(self, time_limit_s: float, gathered_s: float = 0.0) -> list[FedChange]:
        """The changes since last time; waits for one until the time limit, or until it has
        ended.

        Those of the next `gathered_s` are kept together for the next time.
        """
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if not self.ended and (not self._waiting or now_s < self._not_before_s):
            await self._wake_up(self._not_before_s if self._waiting else now_s + time_limit_s)
        taken = list(self._waiting)
        self._waiting.clear()
        if taken:
            self._not_before_s = loop.time() + gathered_s
        return taken

    async def _wake_up(self, at_s: float) -> None:
        """At that moment, or earlier: one wake-up for all changes that were gathered."""
        self._woken = asyncio.get_running_loop().create_future()
        self._wake_at(at_s)
        try:
            await self._woken
        finally:
            self._woken = None
            if self._timer is not None:
                self._timer.cancel()

    def _wake_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at_s, self._wake)

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def put(self, change: FedChange) -> None:
        """Let it have this change. One that is too far behind has ended."""
        if len(self._waiting) >= WAITING_MAX:
            self.too_slow = True
            self.end()
            return
        self._waiting.append(change)
        if self._woken is None or len(self._waiting) > 1:
            return
        if asyncio.get_running_loop().time() < self._not_before_s:
            self._wake_at(self._not_before_s)
        else:
            self._wake()

    def end(self) -> None:
        """Wake it for the last time."""
        self.ended = True
        self._wake()


class CallFeed:
    """Made an observer of the switchboard by `note`. Nothing here waits for a follower."""

    def __init__(self, kept: int = KEPT) -> None:
        self._began_ms = self._at_ms = now_ms()
        self._number = 0  # of the newest change, and `_at_ms` its moment
        self._kept: deque[FedChange] = deque(maxlen=kept)
        self._followers: defaultdict[str, dict[Follower, None]] = defaultdict(dict)
        self._told: set[str] = set()  # ids of live calls of which a change was told
        self._closed = False

    @property
    def position(self) -> FeedPosition:
        """The place after the newest change."""
        return FeedPosition(self._began_ms, self._number, self._at_ms)

    def note(self, change: Change) -> None:
        """Keep the change, and give it to all followers of its extensions, once to each."""
        self._number += 1
        self._at_ms = now_ms()
        before = self._fed_before(change)
        fed = FedChange(self._began_ms, self._number, self._at_ms, before, change.after)
        self._kept.append(fed)
        if not self._followers:
            return
        extensions = set(change.after.extensions)
        if change.before is not None:
            extensions |= change.before.extensions
        meant: dict[Follower, None] = {}
        for extension in extensions:
            meant.update(self._followers.get(extension, {}))
        for follower in meant:
            follower.put(fed)

    def _fed_before(self, change: Change) -> PhoneCall | None:
        """A call is accepted before its first change; no reader can have heard of it by then."""
        before, after, told = change.before, change.after, self._told
        if before is None:
            known = False
        elif before.id == after.id and after.final is None:  # as nearly always
            known = before.id in told
        else:
            known = before.id in told
            told.discard(before.id)
        if after.final is None:
            told.add(after.id)
        return before if known else None

    def since(self, position: FeedPosition) -> list[FedChange] | None:
        """The changes after `position`, oldest first; None if they are not kept any more."""
        missed = self._number - position.number
        if position.began_ms != self._began_ms or not 0 <= missed <= len(self._kept):
            return None
        return list(self._kept)[len(self._kept) - missed :]

    def ended_since(self, at_ms: int) -> list[PhoneCall]:
        """The calls that have ended at `at_ms` or later, of those whose change is kept."""
        return [
            x.after
            for x in self._kept
            if x.after.final is not None and x.after.final.at_ms >= at_ms
        ]

    @contextlib.contextmanager
    def followed(self, extensions: Collection[str]) -> Iterator[Follower]:
        """Follow the calls of these extensions until the block ends."""
        follower = Follower(frozenset(extensions))
        for extension in follower.extensions:
            self._followers[extension][follower] = None
        if self._closed:
            follower.end()
        try:
            yield follower
        finally:
            for extension in follower.extensions:
                self._followers[extension].pop(follower, None)
                if not self._followers[extension]:
                    del self._followers[extension]

    def close(self) -> None:
        """End every follower: the service stops."""
        self._closed = True
        for followers in list(self._followers.values()):
            for follower in list(followers):
                follower.end()
