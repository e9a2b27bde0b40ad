"""Which phones can be reached: asked, told, and told while asking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from bridge.calls.state.pbx_events import PhoneReachability, PhoneRegistered, PhoneUnregistered
from bridge.pbx.ami.dial_strings import dialled_endpoint
from bridge.pbx.phones.reachability import JUST_REGISTERED_S, ReachableEndpoints
from bridge.testing.eventually import eventually

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
    assert [x["why"] for x in log] == [
        repr(ConnectionError(x)) for x in ("refused", "gone", "gone")
    ]


async def test_given_a_phone_just_registered_then_it_counts_until_the_pbx_has_asked_it() -> None:
    async def ask() -> dict[str, bool]:
        return {PHONE: False}

    now_s = [100.0]
    endpoints = ReachableEndpoints(ask, 5.0, clock=lambda: now_s[0])
    await endpoints.refresh()
    assert not endpoints.reachable(PHONE)
    endpoints.registered(PhoneRegistered(1, PHONE, "sip:a@192.0.2.1"))
    await endpoints.refresh()  # the PBX does not know it yet
    assert endpoints.reachable(PHONE)
    now_s[0] += JUST_REGISTERED_S
    assert not endpoints.reachable(PHONE)  # it did not answer

    endpoints.registered(PhoneRegistered(2, PHONE, "sip:a@192.0.2.1"))
    # The phone whose place it took is gone, which is no word about this one.
    endpoints.unregistered(PhoneUnregistered(3, PHONE, "sip:b@192.0.2.1"))
    endpoints.apply(PhoneReachability(3, PHONE, reachable=False))
    assert endpoints.reachable(PHONE)
    endpoints.unregistered(PhoneUnregistered(4, PHONE, "sip:a@192.0.2.1"))
    assert not endpoints.reachable(PHONE)


async def test_given_what_the_pbx_has_when_asked_why_then_missing_differs_from_not_registered() -> (
    None
):
    async def states() -> Mapping[str, bool]:
        return {"PJSIP/a": False, "PJSIP/b": True}

    endpoints = ReachableEndpoints(states, 1.0)
    assert endpoints.why_unreachable("PJSIP/c") == ""  # nothing is known yet
    await endpoints.refresh()
    assert endpoints.why_unreachable("PJSIP/a") == "no phone is registered at PJSIP/a"
    assert endpoints.why_unreachable("PJSIP/b") == ""
    assert endpoints.why_unreachable("PJSIP/c") == "no endpoint PJSIP/c on the PBX"


@pytest.mark.parametrize(
    ("dial", "endpoint"),
    [
        ("PJSIP/0003*210", "PJSIP/0003*210"),
        ("PJSIP/5551234@carrier", "PJSIP/carrier"),
        ("PJSIP/carrier/sip:5551234@192.0.2.1", "PJSIP/carrier"),
        ("Local/600@from-internal/n", ""),
        ("", ""),
    ],
)
def test_given_a_dial_string_when_read_then_its_endpoint_is_known(dial: str, endpoint: str) -> None:
    assert dialled_endpoint(dial) == endpoint


async def test_given_many_who_ask_at_once_then_they_share_the_next_answer() -> None:
    asked: list[asyncio.Event] = []

    async def ask() -> dict[str, bool]:
        asked.append(asyncio.Event())
        number = len(asked)
        await asked[-1].wait()
        return {PHONE: number > 1}

    endpoints = ReachableEndpoints(ask, 5.0)
    first = asyncio.create_task(endpoints.refresh())
    await asyncio.sleep(0)  # they have asked
    others = [asyncio.create_task(endpoints.refresh()) for _ in range(50)]
    await asyncio.sleep(0)  # they have asked
    asked[0].set()
    await first
    assert not endpoints.reachable(PHONE)
    assert not any(x.done() for x in others), "the first was asked before they came"
    await eventually(lambda: len(asked) == 2)
    asked[1].set()
    await asyncio.wait_for(asyncio.gather(*others), 5)
    assert endpoints.reachable(PHONE)
    assert len(asked) == 2


async def test_given_a_dead_edge_then_no_phone_behind_it_can_be_reached() -> None:
    async def ask() -> dict[str, bool]:
        return {PHONE: True, "PJSIP/edge": True}

    endpoints = ReachableEndpoints(ask, 5.0, behind="PJSIP/edge")
    await endpoints.refresh()
    assert endpoints.reachable(PHONE)

    endpoints.apply(PhoneReachability(1, "PJSIP/edge", reachable=False))
    assert not endpoints.reachable(PHONE)
    assert endpoints.why_unreachable(PHONE) == "the edge does not answer"

    endpoints.apply(PhoneReachability(2, "PJSIP/edge", reachable=True))
    assert endpoints.reachable(PHONE)
