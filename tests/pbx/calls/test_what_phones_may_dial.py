"""Phones dial: what `may_call_public` forbids an app to order is forbidden to them too."""

from __future__ import annotations

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab

from .public_network import calls_of_public_network, public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLIC = "3235550200"


async def test_given_a_phone_that_may_call_public_when_it_dials_then_the_number_answers(
    lab: RunningLab,
) -> None:
    async with lab.phone("0003*210") as phone:
        call = await phone.dial(PUBLIC)
        await phone.wait_established(call=call)
        assert len(await public_calls(lab, PUBLIC)) == 1
        await phone.hangup()


async def test_given_a_phone_that_may_not_call_public_when_it_dials_then_only_local_works(
    lab: RunningLab,
) -> None:
    async with lab.phone("0003*214") as phone, lab.phone("0003*211", answer="auto"):
        refused = await phone.dial(PUBLIC)
        await phone.wait_closed(call=refused)
        assert not refused.established
        assert await public_calls(lab, PUBLIC) == []
        local = await phone.dial("211")
        await phone.wait_established(call=local)
        await phone.hangup()


@pytest.mark.parametrize(
    "dialled",
    [f"{PUBLIC},1", f"{PUBLIC},3", f"+{PUBLIC},1", f"{PUBLIC}&PJSIP", f"{PUBLIC}x"],
)
async def test_given_more_than_a_number_when_a_phone_dials_it_then_it_is_invalid(
    lab: RunningLab, dialled: str
) -> None:
    """A comma would end the argument of an application, and name a priority to jump to."""
    async with lab.phone("0003*210") as phone:
        before = await calls_of_public_network(lab)
        call = await phone.dial(dialled)
        await eventually(lambda: call.established or call.closed, timeout=10)
        assert call.close_reason.startswith("484"), call.close_reason
        assert await calls_of_public_network(lab) == before
