"""Two calls that another client of AMI makes one: either id finds it, and DELETE ends all of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.config.secrets_file import AMI_SECRET
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.bench.bare_ami import BareAmi
from tests.pbx.calls.live_calls import extensions, statuses, wait_no_calls, wait_only_call

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def other_client(lab: RunningLab) -> AsyncIterator[BareAmi]:
    ports = lab.asterisk.ports
    secret = lab.bridge.secret(AMI_SECRET)
    ami = await BareAmi.connect(ports.management_address, ports.ami, secret, lambda _: None)
    try:
        yield ami
    finally:
        ami.close()


async def channel_of(lab: RunningLab, extension: str) -> str:
    """The name of its one channel."""
    listed = await lab.asterisk.pbx.console("core show channels concise")
    [name] = re.findall(rf"^(PJSIP/{re.escape(extension)}-\w+)!", listed, re.M)
    return str(name)


@pytest.mark.parametrize("first", ["0003*211", "0003*213"])
@pytest.mark.parametrize("by", ["id", "other id", "extension"])
async def test_given_two_talks_when_bridged_by_others_then_they_are_one_and_delete_ends_it(
    lab: RunningLab, api: ApiClient, first: str, by: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212", answer="auto") as carol,
        lab.phone("0003*213", answer="auto") as dave,
        other_client(lab) as ami,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        await bob.wait_established()
        await carol.dial("213")
        await dave.wait_established()
        [other] = [x for x in await api.calls("213") if x["id"] != call_id]
        await api.wait_status(other["id"], 5)
        second = {"0003*211": "0003*213", "0003*213": "0003*211"}[first]
        channels = [await channel_of(lab, x) for x in (first, second)]

        answer = await ami.send("Bridge", f"Channel1: {channels[0]}\r\nChannel2: {channels[1]}\r\n")

        assert answer["Response"] == "Success", answer
        talk = await wait_only_call(api, "@self", lambda x: len(extensions(x)) == 2)
        assert (talk["id"], extensions(talk)) == (call_id, ["211", "213"])
        assert statuses(talk) == [5, 5]
        assert (await api.call(other["id"]))["id"] == call_id
        await alice.wait_closed()
        await carol.wait_closed()

        if by == "extension":
            ended = await api.hang_up("213")
        else:
            ended = await api.hang_up("213", call_id if by == "id" else other["id"])

        assert ended.json == [{"id": call_id}]
        await bob.wait_closed()
        await dave.wait_closed()
        assert (await api.wait_ended(call_id))["endedBy"] == "api"
        joined = await api.wait_ended(other["id"])
        assert (joined["disposition"], joined["reason"]) == (0, f"joined call {call_id}")
        await wait_no_calls(api)
