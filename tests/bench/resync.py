"""After the link was lost: from asking for the channels to a service that is in order again."""

from __future__ import annotations

import asyncio
import json
import time

from .ami_relay import AmiRelay
from .bare_ami import BareAmi, Message
from .bare_http import BareHttp
from .call_paths import ApiPath
from .figures import Measure, ratio
from .plan import Plan
from .progress import progress
from .stage import ADDRESS, Stage, api

_LIMIT_S = 30
_PAUSE_S = 0.5
CHANNELS = 4
"""Of a call: two phones, and the Local channel that the source is rung through."""


async def resync(stage: Stage, plan: Plan) -> tuple[list[float], list[float]]:
    """ms of the service, and of a bare client that only reads the list, by round."""
    relay = AmiRelay(ADDRESS, stage.asterisk.ports.ami)
    await relay.start()
    mine, bare = [], []
    try:
        async with stage.service(relay.port) as service:
            path, http = await ApiPath.open(stage, service), await api(service)
            await _no_calls(stage)
            progress(f"resync: {plan.resync_calls} calls")
            await _begin_calls(stage, path, plan)
            for number in range(plan.resync_rounds):
                progress(f"resync, round {number + 1} of {plan.resync_rounds}")
                bare.append(await _bare_list_ms(stage, relay, CHANNELS * plan.resync_calls))
                mine.append(await _resync_ms(relay, http, plan.resync_calls))
                await asyncio.sleep(_PAUSE_S)  # what a new link starts by itself is over
            await http.request("DELETE", "/uapi/phoneCalls/@me/@self")
            await path.all_ended()
            await path.close()
            await http.close()
    finally:
        await relay.stop()
    return mine, bare


async def _no_calls(stage: Stage) -> None:
    """Until the last channel of what was measured before has left Asterisk's list."""
    listed: list[Message] = []
    complete = asyncio.Event()

    def note(event: Message) -> None:
        if event["Event"] == "CoreShowChannel":
            listed.append(event)
        elif event["Event"] == "CoreShowChannelsComplete":
            complete.set()

    ami = await BareAmi.connect(ADDRESS, stage.asterisk.ports.ami, stage.ami_secret, note)
    try:
        deadline = time.monotonic() + _LIMIT_S
        while time.monotonic() < deadline:
            listed.clear()
            complete.clear()
            await ami.send("CoreShowChannels")
            await complete.wait()
            if not listed:
                return
            await asyncio.sleep(_PAUSE_S)  # the PBX takes channels off its list a moment later
        raise AssertionError(f"channels are left over: {listed}")
    finally:
        ami.close()


async def _begin_calls(stage: Stage, path: ApiPath, plan: Plan) -> None:
    numbers = [stage.next_number() for _ in range(plan.resync_calls)]

    async def one_after_the_other() -> None:
        while numbers:
            number = numbers.pop()
            await path.create(number)
            for phone in (stage.source, stage.destination):
                await phone.invited(number)
                await phone.answered(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(plan.at_once):
            group.create_task(one_after_the_other())


async def _resync_ms(relay: AmiRelay, http: BareHttp, calls: int) -> float:
    relay.listed.clear()
    relay.drop()
    async with asyncio.timeout(_LIMIT_S):
        # Before that it cannot be ready, and each question takes time from what is measured.
        await relay.listed.wait()
        while True:
            _, body = await http.request("GET", "/health/ready")
            now, health = time.monotonic(), json.loads(body)
            # Not its status: ready is when the phones have been looked at as well.
            if health["pbx"]["up"]:
                assert health["liveCalls"] == calls, body
                return (now - relay.asked) * 1000
            await asyncio.sleep(0.001)  # what is measured: not rounded to the pause of a poll


async def _bare_list_ms(stage: Stage, relay: AmiRelay, channels: int) -> float:
    complete = asyncio.Event()
    listed = 0

    def count(event: Message) -> None:
        nonlocal listed
        listed += event["Event"] == "CoreShowChannel"
        if event["Event"] == "CoreShowChannelsComplete":
            complete.set()

    ami = await BareAmi.connect(ADDRESS, relay.port, stage.ami_secret, count)
    try:
        began = time.monotonic()
        async with asyncio.timeout(_LIMIT_S):
            await ami.send("CoreShowChannels")
            await complete.wait()
        took_ms = (time.monotonic() - began) * 1000
    finally:
        ami.close()
    assert listed == channels, (listed, channels)
    return took_ms


def resync_measure(mine: list[float], bare: list[float], plan: Plan) -> Measure:
    name = f"resync after reconnect, {plan.resync_calls:,} live calls"
    return ratio(name, "ms", mine, "CoreShowChannels itself", bare, 1.5)
