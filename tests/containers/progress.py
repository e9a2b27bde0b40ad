"""Says what takes long, so that nobody waits for minutes without a word."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

_AGAIN_S = 10.0

Say = Callable[[str], None]
"""Shows one line."""


@contextmanager
def said_on_terminal(config: pytest.Config) -> Iterator[Say]:
    """Lines on the real stderr, which pytest captures."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    with stderr:
        yield lambda line: print(line, file=stderr, flush=True)


@contextmanager
def step(say: Say, what: str, again_s: float = _AGAIN_S) -> Iterator[None]:
    """Say that `what` begins, every `again_s` seconds how long it has taken, and how it ends."""
    begun = time.monotonic()
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(again_s):
            say(f"  {what}: {time.monotonic() - begun:.0f} s so far")

    say(f"{what} ...")
    telling = threading.Thread(target=go_on, name="progress", daemon=True)
    telling.start()
    end = "failed"
    try:
        yield
        end = "done"
    finally:
        over.set()
        telling.join()
        say(f"{what}: {end} after {time.monotonic() - begun:.0f} s")
