"""What became of deliveries."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.subscription import Subscription

from ..in_process import EventsInProcess
from ..receiver import Received


async def until_finished(
    running: EventsInProcess, subscription: Subscription, time_limit_s: float = 10.0
) -> list[Delivery]:
    async with asyncio.timeout(time_limit_s):
        while True:
            found = await running.deliveries(subscription)
            if all(x.finished_ms is not None for x in found):
                return found
            await asyncio.sleep(0.02)


async def until_attempted(
    running: EventsInProcess, subscription: Subscription, times: int
) -> list[Delivery]:
    """The first delivery has been tried so often."""
    async with asyncio.timeout(10):
        while True:
            found = await running.deliveries(subscription)
            if found[0].attempts >= times:
                return found
            await asyncio.sleep(0.02)


def checked_signature(secret: str, received: Received) -> None:
    """As docs/phone-call-events.md tells receivers to check it."""
    headers = received.headers
    stamp, found = headers["X-Event-Signature"].split(",")
    signed = "\n".join(
        [
            stamp.removeprefix("t="),
            headers["X-Event-Delivery-Id"],
            headers["X-Event-Sequence"],
            headers["X-Event-Attempt"],
            received.method,
            received.target,
        ]
    )
    text = signed.encode() + b"\n" + received.body
    expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    assert found == f"v1={expected}"
    assert abs(time.time() - int(stamp.removeprefix("t="))) < 60
