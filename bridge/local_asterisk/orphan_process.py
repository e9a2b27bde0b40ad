"""Ends a process that an earlier run of the service left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path


async def end_orphan_process(pid: int, argument: bytes, *, timeout_s: float) -> None:
    """End the process `pid` if `argument` is in its command line, and wait for its end.

    Pids are reused: a process without the argument is left alone. After `timeout_s` it is
    ended by force, and waited for as long again; TimeoutError if it is still there.
    """
    try:
        # Held open, it means this process even if the pid is given to another one.
        handle = os.pidfd_open(pid)
    except OSError:  # there is none
        return
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if arguments == [b""]:
            # It is ending, and may still hold its ports; or it is a thread of the kernel.
            with contextlib.suppress(TimeoutError):
                await _wait_for_end(handle, timeout_s)
            return
        if argument not in arguments:
            return
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        try:
            await _wait_for_end(handle, timeout_s)
        except TimeoutError:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            await _wait_for_end(handle, timeout_s)
    except (FileNotFoundError, ProcessLookupError):
        return
    finally:
        os.close(handle)


async def _wait_for_end(handle: int, timeout_s: float) -> None:
    """A pidfd becomes readable when the last thread of its process is gone."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(timeout_s):
            await ended.wait()
    finally:
        loop.remove_reader(handle)
