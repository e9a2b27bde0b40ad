"""What waits for a disk hears of it at once, and of no work that it gave up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from bridge.storage.disk_thread import DiskThread


@pytest.fixture
def thread() -> Iterator[DiskThread]:
    thread = DiskThread("test")
    yield thread
    thread.stop()


async def test_given_a_result_then_it_is_told_before_the_caller_goes_on(thread: DiskThread) -> None:
    heard: list[str] = []
    loop = asyncio.get_running_loop()

    def told(result: int) -> None:
        heard.append(f"told {result}")
        loop.call_soon(heard.append, "next turn")

    assert await thread.run(lambda: 7, then=told) == 7
    heard.append("goes on")
    await asyncio.sleep(0)
    assert heard == ["told 7", "next turn", "goes on"]


async def test_given_one_who_waits_no_more_then_nothing_is_told(thread: DiskThread) -> None:
    may_end, told = threading.Event(), list[bool]()
    caller = asyncio.create_task(thread.run(may_end.wait, then=told.append))
    await asyncio.sleep(0)
    caller.cancel()
    may_end.set()
    await thread.run(lambda: None)
    assert (told, caller.cancelled()) == ([], True)


async def test_given_a_fault_of_the_work_or_of_who_is_told_then_the_caller_gets_it(
    thread: DiskThread,
) -> None:
    def refuses(_: object = None) -> None:
        raise ValueError("no")

    told: list[None] = []
    with pytest.raises(ValueError, match="no"):
        await thread.run(refuses, then=told.append)
    assert told == []
    with pytest.raises(ValueError, match="no"):
        await thread.run(lambda: None, then=refuses)
