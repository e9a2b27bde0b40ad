from __future__ import annotations

import asyncio

from bridge.calls.state.pbx_events import ChannelHungUp, PbxEvent
from bridge.pbx.ami.event_stream import BATCH, EventStream


def hang_up(number: int) -> dict[str, str]:
    return {"Event": "Hangup", "Uniqueid": str(number), "Linkedid": str(number), "Cause": "16"}


class Heard:
    """A stream that runs, and the numbers of the events that it has delivered."""

    def __init__(self, max_queued: int = 1_000) -> None:
        self.numbers: list[int] = []
        self.overflows = 0
        self.stream = EventStream(max_queued, self._overflow)

    def deliver(self, event: PbxEvent) -> None:
        assert isinstance(event, ChannelHungUp)
        self.numbers.append(int(event.uniqueid))
        if event.uniqueid == "13":
            raise ValueError("of the listener")

    def read(self, *numbers: int) -> None:
        self.stream.new_read()
        for number in numbers:
            self.stream.put(hang_up(number))

    def _overflow(self) -> None:
        self.overflows += 1


async def test_given_no_list_of_channels_yet_then_events_wait_and_keep_their_order() -> None:
    heard = Heard()
    heard.read(1, 2)
    assert (heard.numbers, heard.stream.waiting) == ([], 2)
    running = asyncio.create_task(heard.stream.run(heard.deliver))
    await asyncio.sleep(0)
    heard.read(3)
    heard.stream.close()
    await running
    assert heard.numbers == [1, 2, 3]


async def test_given_a_read_then_its_first_events_are_handled_at_once_and_the_rest_in_order() -> (
    None
):
    heard = Heard()
    running = asyncio.create_task(heard.stream.run(heard.deliver))
    await asyncio.sleep(0)
    everything = list(range(100, 100 + 3 * BATCH))
    heard.read(*everything)
    assert heard.numbers == everything[:BATCH]
    assert heard.stream.waiting == 2 * BATCH
    heard.read(1)  # behind those that wait
    heard.stream.close()
    await running
    assert heard.numbers == [*everything, 1]


async def test_given_an_event_that_cannot_be_handled_then_the_next_one_is() -> None:
    heard = Heard()
    running = asyncio.create_task(heard.stream.run(heard.deliver))
    await asyncio.sleep(0)
    heard.read(12, 13, 14)
    assert heard.numbers == [12, 13, 14]
    heard.stream.close()
    await running
    heard.read(15)
    assert heard.numbers == [12, 13, 14]


async def test_given_too_many_that_wait_then_all_of_them_are_given_up() -> None:
    heard = Heard(max_queued=2)
    running = asyncio.create_task(heard.stream.run(heard.deliver))
    await asyncio.sleep(0)
    heard.read(*range(100, 100 + BATCH + 3))
    await running
    assert (len(heard.numbers), heard.stream.waiting, heard.overflows) == (BATCH, 0, 1)
