"""For what no listener is told about."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")


@overload
async def eventually(
    condition: Callable[[], Awaitable[T | None]],
    timeout: float = ...,
    *,
    why: Callable[[], object] | None = ...,
) -> T: ...


@overload
async def eventually(
    condition: Callable[[], T | None],
    timeout: float = ...,
    *,
    why: Callable[[], object] | None = ...,
) -> T: ...


async def eventually(
    condition: Callable[[], T | Awaitable[T | None] | None],
    timeout: float = 30,
    *,
    why: Callable[[], object] | None = None,
) -> T:
    """The first true value of `condition`, awaited if it is awaitable; looked at again and again.

    AssertionError after `timeout` seconds, with the last value or with what `why` tells then.
    """
    last: object = None
    try:
        async with asyncio.timeout(timeout):
            while True:
                got = condition()
                pause_s = 0.01
                if inspect.isawaitable(got):
                    pause_s = 0.03  # most ask another process, which has other work to do
                    last = await got
                else:
                    last = got
                if last:
                    return cast("T", last)
                await asyncio.sleep(pause_s)  # nothing there to wait on
    except TimeoutError:
        said = why() if why is not None else repr(last)
        raise AssertionError(f"not so after {timeout} s: {said}") from None
