"""All deliveries: a worker for each subscription that has something to deliver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import structlog

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.delivery_worker import DeliveryWorker
from bridge.supervision.tasks import in_background

log = structlog.get_logger()

_PAUSE_AFTER_FAULT_S = 5.0


class Dispatcher:
    """A receiver that is slow or dead holds up its own subscription only.

    `stop_timeout_s`: how long attempts under way may take at the end.
    """

    def __init__(self, context: DeliveryContext, stop_timeout_s: float) -> None:
        self._context = context
        self._stop_timeout_s = stop_timeout_s
        self._workers: dict[str, DeliveryWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def start(self) -> None:
        """Take up what was not delivered when the service last ran. Raises StorageUnavailable."""
        for subscription_id in await self._context.store.subscriptions_waiting():
            self.one_more(subscription_id)

    async def stop(self) -> None:
        """End each worker after its attempt; cancel those that still run after `stop_timeout_s`."""
        self._stopping = True
        for worker in self._workers.values():
            worker.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=self._stop_timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def abandon(self) -> None:
        """Another instance delivers from now on: stop at once, and record nothing more.

        An attempt under way is broken off. Nobody knows whether its event arrived, so the other
        instance sends it again.
        """
        self._stopping = True
        for task in self._tasks.values():
            task.cancel()
        for subscription_id in self._workers:
            self._context.let_go(subscription_id)

    def waiting_since_ms(self) -> list[int]:
        """When the oldest event occurred that waits, of each subscription that has one."""
        return [
            x.waiting_since_ms for x in self._workers.values() if x.waiting_since_ms is not None
        ]

    def one_more(self, subscription_id: str) -> None:
        """An event of that subscription has been written."""
        if self._context.find(subscription_id) is None:
            return  # deleted or disabled meanwhile, and with it what waited
        self._worker(subscription_id).one_more()
        self._work(subscription_id)

    def hold(self, subscription_id: str, delivery_id: str) -> None:
        """It is about to wait on disk, to be sent a single time by `send_once_more`."""
        self._worker(subscription_id).hold(delivery_id)

    def release(self, subscription_id: str, delivery_id: str) -> None:
        """Take back `hold`: it will not be sent by `send_once_more`."""
        worker = self._workers.get(subscription_id)
        if worker is not None:  # the subscription may be deleted meanwhile
            worker.release(delivery_id)

    def send_once_more(
        self, delivery: Delivery, tried: Callable[[Delivery], object] = lambda _: None
    ) -> None:
        """Send this one, which is held, a single time; `tried` is told what became of it."""
        self._worker(delivery.subscription_id).send_once_more(delivery, tried)
        self._work(delivery.subscription_id)

    def hurry(self, subscription_id: str) -> None:
        """The subscription has changed: try again at once what waits for a later time."""
        if subscription_id in self._tasks:
            self._workers[subscription_id].hurry()

    def drop(self, subscription_id: str) -> None:
        """The subscription is disabled, and what waited for it is given up on disk."""
        worker = self._workers.get(subscription_id)
        if worker is not None:
            worker.drop()

    def resume(self, subscription_id: str) -> None:
        """The subscription was suspended, and is in force again."""
        self._worker(subscription_id).read_again()
        self._work(subscription_id)

    def look(self, subscription_id: str) -> None:
        """Something of it waits on disk, of which its worker need not have been told."""
        if self._context.find(subscription_id) is not None:
            self._worker(subscription_id).look_again()
            self._work(subscription_id)

    def has(self, delivery: Delivery) -> bool:
        """Whether it is in memory: to be sent next, or a single time."""
        worker = self._workers.get(delivery.subscription_id)
        return worker is not None and worker.has(delivery.id)

    def is_past(self, subscription_id: str, sequence: int) -> bool:
        """Whether it reads no event of that number any more."""
        worker = self._workers.get(subscription_id)
        return worker is not None and worker.is_past(sequence)

    def forget(self, subscription_id: str) -> None:
        """The subscription is deleted."""
        worker = self._workers.pop(subscription_id, None)
        if worker is not None:
            worker.forget()

    def _worker(self, subscription_id: str) -> DeliveryWorker:
        worker = self._workers.get(subscription_id)
        if worker is None:
            worker = self._workers[subscription_id] = DeliveryWorker(subscription_id, self._context)
        return worker

    def _work(self, subscription_id: str) -> None:
        if subscription_id in self._tasks or self._stopping:
            return
        task = in_background(self._run(self._workers[subscription_id].run()), "event_deliveries")
        self._tasks[subscription_id] = task
        task.add_done_callback(lambda _: self._ended(subscription_id))

    async def _run(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("subscription_deliveries_failed")
            await asyncio.sleep(_PAUSE_AFTER_FAULT_S)

    def _ended(self, subscription_id: str) -> None:
        del self._tasks[subscription_id]
        worker = self._workers.get(subscription_id)
        if worker is None:
            return
        subscription = self._context.find(subscription_id)
        if worker.idle and subscription is not None and subscription.call_id is not None:
            # Until its results are on disk: a new worker would send again what waits there.
            runs = worker.runs
            self._context.store.once_recorded(lambda: self._let_go(subscription_id, worker, runs))
        elif not worker.idle and subscription is not None:
            self._work(subscription_id)

    def _let_go(self, receiver_id: str, worker: DeliveryWorker, runs: int) -> None:
        """Of a receiver of one call nothing stays in memory. Results of a later run may wait."""
        same = self._workers.get(receiver_id) is worker and worker.runs == runs
        if same and worker.idle and receiver_id not in self._tasks:
            del self._workers[receiver_id]
            self._context.let_go(receiver_id)
