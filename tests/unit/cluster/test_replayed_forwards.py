"""A copy of a forwarded request is known as long as it would be taken."""

from __future__ import annotations

from bridge.cluster.replayed_forwards import ReplayedForwards


def test_a_copy_is_known_until_its_deadline() -> None:
    replays = ReplayedForwards()
    assert replays.is_new("n", 2_000, 0)
    assert not replays.is_new("n", 2_000, 1_999)
    assert not replays.is_new("n", 2_000, 2_000)
    assert replays.is_new("other", 5_000, 2_001)
    assert len(replays) == 1  # the first is forgotten: nobody takes it any more


def test_too_many_at_a_time_are_refused_and_not_forgotten() -> None:
    replays = ReplayedForwards(kept_max=2)
    assert replays.is_new("a", 2_000, 0)
    assert replays.is_new("b", 2_000, 0)
    assert not replays.is_new("c", 2_000, 0)
    assert not replays.is_new("a", 2_000, 0)
    assert replays.is_new("c", 5_000, 2_001)


def test_a_clock_that_is_set_back_does_not_fill_the_places() -> None:
    """The clock of a database that took over may be an hour behind."""
    hour_ms = 3_600_000
    replays = ReplayedForwards(kept_max=2)
    assert replays.is_new("before", hour_ms + 2_000, hour_ms)
    for moment_ms in range(0, 60_000, 3_000):
        assert replays.is_new(f"at {moment_ms}", moment_ms + 2_000, moment_ms)
