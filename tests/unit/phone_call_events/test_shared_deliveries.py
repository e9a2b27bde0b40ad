"""Two instances that share deliveries: who hears of an event, and who sends it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, cast

import pytest

from bridge.clock import now_ms
from bridge.cluster.hints import HINT_CHARS_MAX, Hear
from bridge.cluster.lease import SHARDS, Lease, shard_resource
from bridge.faults import StorageUnavailable
from bridge.phone_call_events.delivery import Attempt, Delivery, DeliveryState
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.delivery_hints import Hint, payloads, read_payload
from bridge.phone_call_events.give_up_rules import TryLimits
from bridge.phone_call_events.shards import resource_of, shard_of
from bridge.phone_call_events.shared_deliveries import SharedDeliveries
from bridge.phone_call_events.subscription import Method, Subscription
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

ONE = "s1"


def subscription(name: str = ONE) -> Subscription:
    made = Subscription(name, "0003*210", (), "http://h/", Method.POST, True, "", "s", "app", 0)
    return replace(made, call_id="c") if name.startswith("status") else made


class Bus:
    """Hints of all instances; may lose them."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.lost = False
        self._hear: defaultdict[str, list[Hear]] = defaultdict(list)

    def listen(self, channel: str, hear: Hear) -> None:
        self._hear[channel].append(hear)

    def notify(self, channel: str, payload: str) -> None:
        assert len(payload) <= HINT_CHARS_MAX
        self.given.append(payload)
        if not self.lost:
            for hear in self._hear[channel]:
                hear(payload)

    def missed(self) -> None:
        for each in self._hear.values():
            for hear in each:
                hear("")


class Disk:
    """The rows that all instances see."""

    def __init__(self) -> None:
        self.rows: list[Delivery] = []
        self.down = False

    def add(self, subscription_id: str = ONE) -> None:
        number = 1 + sum(x.subscription_id == subscription_id for x in self.rows)
        row = Delivery(
            f"{subscription_id}-{number}", subscription_id, number, "c", 1, 2**62, "", details="{}"
        )
        self.rows.append(row)

    def waiting(self) -> list[str]:
        return [x.id for x in self.rows if x.state is DeliveryState.WAITING]

    def again(self, number: int = 0) -> Delivery:
        """An app wants to have it once more."""
        row = self.rows[number] = replace(self.rows[number], state=DeliveryState.WAITING)
        return row


