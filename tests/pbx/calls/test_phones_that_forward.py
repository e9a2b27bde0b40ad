"""A phone that answers 302: nobody is called for it, wherever it points and whoever called it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import answers, forwards
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import Softphone

from .public_network import calls_of_public_network

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "3235550200"
# Public numbers, contexts, channels and endpoints that the PBX has, in every spelling that was
# once followed; the last one has the phone's own endpoint call any address.
TARGETS = (
    f"sip:{NUMBER}@pbx",
    f"sip:PJSIP/{NUMBER}%40trunk@pbx",
    f"sip:PJSIP%2F{NUMBER}%40trunk@pbx",
    f"sip:Local/{NUMBER}%40public@pbx",
    f"sip:Local%2F{NUMBER}%40phones%2Fn@pbx",
    f"sip:{NUMBER}%40phones@pbx",
    f"tel:{NUMBER}",
    "sip:220@pbx",
    "sip:0003*220@pbx",
    "sip:PJSIP%2F0003*220@pbx",
    "sip:PJSIP%2F0003*214%2Fsip%3A{number}%40{trunk}@pbx",
)
FORWARDER = "0003*214"
REFUSED = "forwarding refused"
BUSY, USER_BUSY = 1, 17


@pytest.fixture(params=TARGETS)
def contact(request: pytest.FixtureRequest, lab: RunningLab) -> str:
    ports = lab.asterisk.ports
    trunk = f"{ports.public_network_address}%3A{ports.public_network_sip}"
    return str(request.param.format(number=NUMBER, trunk=trunk))


class Bystander:
    """A phone and the public network, which must not be called; how often they have been."""

    def __init__(self, lab: RunningLab, phone: SippPhone, before: int) -> None:
        self._lab = lab
        self._phone = phone
        self._before = before

    async def was_left_alone(self) -> bool:
        outside = await calls_of_public_network(self._lab) - self._before
        return outside == 0 and self._phone.incoming_invites == 0


@pytest_asyncio.fixture(loop_scope="session")
async def bystander(lab: RunningLab) -> AsyncIterator[Bystander]:
    async with lab.scripted("0003*220", answers()) as phone:
        yield Bystander(lab, phone, await calls_of_public_network(lab))


@pytest_asyncio.fixture(loop_scope="session")
async def forwarder(lab: RunningLab, contact: str) -> AsyncIterator[SippPhone]:
    async with lab.scripted(FORWARDER, forwards(contact)) as phone:
        yield phone


@pytest_asyncio.fixture(loop_scope="session")
async def alice(lab: RunningLab) -> AsyncIterator[Softphone]:
    async with lab.phone("0003*210", answer="auto") as phone:
        yield phone


def why(record: Any) -> tuple[object, ...]:
    return tuple(record.get(x) for x in ("disposition", "reason", "endedBy"))


async def test_given_a_single_source_that_forwards_when_called_then_it_is_busy(
    api: ApiClient, bystander: Bystander, forwarder: SippPhone
) -> None:
    call_id = await api.place(["214"], ["0003*00"], extension="214")

    record = await api.wait_ended(call_id)
    assert why(record) == (BUSY, REFUSED, "source")
    assert record["phoneCallView"][0]["source"] == ["214"]
    assert forwarder.incoming_invites == 1
    assert await bystander.was_left_alone()


async def test_given_a_destination_that_forwards_when_called_then_it_is_busy(
    api: ApiClient, bystander: Bystander, forwarder: SippPhone, alice: Softphone
) -> None:
    call_id = await api.place(["210"], ["214"], extension="210")

    assert why(await api.wait_ended(call_id)) == (BUSY, REFUSED, "destination")
    assert (await alice.wait_closed()).close_cause == USER_BUSY
    assert forwarder.incoming_invites == 1
    assert await bystander.was_left_alone()


async def test_given_a_phone_that_forwards_when_phones_and_the_trunk_call_it_then_it_is_busy(
    lab: RunningLab, bystander: Bystander, forwarder: SippPhone, alice: Softphone
) -> None:
    call = await alice.dial("214")
    await alice.wait_closed(call=call)
    assert not call.established
    assert await bystander.was_left_alone()

    # The call from outside is itself one of the public network's.
    before = await calls_of_public_network(lab)
    await lab.asterisk.call_in("5550003214")
    await eventually(lambda: forwarder.incoming_invites == 2)
    await lab.asterisk.hang_up_public_network()
    assert await calls_of_public_network(lab) - before <= 1


async def test_given_a_queue_member_that_forwards_when_called_then_the_queue_goes_on(
    lab: RunningLab, bystander: Bystander, forwarder: SippPhone, alice: Softphone
) -> None:
    call = await alice.dial("300")
    await alice.wait_established(call=call)
    await eventually(lambda: forwarder.incoming_invites >= 2, 60)
    assert not call.closed
    await alice.hangup()
    assert await bystander.was_left_alone()
