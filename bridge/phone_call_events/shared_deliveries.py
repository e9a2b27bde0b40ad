"""The deliveries of an instance that shares them with others, shard by shard.

An instance makes the rows of the calls that it follows; the holder of the shard of a subscription
delivers them. It learns of them by a hint, and by a look at the database each second behind that.
While the lease of a shard cannot be renewed, nothing of the shard is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bridge.cluster.hints import Hints
from bridge.cluster.lease import Lease
from bridge.faults import StorageUnavailable
from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.delivery_hints import CHANNEL, DeliveryHints, Hint, read_payload
from bridge.phone_call_events.dispatcher import Dispatcher
from bridge.phone_call_events.shards import resource_of
from bridge.supervision.tasks import LivingTask, in_background, must_live

LOOK_S = 1.0
"""How often the holder of shards looks for events of which no hint has told it."""

HAND_OVER_S = 1.0
"""How long attempts under way may take when another instance shall have the shard. Its other
subscriptions wait meanwhile; what is broken off is sent again."""

_ANSWER_LOOKS_S = (0.1, 0.1, 0.1, 0.2, 0.3, 0.5, *(1.0,) * 12)
"""The pauses between looks for the result of an attempt that another instance makes."""


@dataclass(frozen=True, slots=True)
class _Shard:
    lease: Lease
    dispatcher: Dispatcher
    context: DeliveryContext


class SharedDeliveries:
    """Implements Deliveries and LeaseListener.

    `context`: without a lease, to read with. `context_of` gives the parts for the holder of a
    lease: what they write is fenced, and their `find` knows no subscription while the lease must
    not be used.
    """

    def __init__(
        self,
        context: DeliveryContext,
        context_of: Callable[[Lease], DeliveryContext],
        hints: Hints,
        *,
        look_s: float = LOOK_S,
        hand_over_s: float = HAND_OVER_S,
    ) -> None:
        self._context = context
        self._context_of = context_of
        self._hints = hints
        self._others = DeliveryHints(hints)
        self._look_s = look_s
        self._hand_over_s = hand_over_s
        self._shards: dict[str, _Shard] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._hinted: list[Hint] = []
        self._behind: dict[str, int] = {}
        self._look_soon = False
        self._wake = asyncio.Event()
        self._task: LivingTask | None = None

    async def start(self) -> None:
        """Deliver to the shards that are won from now on."""
        self._hints.listen(CHANNEL, self._hear)
        self._task = must_live(self._run(), "event_shards")

    async def stop(self) -> None:
        """End each worker after its attempt, or after `hand_over_s`."""
        for asking in self._asking:
            asking.cancel()
        if self._task is not None:
            await self._task.stop()
        await asyncio.gather(*(x.dispatcher.stop() for x in self._shards.values()))

    # The leases of shards

    def won(self, lease: Lease) -> None:
        """Deliver to the shard: first what waits on disk."""
        self.lost(lease)
        context = self._context_of(lease)
        dispatcher = Dispatcher(context, self._hand_over_s)
        self._shards[lease.resource] = _Shard(lease, dispatcher, context)
        self._look_now()

    def paused(self, lease: Lease) -> None:
        """The workers find no subscription any more, and end after their attempt."""

    def resumed(self, _: Lease) -> None:
        """All waiting events are still on disk."""
        self._look_now()

    def lost(self, lease: Lease) -> None:
        """Another instance may deliver already."""
        shard = self._shards.pop(lease.resource, None)
        if shard is not None:
            shard.dispatcher.abandon()

    async def hand_over(self, lease: Lease) -> None:
        """End after the attempts under way, with their results on disk."""
        shard = self._shards.get(lease.resource)
        if shard is not None and shard.lease == lease:
            await shard.dispatcher.stop()
            await shard.context.store.caught_up()

    # The events

    def waiting_since_ms(self) -> list[int]:
        """Of the shards of this instance."""
        return [x for shard in self._shards.values() for x in shard.dispatcher.waiting_since_ms()]

    def one_more(self, subscription_id: str) -> None:
        """Deliver it, or tell the instance that does."""
        dispatcher = self._dispatcher_of(subscription_id)
        if dispatcher is not None:
            dispatcher.one_more(subscription_id)
            return
        self._others.one_more(subscription_id)
        self._context.let_go(subscription_id)

    def hold(self, subscription_id: str, delivery_id: str) -> None:
        """Of another instance: it holds it once `send_once_more` tells of it."""
        if (dispatcher := self._dispatcher_of(subscription_id)) is not None:
            dispatcher.hold(subscription_id, delivery_id)

    def release(self, subscription_id: str, delivery_id: str) -> None:
        """Take back `hold`."""
        if (dispatcher := self._dispatcher_of(subscription_id)) is not None:
            dispatcher.release(subscription_id, delivery_id)

    def send_once_more(
        self, delivery: Delivery, tried: Callable[[Delivery], object] = lambda _: None
    ) -> None:
        """Send it, or have the instance send it that delivers to the subscription."""
        dispatcher = self._dispatcher_of(delivery.subscription_id)
        if dispatcher is not None:
            dispatcher.send_once_more(delivery, tried)
        else:
            task = in_background(self._sent_elsewhere(delivery, tried), "event_sent_elsewhere")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def hurry(self, subscription_id: str) -> None:
        """Try again at once, here or where the subscription is delivered to."""
        dispatcher = self._dispatcher_of(subscription_id)
        if dispatcher is not None:
            dispatcher.hurry(subscription_id)
        else:
            self._others.hurry(subscription_id)

    def drop(self, subscription_id: str) -> None:
        """Another instance that delivers to it learns of the change itself."""
        if (dispatcher := self._dispatcher_of(subscription_id)) is not None:
            dispatcher.drop(subscription_id)

    def resume(self, subscription_id: str) -> None:
        """As `drop`."""
        if (dispatcher := self._dispatcher_of(subscription_id)) is not None:
            dispatcher.resume(subscription_id)

    def forget(self, subscription_id: str) -> None:
        """As `drop`."""
        if (dispatcher := self._dispatcher_of(subscription_id)) is not None:
            dispatcher.forget(subscription_id)

    def _dispatcher_of(self, subscription_id: str) -> Dispatcher | None:
        shard = self._shards.get(resource_of(subscription_id))
        return None if shard is None else shard.dispatcher

    async def _sent_elsewhere(
        self, delivery: Delivery, tried: Callable[[Delivery], object]
    ) -> None:
        """Ask for it until it is sent; if nobody sends it in time, its holder finds it later."""
        for pause_s in _ANSWER_LOOKS_S:
            self._others.once(delivery.subscription_id, delivery.id)
            await asyncio.sleep(pause_s)
            with contextlib.suppress(StorageUnavailable):
                found = await self._context.store.find(delivery.subscription_id, delivery.id)
                if found is None:
                    return
                if found.state is not DeliveryState.WAITING:
                    tried(found)
                    return

    # The events of other instances

    def _hear(self, payload: str) -> None:
        if not payload:
            self._look_now()
            return
        for hint in read_payload(payload):
            shard = self._shards.get(resource_of(hint.subscription_id))
            if shard is None:
                continue
            if hint.once or shard.context.find(hint.subscription_id) is None:
                self._hinted.append(hint)
                self._wake.set()
            else:
                _tell(shard.dispatcher, hint)

    def _look_now(self) -> None:
        self._look_soon = True
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due_s):
                    await self._wake.wait()
            self._wake.clear()
            hinted, self._hinted = self._hinted, []
            # If the database does not answer, the next look finds the same.
            with contextlib.suppress(StorageUnavailable):
                if hinted:
                    await self._take_up(hinted)
                if self._look_soon or loop.time() >= due_s:
                    self._look_soon, due_s = False, loop.time() + self._look_s
                    await self._look()

    async def _take_up(self, hinted: Sequence[Hint]) -> None:
        """Events of subscriptions that were unknown here, and those to be sent a single time."""
        await self._know({x.subscription_id for x in hinted})
        for hint in hinted:
            shard = self._shards.get(resource_of(hint.subscription_id))
            if shard is None:
                continue
            if not hint.once:
                _tell(shard.dispatcher, hint)
            elif found := await shard.context.store.find(hint.subscription_id, hint.once):
                _send_once(shard.dispatcher, found)

    async def _look(self) -> None:
        if not self._shards:
            return
        firsts = await self._context.store.first_waiting()
        own = {x: first for x, first in firsts.items() if self._dispatcher_of(x) is not None}
        await self._know(own.keys())
        behind: dict[str, int] = {}
        for subscription_id, first in own.items():
            dispatcher = self._dispatcher_of(subscription_id)
            if dispatcher is None:
                continue
            if dispatcher.is_past(subscription_id, first):
                behind[subscription_id] = first
            dispatcher.look(subscription_id)
        # One that still waits at the second look was not delivered a moment ago.
        before, self._behind = self._behind, behind
        for subscription_id, first in behind.items():
            if before.get(subscription_id) == first:
                await self._send_behind(subscription_id, first)

    async def _send_behind(self, subscription_id: str, sequence: int) -> None:
        """An app wanted it once more, and no hint has told so."""
        shard = self._shards.get(resource_of(subscription_id))
        if shard is None:
            return
        if not await shard.context.store.caught_up():
            return  # it may be delivered: its result waits in memory
        for delivery in await shard.context.store.waiting(subscription_id, sequence - 1, 1):
            if delivery.sequence == sequence:
                _send_once(shard.dispatcher, delivery)

    async def _know(self, ids: Collection[str]) -> None:
        unknown = [x for x in ids if self._context.find(x) is None]
        if unknown:
            await self._context.know(unknown)


def _tell(dispatcher: Dispatcher, hint: Hint) -> None:
    if hint.hurry:
        dispatcher.hurry(hint.subscription_id)
    for _ in range(hint.more):
        dispatcher.one_more(hint.subscription_id)


def _send_once(dispatcher: Dispatcher, delivery: Delivery) -> None:
    if delivery.state is DeliveryState.WAITING and not dispatcher.has(delivery):
        dispatcher.hold(delivery.subscription_id, delivery.id)
        dispatcher.send_once_more(delivery)
