"""Run by tests: an instance that dies or stands still at a line that nothing outside can hit.

It prints what it is at, a word a line. Arguments: the URL of the database, the port of the PBX, the
epoch of its lease, how many seconds the lease lasts, the fault.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

from bridge.pbx.ami.link import AmiLink
from bridge.storage.fence import Fence
from bridge.storage.postgresql_writer import PostgresqlWriter
from bridge.storage.statement import Counts, Group
from tests.integration.storage.phone_calls import ended, live_call

from .small_instance import PBX, SmallInstance

KEY = "the key"
QUEUED = 100


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def hit(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def before_originate(number: signal.Signals) -> None:
    """The call is accepted, and its Originate is about to be written."""
    originate = vars(AmiLink)["originate"]

    def originate_hit(self: AmiLink, *order: Any) -> Any:
        say("accepted", order[0].call_id)
        hit(number)
        return originate(self, *order)

    mock.patch.object(AmiLink, "originate", originate_hit).start()


def before_commit() -> Callable[[], None]:
    """From the call of what is returned on: the lease is locked, and nothing is committed yet."""
    apply_all = vars(PostgresqlWriter)["_apply_all"]
    armed: list[bool] = []

    async def applied_and_hit(self: PostgresqlWriter, groups: Sequence[Group]) -> list[Counts]:
        counts: list[Counts] = await apply_all(self, groups)
        if armed:
            armed.clear()
            hit(signal.SIGSTOP)
        return counts

    mock.patch.object(PostgresqlWriter, "_apply_all", applied_and_hit).start()
    return lambda: armed.append(True)


async def create(instance: SmallInstance) -> None:
    try:
        say("answered", (await instance.create(KEY)).text)
    except Exception as fault:
        say("refused", type(fault).__name__)


async def end_many(instance: SmallInstance, *, frozen: bool) -> None:
    """Accept, then end so many calls at once; all of the ends wait when it freezes."""
    calls = [live_call(f"{n:020x}", pbx=PBX, published_ms=1000 + n) for n in range(QUEUED)]
    await asyncio.gather(*(instance.calls.accept(x) for x in calls))
    for call in calls:
        instance.calls.finish_later(ended(call, reason="by the first"))
    if frozen:
        hit(signal.SIGSTOP)


async def main(url: str, ami_port: str, epoch: str, holder: str, lasts_s: str, fault: str) -> None:
    arm: Callable[[], None] = lambda: None  # noqa: E731
    if fault == "killed_before_originate":
        before_originate(signal.SIGKILL)
    elif fault == "frozen_before_originate":
        before_originate(signal.SIGSTOP)
    elif fault == "frozen_before_commit":
        arm = before_commit()
    fence = Fence(f"pbx:{PBX}", int(epoch), holder)
    async with SmallInstance(url, int(ami_port), fence, lasts_s=float(lasts_s)) as instance:
        say("ready")
        if fault in ("frozen_with_queue", "ends_many"):
            await end_many(instance, frozen=fault == "frozen_with_queue")
        else:
            arm()
            await create(instance)
        await instance.queue.caught_up()
        await instance.queue.caught_up()  # the first one may be in the batch of the others
        for lost in instance.fenced:
            say("fenced", lost.resource, lost.epoch)
        say("done")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