class Instance:
    """`sent`: what it sent, in order. It records at once, unless `writes` is False."""

    def __init__(self, disk: Disk, bus: Bus, known: Collection[str] = (ONE,)) -> None:
        self.sent: list[str] = []
        self.usable = True
        self.writes = True
        self.let_go: list[str] = []
        self._late: list[Callable[[], None]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.known = {x: subscription(x) for x in known}
        self.asked_to_know: list[str] = []
        self._disk = disk
        context = cast("Any", DeliveryContext)(
            store=self,
            attempts=self,
            sender=self,
            schedule=None,
            waiting_max=100,
            limits=TryLimits(10, 10, 10, frozenset()),
            find=self.known.get,
            gone=None,
            let_go=self.let_go.append,
            know=self.know,
        )
        find = lambda x: self.known.get(x) if self.usable else None  # noqa: E731
        self.deliveries = SharedDeliveries(context, lambda _: replace(context, find=find), bus)

    def has(self, *shards: int) -> Instance:
        for number in shards:
            self.deliveries.won(Lease(shard_resource(number), "a", 1, ""))
        return self

    async def know(self, ids: Collection[str]) -> None:
        self.asked_to_know += ids
        self.known |= {x: subscription(x) for x in ids if x.startswith("status")}

    # The store

    async def first_waiting(self) -> dict[str, int]:
        if self._disk.down:
            raise StorageUnavailable("down")
        rows = [x for x in self._disk.rows if x.state is DeliveryState.WAITING]
        return {x.subscription_id: x.sequence for x in reversed(rows)}

    async def find(self, subscription_id: str, delivery_id: str) -> Delivery | None:
        return next((x for x in self._disk.rows if x.id == delivery_id), None)

    async def waiting(self, subscription_id: str, after: int, limit: int) -> list[Delivery]:
        rows = [x for x in self._disk.rows if x.subscription_id == subscription_id]
        waiting = [x for x in rows if x.state is DeliveryState.WAITING]
        return [x for x in waiting if x.sequence > after][:limit]

    async def count_waiting(self, subscription_id: str, after: int) -> int:
        return len(await self.waiting(subscription_id, after, 1_000))

    async def caught_up(self) -> bool:
        await asyncio.sleep(0)
        return not self._late

    def once_recorded(self, told: Callable[[], None]) -> None:
        self._late.append(told) if self._late else told()

    def record(
        self,
        delivery: Delivery,
        _: object = None,
        *,
        written: Callable[[], None] | None = None,
    ) -> None:
        def write() -> None:
            self._disk.rows = [delivery if x.id == delivery.id else x for x in self._disk.rows]
            if written is not None:
                written()

        if self.writes:
            write()
        else:
            self._late.append(write)

    def write_first(self, count: int) -> None:
        first, self._late = self._late[:count], self._late[count:]
        for write in first:
            write()

    def write_what_waits(self) -> None:
        self.writes, late, self._late = True, self._late, []
        for write in late:
            write()

    def row(self, *_: object) -> None:
        pass

    # The sender

    async def send(self, find: Callable[[], Subscription], delivery: Delivery) -> Attempt:
        find()
        self.sent.append(delivery.id)
        await self.answers.wait()
        return Attempt(1, 1, "POST", 200)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@instant
async def test_given_two_instances_when_one_makes_events_then_the_holder_sends_them(
    disk: Disk, bus: Bus
) -> None:
    maker, holder = Instance(disk, bus), Instance(disk, bus).has(*range(SHARDS))
    for each in (maker, holder):
        await each.deliveries.start()
    for _ in range(3):
        disk.add()
        maker.deliveries.one_more(ONE)
    await eventually(lambda: len(holder.sent) == 3)
    assert holder.sent == ["s1-1", "s1-2", "s1-3"]
    assert maker.sent == []
    assert bus.given == ["s1*3"]  # one hint for all that was committed together
    for each in (maker, holder):
        await each.deliveries.stop()


@instant
async def test_given_the_shard_itself_when_it_makes_an_event_then_nobody_is_told(
    disk: Disk, bus: Bus
) -> None:
    own = Instance(disk, bus).has(shard_of(ONE))
    await own.deliveries.start()
    disk.add()
    own.deliveries.one_more(ONE)
    await eventually(lambda: own.sent == ["s1-1"])
    assert bus.given == []
    await own.deliveries.stop()


@instant
@pytest.mark.parametrize("told", [True, False])
async def test_given_lost_hints_when_time_passes_then_the_events_are_found(
    disk: Disk, bus: Bus, told: bool
) -> None:
    holder = Instance(disk, bus).has(shard_of(ONE))
    await holder.deliveries.start()
    await asyncio.sleep(0.1)
    disk.add()
    if told:  # that the connection was lost for a while
        bus.missed()
        await asyncio.sleep(0.1)
    else:
        await asyncio.sleep(1)
    assert holder.sent == ["s1-1"]
    await holder.deliveries.stop()


@instant
async def test_given_a_database_that_is_down_when_it_is_back_then_the_events_are_found(
    disk: Disk, bus: Bus
) -> None:
    disk.add()
    disk.down = True
    holder = Instance(disk, bus).has(shard_of(ONE))
    await holder.deliveries.start()
    await asyncio.sleep(5)
    assert holder.sent == []
    disk.down = False
    await asyncio.sleep(1.1)
    assert holder.sent == ["s1-1"]
    await holder.deliveries.stop()


@instant
@pytest.mark.parametrize("name", [ONE, "status1"])
async def test_given_a_result_that_cannot_be_written_then_its_event_is_not_sent_again(
    disk: Disk, bus: Bus, name: str
) -> None:
    """It still waits on disk, and the database answers again before the writes succeed."""
    holder = Instance(disk, bus).has(*range(SHARDS))
    await holder.deliveries.start()
    holder.writes = False
    for _ in range(3):
        disk.add(name)
    await asyncio.sleep(60)
    assert holder.sent == [f"{name}-{x}" for x in (1, 2, 3)]
    holder.write_what_waits()
    await asyncio.sleep(60)
    assert len(holder.sent) == 3
    assert disk.waiting() == []
    await holder.deliveries.stop()


@instant
async def test_given_a_later_result_that_is_not_written_then_its_event_is_not_sent_again(
    disk: Disk, bus: Bus
) -> None:
    """Each run of the receiver of one call ends with results of its own."""
    holder = Instance(disk, bus).has(*range(SHARDS))
    holder.known["status1"] = subscription("status1")
    await holder.deliveries.start()
    holder.writes = False
    for _ in range(2):
        disk.add("status1")
        holder.deliveries.one_more("status1")
        await asyncio.sleep(5)
    holder.write_first(2)  # the result of the first run, and what waits for it
    disk.add("status1")
    holder.deliveries.one_more("status1")
    await asyncio.sleep(5)
    assert holder.sent == ["status1-1", "status1-2", "status1-3"]
    holder.write_what_waits()
    assert (len(holder.sent), holder.let_go) == (3, ["status1"])
    await holder.deliveries.stop()


@instant
async def test_given_a_lease_that_is_not_renewed_when_events_wait_then_none_is_sent_until_it_is(
    disk: Disk, bus: Bus
) -> None:
    holder = Instance(disk, bus).has(shard_of(ONE))
    await holder.deliveries.start()
    lease = Lease(resource_of(ONE), "a", 1, "")
    holder.usable = False
    holder.deliveries.paused(lease)
    disk.add()
    holder.deliveries.one_more(ONE)
    await asyncio.sleep(5)
    assert holder.sent == []
    holder.usable = True
    holder.deliveries.resumed(lease)
    await asyncio.sleep(0.1)
    assert holder.sent == ["s1-1"]
    await holder.deliveries.stop()


@instant
async def test_given_an_attempt_under_way_when_the_shard_is_lost_then_nothing_is_recorded(
    disk: Disk, bus: Bus
) -> None:
    disk.add()
    disk.add()
    first, second = Instance(disk, bus).has(shard_of(ONE)), Instance(disk, bus)
    first.answers.clear()
    for each in (first, second):
        await each.deliveries.start()
    await eventually(lambda: first.sent == ["s1-1"])
    first.deliveries.lost(Lease(resource_of(ONE), "a", 1, ""))
    second.has(shard_of(ONE))
    first.answers.set()
    await asyncio.sleep(1)
    assert (first.sent, second.sent) == (["s1-1"], ["s1-1", "s1-2"])  # the same id once more
    assert disk.waiting() == []
    for each in (first, second):
        await each.deliveries.stop()


@instant
async def test_given_an_attempt_under_way_when_the_shard_is_handed_over_then_it_is_recorded(
    disk: Disk, bus: Bus
) -> None:
    disk.add()
    disk.add()
    own, lease = Instance(disk, bus).has(shard_of(ONE)), Lease(resource_of(ONE), "a", 1, "")
    own.answers.clear()
    await own.deliveries.start()
    await eventually(lambda: own.sent == ["s1-1"])
    asyncio.get_running_loop().call_later(0.5, own.answers.set)
    await own.deliveries.hand_over(lease)
    own.deliveries.lost(lease)
    await asyncio.sleep(5)
    assert own.sent == ["s1-1"]
    assert disk.waiting() == ["s1-2"]
    await own.deliveries.stop()


@instant
async def test_given_a_receiver_of_one_call_when_another_instance_made_it_then_it_is_taken_up(
    disk: Disk, bus: Bus
) -> None:
    maker, holder = Instance(disk, bus), Instance(disk, bus, ()).has(*range(SHARDS))
    for each in (maker, holder):
        await each.deliveries.start()
    disk.add("status1")
    maker.deliveries.one_more("status1")
    await asyncio.sleep(0.1)
    assert holder.sent == ["status1-1"]
    disk.add("status2")
    await asyncio.sleep(1.1)
    assert holder.sent == ["status1-1", "status2-1"]
    assert holder.asked_to_know == ["status1", "status2"]
    for each in (maker, holder):
        await each.deliveries.stop()


@instant
@pytest.mark.parametrize("lost", [False, True])
async def test_given_another_holder_when_an_event_is_wanted_once_more_then_it_sends_it_once(
    disk: Disk, bus: Bus, lost: bool
) -> None:
    """Also where all hints are lost; then at the second look."""
    asked, holder = Instance(disk, bus), Instance(disk, bus).has(*range(SHARDS))
    for each in (asked, holder):
        await each.deliveries.start()
    disk.add()
    disk.add()
    await asyncio.sleep(2)
    assert holder.sent == ["s1-1", "s1-2"]
    bus.lost = lost
    tried: list[Delivery] = []
    asked.deliveries.hold(ONE, "s1-1")
    asked.deliveries.send_once_more(disk.again(), tried.append)
    await asyncio.sleep(0.5)
    assert len(holder.sent) == (2 if lost else 3)
    await asyncio.sleep(60)
    assert holder.sent == ["s1-1", "s1-2", "s1-1"]
    assert asked.sent == []
    assert [x.id for x in tried] == ["s1-1"]
    for each in (asked, holder):
        await each.deliveries.stop()


@instant
async def test_given_an_attempt_under_way_when_it_is_wanted_once_more_then_it_is_not_doubled(
    disk: Disk, bus: Bus
) -> None:
    asked, holder = Instance(disk, bus), Instance(disk, bus).has(*range(SHARDS))
    for each in (asked, holder):
        await each.deliveries.start()
    holder.answers.clear()
    disk.add()
    await asyncio.sleep(1.5)
    asked.deliveries.send_once_more(disk.rows[0])
    await asyncio.sleep(5)
    holder.answers.set()
    await asyncio.sleep(60)
    assert holder.sent == ["s1-1"]
    for each in (asked, holder):
        await each.deliveries.stop()


@instant
async def test_given_another_holder_when_a_retry_is_wanted_now_then_it_hurries(
    disk: Disk, bus: Bus
) -> None:
    asked, holder = Instance(disk, bus), Instance(disk, bus).has(*range(SHARDS))
    for each in (asked, holder):
        await each.deliveries.start()
    disk.add()
    disk.rows[0] = replace(disk.rows[0], next_attempt_ms=now_ms() + 3_600_000, attempts=1)
    await asyncio.sleep(5)
    assert holder.sent == []
    asked.deliveries.hurry(ONE)
    await asyncio.sleep(0.1)
    assert holder.sent == ["s1-1"]
    asked.deliveries.release(ONE, "d")
    for tell in ("drop", "resume", "forget"):
        getattr(asked.deliveries, tell)(ONE)
    assert asked.deliveries.waiting_since_ms() == []
    for each in (asked, holder):
        await each.deliveries.stop()


def test_hints_are_short_and_read_as_they_were_written() -> None:
    hints = [
        *(Hint(f"{number:030d}", more=number + 1) for number in range(200)),
        Hint("s1", once="0f" * 16),
        Hint("s1", hurry=True),
    ]
    texts = list(payloads(hints))
    assert all(len(x) <= HINT_CHARS_MAX for x in texts)
    assert len(texts) == 8
    assert [x for each in texts for x in read_payload(each)] == hints


@pytest.mark.parametrize("text", ["s1", "s1*", "s1*x", "s1*-1", "s1*99999999999", "*", "s1!"])
def test_what_is_no_hint_is_left_out(text: str) -> None:
    assert read_payload(text) == []
