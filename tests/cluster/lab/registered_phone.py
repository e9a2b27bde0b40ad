"""A phone that leaves the edge when a test is over, however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.testing.softphones.plain_phone import PlainPhone


@asynccontextmanager
async def registered(phone: PlainPhone) -> AsyncIterator[PlainPhone]:
    """The phone, registered at the edge."""
    await phone.start()
    try:
        yield phone
    except BaseException:
        # The next tests would count it, too. A dead edge does not answer.
        with contextlib.suppress(TimeoutError, OSError):
            await phone.register(0)
        raise
    else:
        await phone.register(0)
    finally:
        await phone.stop()
