"""Growing delays with jitter."""

from __future__ import annotations

import random

from bridge.pbx.ami.reconnect_delay import ReconnectDelay


def test_it_doubles_up_to_its_maximum_and_starts_anew() -> None:
    delay = ReconnectDelay(0.5, 30, random.Random(1))
    for full in (0.5, 1, 2, 4, 8, 16, 30, 30, 30):
        assert full * 0.75 <= delay.next() <= full
    delay.reset()
    assert delay.next() <= 0.5


def test_two_links_do_not_share_anything() -> None:
    first, second = ReconnectDelay(0.5, 30), ReconnectDelay(0.5, 30)
    for _ in range(5):
        first.next()
    assert second.next() <= 0.5
