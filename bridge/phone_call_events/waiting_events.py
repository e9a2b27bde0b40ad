"""The events of one subscription that wait: a few in memory, the others on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.phone_call_events.delivery import Delivery

_READ_FIRST = 25
_READ_MAX = 200


@dataclass(frozen=True, slots=True)
class Read:
    """One read of the list on disk: how many events it asks for, and the ids held at its
    beginning."""

    after_sequence: int
    at_most: int
    held: frozenset[str]
    drops: int


class WaitingEvents:
    """In order of `sequence`. The more a receiver takes, the more are read at once.

    Beside them are events to be sent once more, each a single time; they overtake all others.
    """

    def __init__(self, waiting_max: int) -> None:
        self._ahead: deque[Delivery] = deque()
        self._once_more: deque[Delivery] = deque()
        # Ids of those: on disk they wait, like any other, until their one attempt is written.
        self._held: set[str] = set()
        # An event that waits on disk may be delivered already, with its result not written yet.
        self._done_up_to = 0
        self._on_disk = True  # more may wait there than is in memory
        self._read_at_most = _READ_FIRST
        self._drops = 0
        self._waiting_max = waiting_max
        self._waiting_at_most = waiting_max  # not counted yet
        self._surplus = 0

    @property
    def next(self) -> Delivery | None:
        """The oldest event in memory; None if there is none."""
        return self._ahead[0] if self._ahead else None

    @property
    def next_once_more(self) -> Delivery | None:
        """The event to send once more next; None if there is none."""
        return self._once_more[0] if self._once_more else None

    @property
    def on_disk(self) -> bool:
        """Whether the list on disk must be read before it is certain that nothing waits."""
        return self._on_disk

    @property
    def are_none(self) -> bool:
        """Whether no event waits, in memory or on disk."""
        return not (self._on_disk or self._ahead or self._once_more)

    @property
    def done_up_to(self) -> int:
        """The list on disk is read behind this sequence number."""
        return self._done_up_to

    def has(self, delivery_id: str) -> bool:
        """Whether that event is in memory, or held."""
        return delivery_id in self._held or any(x.id == delivery_id for x in self._ahead)

    @property
    def may_be_too_many(self) -> bool:
        """Whether they must be counted: the oldest have to make room for newer ones."""
        return self._surplus == 0 and self._waiting_at_most > self._waiting_max

    @property
    def surplus(self) -> int:
        """How many of the oldest must go."""
        return self._surplus

    def one_more(self) -> None:
        """Another one is on disk."""
        self._on_disk = True
        self._waiting_at_most += 1

    def hold(self, delivery_id: str) -> None:
        """This one will be sent once more: whoever finds it on disk leaves it."""
        self._held.add(delivery_id)

    def release(self, delivery_id: str) -> None:
        """Take back `hold`: this one will not be sent once more."""
        self._held.discard(delivery_id)

    def send_once_more(self, delivery: Delivery) -> None:
        """Put this one behind the others that are sent once more."""
        self._once_more.append(delivery)

    def sent_once_more(self, delivery: Delivery) -> None:
        """Take it off the list, unless `drop` has emptied the list meanwhile."""
        if self.next_once_more is delivery:
            self._once_more.popleft()

    def drop(self) -> None:
        """All that waited has been given up on disk."""
        self._ahead.clear()
        self._once_more.clear()
        self._held.clear()
        self._surplus = 0
        self._drops += 1

    def look_on_disk(self) -> None:
        """The next read may find events."""
        self._on_disk = True

    def not_counted(self) -> None:
        """Any number may wait on disk: they are counted before the next one is sent."""
        self._waiting_at_most = max(self._waiting_at_most, self._waiting_max + 1)

    def leave_on_disk(self) -> None:
        """Forget those in memory; they are on disk as well."""
        self._ahead.clear()
        self._on_disk = True

    def begin_read(self) -> Read:
        """The read to make now; `read` takes what came, `look_on_disk` says that nothing did."""
        self._on_disk = False
        # An event that is released during the read may be in the list with its state before
        # sending.
        return Read(self._done_up_to, self._read_at_most, frozenset(self._held), self._drops)

    def read(self, wanted: Read, found: Sequence[Delivery]) -> None:
        """Take what the read `wanted` found.

        Events that were dropped meanwhile, or are held, are left out.
        """
        if wanted.drops == self._drops:
            self._ahead.extend(x for x in found if x.id not in wanted.held | self._held)
        if wanted.held - self._held:
            self._on_disk = True
        if len(found) == wanted.at_most:
            self._on_disk = True
            self._read_at_most = min(2 * wanted.at_most, _READ_MAX)
            return
        self._read_at_most = _READ_FIRST
        if not self._on_disk:
            self._waiting_at_most = len(found)

    def begin_count(self) -> tuple[int, int]:
        """After which sequence number to count, and what `counted` wants back."""
        return self._done_up_to, self._waiting_at_most

    def counted(self, waiting: int, before: int) -> None:
        """Take the count of waiting events. `before`: the second value of `begin_count`."""
        self._surplus = max(0, waiting - self._waiting_max)
        # Events that came while we counted may be missing from the count.
        self._waiting_at_most = waiting + (self._waiting_at_most - before)

    def take_surplus(self) -> bool:
        """Whether the oldest one has to make room; it counts as gone then."""
        if self._surplus == 0:
            return False
        self._surplus -= 1
        return True

    def tried(self, delivery: Delivery, after: Delivery) -> None:
        """`delivery` was tried and keeps its place, as `after`."""
        if self.next is delivery:
            self._ahead[0] = after

    def passed(self, delivery: Delivery) -> None:
        """The event is delivered or given up, and waits no longer."""
        if self.next is delivery:
            self._ahead.popleft()
        self._done_up_to = max(self._done_up_to, delivery.sequence)
        self._waiting_at_most = max(0, self._waiting_at_most - 1)
