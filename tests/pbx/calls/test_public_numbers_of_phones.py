"""`public_numbers` of the directory holds for what phones dial and transfer to, as for apps."""

from __future__ import annotations

import pytest

from bridge.pbx.ari.dialplan_values import NUMBERS
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refers
from bridge.testing.softphones.softphone import Softphone

from .public_network import calls_of_public_network, wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALLOWED = ("3235550200", "+3235550200", "003235550200")
BLOCKED = ("19005550000", "+19005550000", "0019005550000", "+0019005550000", "000019005550000")
WRONG = ("123456", "00123456", "1234567890123456")


async def is_connected(phone: Softphone, number: str) -> bool:
    call = await phone.dial(number)
    try:
        await eventually(lambda: call.established or call.closed, timeout=10)
        return call.established
    finally:
        if not call.closed:
            await phone.hangup()
            await phone.wait_closed(call=call)


async def test_given_numbers_when_apps_and_phones_want_them_then_both_get_the_same(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        for number in ALLOWED:
            assert await is_connected(phone, number), number
        before = await calls_of_public_network(lab)
        for number in (*BLOCKED, *WRONG):
            assert not await is_connected(phone, number), number
            answer = await api.create(["0003*00"], [number], extension="210")
            assert answer.status == 400, number
        assert await calls_of_public_network(lab) == before


async def test_given_a_blocked_number_when_a_phone_transfers_to_it_then_nobody_is_called(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.scripted("0003*211", refers(BLOCKED[1])) as transferring,
    ):
        before = await calls_of_public_network(lab)
        call_id = await api.place(["210"], ["211"], allowPublicTransfer="true")
        await transferring.wait_transfer()
        await api.wait_ended(call_id)
        assert await calls_of_public_network(lab) == before


async def test_given_a_pbx_without_the_rules_when_a_phone_dials_then_nothing_is_let_through(
    lab: RunningLab,
) -> None:
    """As after a restart of Asterisk while the service is away; a reload brings them back."""
    async with lab.phone("0003*210") as phone:
        await lab.asterisk.pbx.console(f'dialplan set global {NUMBERS} ""')
        before = await calls_of_public_network(lab)
        assert not await is_connected(phone, ALLOWED[0])
        assert await calls_of_public_network(lab) == before

        told = len(lab.bridge.log_text().split("dialplan_values_told"))
        lab.bridge.reload()
        await eventually(
            lambda: len(lab.bridge.log_text().split("dialplan_values_told")) > told, timeout=20
        )
        assert await is_connected(phone, ALLOWED[0])
    await wait_public_calls(lab, ALLOWED[0], 0)
