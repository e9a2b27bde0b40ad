"""Which phones can be reached: asked, told, and told while asking."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from bridge.calls.pbx_events import PhoneReachability
from bridge.pbx.phone_reachability import ReachableEndpoints

PHONE = "PJSIP/0003*210"


async def test_given_a_phone_registers_while_asked_then_the_older_answer_does_not_undo_it() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def ask() -> dict[str, bool]:
        asked.set()
        await answer.wait()
        return {PHONE: False}

    endpoints = ReachableEndpoints(ask, 5.0)
    refreshing = asyncio.create_task(endpoints.refresh())
    await asked.wait()
    endpoints.apply(PhoneReachability(1, PHONE, reachable=True))
    answer.set()
    await refreshing

    assert endpoints.reachable(PHONE)


async def test_given_what_was_told_before_when_asked_then_the_answer_counts() -> None:
    states = {PHONE: True}

    async def ask() -> dict[str, bool]:
        return dict(states)

    endpoints = ReachableEndpoints(ask, 5.0)
    assert endpoints.reachable(PHONE)  # nothing is known yet
    await endpoints.refresh()
    endpoints.apply(PhoneReachability(1, PHONE, reachable=True))
    states[PHONE] = False
    await endpoints.refresh()

    assert not endpoints.reachable(PHONE)


async def test_given_no_answer_again_and_again_when_asked_then_it_is_said_once_for_one_reason() -> (
    None
):
    why = ["refused"]

    async def ask() -> dict[str, bool]:
        if why:
            raise ConnectionError(why[0])
        return {}

    endpoints = ReachableEndpoints(ask, 5.0)
    with capture_logs() as log:
        for reason in ("refused", "refused", "gone", "gone"):
            why = [reason]
            await endpoints.refresh()
        why = []
        await endpoints.refresh()
        why = ["gone"]
        await endpoints.refresh()
    assert [x["error"] for x in log] == [
        repr(ConnectionError(x)) for x in ("refused", "gone", "gone")
    ]
