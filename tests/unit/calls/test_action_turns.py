"""One action at a time: they wait in their order, not for ever, and not too many of them."""

from __future__ import annotations

import asyncio

import pytest

from bridge.calls.steering.action_turns import WAITING_MAX, WITHIN_S, ActionTurns
from bridge.calls.steering.errors import ActionFailed
from tests.lab.instant_time import instant


@instant
async def test_actions_on_one_call_wait_in_their_order_and_others_do_not() -> None:
    turns, diary = ActionTurns(), list[str]()

    async def acts(key: str, name: str) -> None:
        async with turns.of(key):
            await asyncio.sleep(1)
            diary.append(name)

    await asyncio.gather(*(acts("a", x) for x in "123"), acts("b", "other"))
    assert diary == ["1", "other", "2", "3"]


@instant
async def test_given_an_action_that_does_not_end_then_the_next_ones_give_up() -> None:
    turns, loop, had_it = ActionTurns(), asyncio.get_running_loop(), list[int]()

    async def waits(name: int) -> None:
        async with turns.of("a"):
            had_it.append(name)

    async with turns.of("a"):
        begun = loop.time()
        tasks = [asyncio.create_task(waits(x)) for x in range(WAITING_MAX + 1)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(x) for x in done[:-1]] == ["another action is still under way"] * WAITING_MAX
    assert str(done[-1]) == "too many other actions wait for their turn"
    assert all(isinstance(x, ActionFailed) for x in done)
    assert loop.time() - begun == pytest.approx(WITHIN_S, abs=1)
    await waits(99)
    assert had_it == [99]
