"""What must be equal at the end: calls, final records, events, and calls that Asterisk saw."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.testing.eventually import eventually
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.webhook_receiver import Receiver
from tests.cluster.lab.whole_cluster import WholeCluster

_ID_CHARS = 20
_ENDED_WITHIN_S = 60.0


class SeenChannels:
    """Of one node: how often each channel began, and of which calls the channels were."""

    def __init__(self, ami: PlainAmi) -> None:
        self._ami = ami
        self.began: Counter[str] = Counter()
        self.calls: set[str] = set()

    async def watch(self) -> None:
        """Until cancelled. Events that are counted are thrown away."""
        while True:
            self.count()
            await asyncio.sleep(1)  # they come on and on

    def count(self) -> None:
        events, self._ami.events = self._ami.events, []
        for event in events:
            if event.get("Event") == "Newchannel":
                self.began[event["Uniqueid"]] += 1
                self.calls.add(event["Linkedid"][:_ID_CHARS])


@dataclass(frozen=True)
class Balance:
    """`lost`, `doubled`: hang-up events. `strays`: calls that Asterisk saw, and no app was told of.
    `refused`: records of calls that were not dialled, because their commit was in doubt."""

    calls: int
    finals: int
    lost: int
    doubled: int
    gaps: int
    dialled_twice: int
    strays: int
    left: int
    refused: int
    not_final: Sequence[str] = field(default=())

    @property
    def even(self) -> bool:
        wrong = self.lost, self.doubled, self.gaps, self.dialled_twice, self.strays, self.left
        return self.calls == self.finals and not any(wrong)


async def balance(
    cluster: WholeCluster,
    receiver: Receiver,
    accepted: Sequence[str],
    seen: Sequence[SeenChannels],
    before: set[str],
) -> Balance:
    """Waits until all calls have ended and their events have come, for a minute at most.

    `before`: the calls that were there before the first of these.
    """

    async def ended() -> set[str]:
        rows = await cluster.rows("SELECT id FROM calls WHERE ended_ms IS NOT NULL")
        return {x["id"] for x in rows}

    async def settled() -> bool:
        return await ended() >= set(accepted) and told(receiver).keys() >= set(accepted)

    with contextlib.suppress(AssertionError):  # what is missing is counted
        await eventually(settled, _ENDED_WITHIN_S)
    for each in seen:
        each.count()
    finals, events = await ended(), told(receiver)
    began = sum((x.began for x in seen), Counter[str]())
    known = {x["id"] for x in await cluster.rows("SELECT id FROM calls")} - before
    left = await cluster.rows("SELECT id FROM calls WHERE ended_ms IS NULL")
    return Balance(
        calls=len(set(accepted)),
        finals=len(finals & set(accepted)),
        lost=sum(events[x] == 0 for x in accepted),
        doubled=sum(events[x] > 1 for x in accepted) + len(accepted) - len(set(accepted)),
        gaps=_gaps(receiver),
        dialled_twice=sum(count > 1 for count in began.values()),
        strays=len({y for x in seen for y in x.calls} - set(accepted)),
        refused=len(known - set(accepted)),
        left=len(left),
        not_final=sorted(set(accepted) - finals),
    )


def told(receiver: Receiver) -> Counter[str]:
    """Hang-up events by call; another attempt of one delivery is the same event."""
    first = {x.delivery_id: x for x in receiver.received}
    return Counter(x.parameters["CallAPIID"] for x in first.values())


def _gaps(receiver: Receiver) -> int:
    """Numbers that are missing, or come after a greater one, in the events of a subscription."""
    wrong = 0
    for path in {x.path for x in receiver.received}:
        numbers = [x.sequence for x in receiver.at(path)]
        wrong += len(set(range(1, max(numbers) + 1)) - set(numbers))
        wrong += sum(later < earlier for earlier, later in itertools.pairwise(numbers))
    return wrong
