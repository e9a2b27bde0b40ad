"""What became of deliveries."""

from __future__ import annotations

import hashlib
import hmac
import time

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.subscription import Subscription
from bridge.testing.eventually import eventually
from bridge.testing.webhook_receiver import Received

from .in_process import EventsInProcess


async def until_finished(
    running: EventsInProcess, subscription: Subscription, time_limit_s: float = 10.0
) -> list[Delivery]:
    found: list[Delivery] = []

    async def finished() -> bool:
        nonlocal found
        found = await running.deliveries(subscription)
        return all(x.finished_ms is not None for x in found)

    await eventually(finished, time_limit_s, why=lambda: found)
    return found


async def until_attempted(
    running: EventsInProcess, subscription: Subscription, times: int
) -> list[Delivery]:
    """The first delivery has been tried so often."""

    async def attempted() -> list[Delivery]:
        found = await running.deliveries(subscription)
        return found if found[0].attempts >= times else []

    return await eventually(attempted, timeout=10)


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
