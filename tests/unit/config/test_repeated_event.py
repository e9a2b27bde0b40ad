"""An event that anybody can cause: the number of times belongs to no request."""

from __future__ import annotations

import structlog

from bridge.config.repeated_event import RepeatedEvent
from bridge.testing.eventually import eventually


async def test_given_events_of_requests_when_their_number_is_told_then_in_the_name_of_none() -> (
    None
):
    told: list[tuple[int, object]] = []

    def tell(times: int) -> None:
        told.append((times, structlog.contextvars.get_contextvars().get("request_id")))

    event = RepeatedEvent(tell, interval_s=0.01)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        for _ in range(3):
            event.happened()
    await eventually(lambda: len(told) == 2)
    event.close()
    assert told == [(1, "r1"), (2, None)]
