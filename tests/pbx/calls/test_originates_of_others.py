"""Somebody else's AMI client rings a phone through the dialplan of phones, as CRM connectors do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.config.secrets_file import AMI_SECRET
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.bench.bare_ami import BareAmi

from .live_calls import wait_no_calls
from .public_network import calls_of_public_network

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLIC = "3235550200"
ORIGINATE = (
    "Channel: {channel}\r\nContext: {context}\r\nExten: {exten}\r\nPriority: 1\r\nAsync: true\r\n"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    """Not in containers: their AMI is not for strangers."""
    ensure_phone_tools()
    lab = await open_lab(tmp_path_factory.mktemp("others"))
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(loop_scope="session")
async def ami(lab: RunningLab) -> AsyncIterator[BareAmi]:
    secret = lab.bridge.secret(AMI_SECRET)
    ami = await BareAmi.connect("127.0.0.1", lab.asterisk.ports.ami, secret, lambda _: None)
    try:
        yield ami
    finally:
        ami.close()


async def send(ami: BareAmi, channel: str, exten: str, *more: str, context: str = "phones") -> str:
    """Originates; what Asterisk says to that."""
    headers = ORIGINATE.format(channel=channel, context=context, exten=exten)
    answer = await ami.send("Originate", headers + "".join(f"{x}\r\n" for x in more))
    return answer["Message"]


@pytest.mark.parametrize(
    "channel", ["Local/210@phones", "Local/0003*210@phones", "Local/210@phones/n"]
)
async def test_given_a_local_channel_to_a_phone_when_originated_then_it_rings_and_both_talk(
    lab: RunningLab, api: ApiClient, ami: BareAmi, channel: str
) -> None:
    async with lab.phone("0003*210") as agent, lab.phone("0003*211") as other:
        await send(ami, channel, "211")
        await agent.wait_ringing()
        await agent.accept()
        await other.wait_ringing()
        await other.accept()
        await other.wait_established()
        await agent.wait_established()
        await agent.hangup()
        await wait_no_calls(api)


async def test_given_a_named_organization_when_a_short_number_is_originated_then_its_phone_rings(
    lab: RunningLab, ami: BareAmi
) -> None:
    async with lab.phone("0003*210") as stranger, lab.phone("0004*210", answer="auto") as phone:
        await send(ami, "Local/210@phones", "00", "Variable: BRIDGE_ORGANIZATION=0004")
        await phone.wait_established()
        assert not stranger.log.incoming
        await phone.hangup()


async def test_given_phones_without_the_right_when_originated_then_nothing_goes_outside(
    lab: RunningLab, api: ApiClient, ami: BareAmi
) -> None:
    """Neither as the far end nor as the first one; short numbers open no way past that."""
    before = await calls_of_public_network(lab)
    async with lab.phone("0003*214", answer="auto") as phone:
        refused = await send(ami, "Local/214@phones-local", PUBLIC, context="phones-local")
        assert refused == "Extension does not exist."
        await send(ami, f"Local/{PUBLIC}@phones-local", "214", context="phones-local")
        await wait_no_calls(api)
        assert not phone.log.incoming
    assert await calls_of_public_network(lab) == before
