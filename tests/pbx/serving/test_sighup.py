"""SIGHUP at any time of a service's life: what is asked early is done once it can be."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import cast

import pytest

from bridge.command.reload_signal import ReloadSignal
from bridge.directory.problems import DirectoryError
from bridge.wiring.service import Service


class ReloadableService:
    """Counts its reloads; the first one can be told to fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.reloads: asyncio.Queue[int] = asyncio.Queue()
        self._failure = failure
        self._count = 0

    async def reload(self) -> None:
        self._count += 1
        self.reloads.put_nowait(self._count)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    before = signal.getsignal(signal.SIGHUP)
    with contextlib.ExitStack() as stack:
        yield stack
    signal.signal(signal.SIGHUP, before)


async def test_given_no_service_yet_when_a_sighup_comes_then_the_service_reloads_once_it_is_there(
    stack: contextlib.ExitStack,
) -> None:
    reload_signal = ReloadSignal(stack, asyncio.Event())
    signal.raise_signal(signal.SIGHUP)
    await asyncio.sleep(0)  # the loop takes the signal
    service = ReloadableService()
    reloading = asyncio.create_task(reload_signal.reload_when_asked(cast("Service", service)))
    stack.callback(reloading.cancel)
    async with asyncio.timeout(5):
        assert await service.reloads.get() == 1


@pytest.mark.parametrize("failure", [DirectoryError(()), RuntimeError("x")], ids=["file", "other"])
async def test_given_a_reload_that_fails_when_the_next_signal_comes_then_it_reloads_again(
    stack: contextlib.ExitStack, failure: Exception
) -> None:
    reload_signal = ReloadSignal(stack, asyncio.Event())
    service = ReloadableService(failure)
    reloading = asyncio.create_task(reload_signal.reload_when_asked(cast("Service", service)))
    stack.callback(reloading.cancel)
    async with asyncio.timeout(5):
        for count in (1, 2):
            signal.raise_signal(signal.SIGHUP)
            assert await service.reloads.get() == count
