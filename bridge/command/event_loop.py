"""The event loop of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal


def event_loop_factory(
    chosen: Literal["auto", "asyncio", "uvloop"] = "auto",
) -> Callable[[], asyncio.AbstractEventLoop]:
    """Makes the loop. `auto`: uvloop where it is installed, else the loop of asyncio.

    Raises ImportError if uvloop is chosen and not installed.
    """
    if chosen != "asyncio":
        try:
            import uvloop
        except ImportError:
            if chosen == "uvloop":
                raise
        else:
            return uvloop.new_event_loop
    return asyncio.new_event_loop
