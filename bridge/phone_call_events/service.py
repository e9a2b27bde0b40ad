"""The subscriptions and their deliveries, as one service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.phone_call_events.call_receivers import CallReceivers
from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.dispatcher import Dispatcher
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.event_parameters import EventForm, Numbers
from bridge.phone_call_events.event_rows import EventRows
from bridge.phone_call_events.give_up_rules import TryLimits
from bridge.phone_call_events.receiver_tests import ReceiverTests, TestLimits
from bridge.phone_call_events.retry_delay import RetrySchedule
from bridge.phone_call_events.rights import Rights
from bridge.phone_call_events.sender import EventSender
from bridge.phone_call_events.sending_again import SendingAgain
from bridge.phone_call_events.shared_subscriptions import SharedSubscriptions
from bridge.phone_call_events.store.app_secret_store import AppSecretStore
from bridge.phone_call_events.store.attempt_store import AttemptStore, KeptAttempt
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.subscription import EventType, Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex
from bridge.storage.statement import Write

log = structlog.get_logger()

# Each change takes as long as the database does: behind one that hangs nobody waits for more.
_TURN_LIMIT_S = 4.0


class TooManySubscriptions(Exception):
    """The extension has as many as it may. `str()` says how many."""


@dataclass(frozen=True, slots=True)
class EventLimits:
    """`age_max_s`: for how long an event is tried, `tries`: how often. `waiting_max`: per
    subscription. `answer_limit_s`: how long to wait for the answer to a test event.
    """

    per_extension: int
    age_max_s: float
    waiting_max: int
    tries: TryLimits
    stop_timeout_s: float
    tests_per_minute: int
    answer_limit_s: float


class PhoneCallEvents:
    """`start` before the first change of a call, `stop` before the storage stops.

    Every async method may raise StorageUnavailable. Subscriptions are kept in memory too.
    `shared_by` gives the deliveries of an instance that shares them with others.
    """

    def __init__(
        self,
        subscriptions: EventSubscriptionStore,
        deliveries: EventDeliveryStore,
        attempts: AttemptStore,
        app_secrets: AppSecretStore,
        sender: EventSender,
        schedule: RetrySchedule,
        limits: EventLimits,
        directory_numbers: Numbers,
        rights: Rights,
        form: EventForm,
        *,
        shared_by: Callable[[DeliveryContext], Deliveries] | None = None,
    ) -> None:
        numbers = EventNumbers(shared=shared_by is not None)
        self._index = SubscriptionIndex()
        self._store = subscriptions
        self._deliveries = deliveries
        self._attempts = attempts
        self._limits = limits
        self._rights = rights
        self._suspended: set[str] = set()
        self._want_digits: list[Callable[[bool], None]] = []
        self._changing = asyncio.Lock()
        context = DeliveryContext(
            deliveries,
            attempts,
            sender,
            schedule,
            limits.waiting_max,
            limits.tries,
            self._in_force,
            self._gone,
            self._let_go,
            self._know,
        )
        self._dispatcher: Deliveries
        if shared_by is None:
            self._dispatcher = Dispatcher(context, limits.stop_timeout_s)
        else:
            self._dispatcher = shared_by(context)
        self.rows = EventRows(
            self._index,
            directory_numbers,
            rights,
            form,
            limits.age_max_s,
            self._dispatcher.one_more,
            numbers,
        )
        self.send_again = SendingAgain(
            deliveries, self._dispatcher, self.is_in_force, limits.age_max_s
        ).send
        self.receiver_tests = ReceiverTests(
            deliveries,
            self._dispatcher,
            numbers,
            form,
            TestLimits(limits.tests_per_minute, limits.answer_limit_s, limits.age_max_s),
        )
        self.call_receivers = CallReceivers(
            app_secrets, rights, numbers, limits.age_max_s, self._dispatcher.one_more
        )

        self.shared_subscriptions = SharedSubscriptions(
            subscriptions, self._index, self._dispatcher, self._one_at_a_time, self._tell_interest
        )

    async def start(self) -> None:
        """Load the subscriptions and go on with the events that wait on disk."""
        self._index.store_all(await self._store.load())
        self.rows.numbers.go_on_after(await self._deliveries.last_extension_sequence())
        if self.rows.numbers.shared:
            await self._deliveries.count_on()
        await self.call_receivers.start()
        self.check_rights()
        await self._dispatcher.start()

    def tell_wants_digits(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        """Tell `listener`, now and after each change, whether anybody wants the digits of calls.

        The PBX has to tell each of them otherwise for nothing. Returns what ends the telling.
        """
        self._want_digits.append(listener)
        listener(self._index.wants(EventType.DIGIT))
        return lambda: self._want_digits.remove(listener)

    def _tell_interest(self) -> None:
        wanted = self._index.wants(EventType.DIGIT)
        for listener in self._want_digits:
            listener(wanted)

    async def stop(self) -> None:
        """End the deliveries. The events that wait on disk are sent after the next start."""
        await self._dispatcher.stop()

    def check_rights(self) -> None:
        """The directory has changed: say which subscriptions get nothing, or get events again."""
        before, self._suspended = self._suspended, set()
        for subscription in (*self._index, *self.call_receivers):
            if not self._rights.may_hear(subscription):
                self._suspended.add(subscription.id)
                if subscription.id not in before:
                    log.warning(
                        "subscription_suspended",
                        subscription_id=subscription.id,
                        extension=subscription.extension,
                        app=subscription.client_id,
                    )
            elif subscription.id in before:
                self._dispatcher.resume(subscription.id)

    # Subscriptions

    def of_extension(self, extension: str) -> list[Subscription]:
        """The subscriptions of the extension, also disabled and suspended ones."""
        return self._index.of_extension(extension)

    def waiting_since_ms(self) -> list[int]:
        """When the oldest event occurred that waits, of each subscription that has one."""
        return self._dispatcher.waiting_since_ms()

    def places(self, extension: str) -> tuple[int, int]:
        """How many subscriptions the extension may have, and how many more."""
        most = self._limits.per_extension
        return most, most - len(self._index.of_extension(extension))

    def find(self, subscription_id: str) -> Subscription | None:
        """The subscription with that id, also a disabled or suspended one."""
        return self._index.get(subscription_id)

    async def create(
        self,
        subscription: Subscription,
        first: Write | None = None,
        undo: Write | None = None,
    ) -> None:
        """Store the subscription; its events are made from now on. Raises TooManySubscriptions.

        `first`: written before it, in the same transaction; if it changes no row, nothing is
        written. Raises StoppedByGuard then. `undo`: as for `EventSubscriptionStore.insert`.
        """
        most = self._limits.per_extension
        async with self._one_at_a_time():
            # First here, so that `first` is not written where there is no place.
            is_full = len(self._index.of_extension(subscription.extension)) >= most
            if is_full or not await self._store.insert(subscription, most, first, undo):
                raise TooManySubscriptions(f"an extension may have {most} phone call events")
            self._index.store(subscription)
            self._tell_interest()
        await self._store.notes.heard()

    async def update(
        self,
        subscription_id: str,
        change: Callable[[Subscription], Subscription],
        why: str = "subscription disabled",
        first: Callable[[Subscription], Write | None] = lambda _: None,
    ) -> Subscription | None:
        """The subscription after the change, in force; None if it has been deleted meanwhile.

        `change` gets the subscription at that moment, so that of two changes at once neither undoes
        the other. Its exceptions are raised. Waiting events of a disabled subscription are given
        up, with `why`. `first` gets the subscription after the change; its write comes before, as
        for `create`.
        """
        async with self._one_at_a_time():
            after = await self._changed(subscription_id, change, why, first)
            if after is None:
                return None
            self._index.store(after)
            self._tell_interest()
            if not after.enabled:
                self._dispatcher.drop(subscription_id)
        self._dispatcher.hurry(subscription_id)
        await self._store.notes.heard()
        return after

    async def _changed(
        self,
        subscription_id: str,
        change: Callable[[Subscription], Subscription],
        why: str,
        first: Callable[[Subscription], Write | None],
    ) -> Subscription | None:
        """On disk. Of several instances another may change it at the same time."""
        several = self._store.notes.several
        while True:
            if several:
                found = next(iter(await self._store.load([subscription_id])), None)
            else:
                found = self._index.get(subscription_id)
            if found is None:
                return None
            after = change(found)
            if several:  # each change has a moment of its own, which the next one is told by
                later_ms = max(after.modified_ms, found.modified_ms + 1)
                after = replace(after, modified_ms=later_ms)
            was = found if several else None
            try:
                written = await self._store.update(
                    after, why_disabled=why, first=first(after), was=was
                )
            except StorageUnavailable as fault:
                if fault.outcome_unknown:  # its client is told that nothing was changed
                    self._store.restore_later(found)
                raise
            if written:
                return after

    async def delete(self, subscriptions: Sequence[Subscription]) -> list[str]:
        """Delete the subscriptions; returns the ids of those that still existed.

        Their waiting events are not sent. After a StorageUnavailable with an unknown outcome they
        are deleted all the same.
        """
        async with self._one_at_a_time():
            ids = [x.id for x in subscriptions if self._index.get(x.id) is not None]
            try:
                await self._store.delete(ids)
            except StorageUnavailable as fault:
                if fault.outcome_unknown:  # a row that is gone cannot be restored
                    self._store.delete_later(ids)
                    self._forget(ids)
                raise
            self._forget(ids)
        await self._store.notes.heard()
        return ids

    def _forget(self, ids: Sequence[str]) -> None:
        for subscription_id in ids:
            self._index.remove(subscription_id)
            self._dispatcher.forget(subscription_id)
        self._tell_interest()

    # Deliveries

    async def deliveries(
        self, subscription: Subscription, *, start: int, count: int, newest_first: bool
    ) -> tuple[list[Delivery], int]:
        """A page of the kept deliveries, and the number of all."""
        return await self._deliveries.page(
            subscription.id, start=start, count=count, newest_first=newest_first
        )

    async def attempts(self, call_id: str, extensions: Collection[str]) -> list[KeptAttempt]:
        """Each attempt to deliver an event of that call to a subscription of these extensions."""
        return await self._attempts.of_call(call_id, extensions)

    async def deliveries_after(
        self, subscription: Subscription, sequence: int | None, *, count: int, newest_first: bool
    ) -> tuple[list[Delivery], bool]:
        """The kept deliveries that follow this sequence, or the first; and whether more follow."""
        return await self._deliveries.page_after(
            subscription.id, sequence, count=count, newest_first=newest_first
        )

    async def purge(self, before_ms: int) -> int:
        """Remove the deliveries that ended before that moment; returns how many."""
        return await self._deliveries.purge_finished(before_ms)

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        """Raises StorageUnavailable where the changes of others take too long."""
        try:
            async with asyncio.timeout(_TURN_LIMIT_S):
                await self._changing.acquire()
        except TimeoutError:
            raise StorageUnavailable(
                f"other changes of subscriptions have taken more than {_TURN_LIMIT_S:g} s",
                timed_out=True,
            ) from None
        try:
            yield
        finally:
            self._changing.release()

    def is_in_force(self, subscription_id: str) -> bool:
        """Whether events are sent to it: it is enabled, and its app may hear of the extension."""
        return self._in_force(subscription_id) is not None

    def _in_force(self, subscription_id: str) -> Subscription | None:
        found = self._index.get(subscription_id) or self.call_receivers.get(subscription_id)
        if found is None or not found.enabled or not self._rights.may_hear(found):
            return None
        return found

    async def _gone(self, subscription_id: str) -> None:
        """The receiver answered 410: it wants no more of this."""
        receiver, why = self.call_receivers.get(subscription_id), "the receiver answered 410 Gone"
        if receiver is None and self._index.get(subscription_id) is None:
            return
        log.warning(
            "subscription_disabled",
            why="its receiver answered 410 Gone",
            subscription_id=subscription_id,
        )
        if receiver is None:
            at_ms = now_ms()
            await self.update(
                subscription_id, lambda x: replace(x, enabled=False, modified_ms=at_ms), why
            )
            return
        await self._store.disable(receiver, why, now_ms())
        self._dispatcher.drop(receiver.id)
        self._dispatcher.forget(receiver.id)
        self.call_receivers.let_go(receiver.id)

    async def _know(self, ids: Collection[str]) -> None:
        await self.call_receivers.know(ids)

    def _let_go(self, receiver_id: str) -> None:
        self.call_receivers.let_go(receiver_id)
