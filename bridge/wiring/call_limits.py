"""How many calls there may be, and how fast they may follow each other."""

from __future__ import annotations

from bridge.calls.pace import Pace
from bridge.calls.placing import CallLimits
from bridge.config.settings import Settings


def pace(settings: Settings) -> Pace:
    """The rate of creates, and how long one may wait for its turn."""
    return Pace(settings.calls_per_second, settings.calls_burst, settings.call_queue_wait_ms)


def call_limits(settings: Settings) -> CallLimits:
    """The limits of calls at a time, and how long destinations ring."""
    return CallLimits(
        per_extension=settings.calls_per_extension_max,
        per_user=settings.calls_per_user_max,
        total=settings.calls_max,
        destination_wait_s=settings.destination_wait_s,
    )
