"""How many wrong secrets an address may send, and whom that locks out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.access import buckets, guess_guard
from bridge.access.guess_guard import GuessGuard, GuessLimits, TooManyGuesses

ATTACKER, GOOD = "192.0.2.66", "192.0.2.1"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> GuessGuard:
    return GuessGuard(GuessLimits(per_client=5, per_address=12, window_s=60), clock)


def guess(guard: GuessGuard, remote: str, client: str, number: int) -> int:
    """So many wrong secrets; how many of them were looked at."""
    for done in range(number):
        try:
            guard.check(remote, client, f"guess {done}")
        except TooManyGuesses:
            return done
        guard.failed(remote, client)
    return number


def passes(guard: GuessGuard, remote: str, client: str, secret: str) -> bool:
    try:
        guard.check(remote, client, secret)
    except TooManyGuesses:
        return False
    return True


def test_wrong_secrets_are_limited_by_client_and_in_all(guard: GuessGuard) -> None:
    assert guess(guard, ATTACKER, "one", 1000) == 5
    assert guess(guard, ATTACKER, "two", 1000) == 5
    assert guess(guard, ATTACKER, "three", 1000) == 2
    assert guess(guard, ATTACKER, "four", 1000) == 0


def test_another_address_is_not_locked_out(guard: GuessGuard) -> None:
    guess(guard, ATTACKER, "one", 1000)
    assert passes(guard, GOOD, "one", "right")


def test_what_was_right_from_the_same_address_before_goes_on(guard: GuessGuard) -> None:
    guard.succeeded(ATTACKER, "one", "right")
    guess(guard, ATTACKER, "one", 1000)
    guess(guard, ATTACKER, "two", 1000)
    assert passes(guard, ATTACKER, "one", "right")
    assert not passes(guard, ATTACKER, "one", "wrong")
    assert not passes(guard, ATTACKER, "two", "right")


def test_one_more_is_allowed_after_a_share_of_the_window(guard: GuessGuard, clock: Clock) -> None:
    guess(guard, ATTACKER, "one", 1000)
    with pytest.raises(TooManyGuesses) as refusal:
        guard.check(ATTACKER, "one", "x")
    assert refusal.value.retry_after_s == 12
    clock.now_s += refusal.value.retry_after_s
    assert guess(guard, ATTACKER, "one", 1000) == 1
    clock.now_s += 60
    assert guess(guard, ATTACKER, "one", 1000) == 5


def test_0_is_no_limit(clock: Clock) -> None:
    assert guess(GuessGuard(GuessLimits(0, 0, 60), clock), ATTACKER, "one", 1000) == 1000


@pytest.mark.parametrize(
    ("act", "kept_open"),
    [
        (lambda guard, x: guard.failed(f"192.0.2.{x}", "one"), False),
        (lambda guard, x: guard.failed(GOOD, f"client {x}"), False),
        (lambda guard, x: guard.succeeded(GOOD, "one", f"secret {x}"), True),
    ],
)
def test_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
    guard: GuessGuard,
    act: Callable[[GuessGuard, int], None],
    *,
    kept_open: bool,
) -> None:
    """The oldest is forgotten: who was locked out is let in, or who was known is locked out."""
    for module in (buckets, guess_guard):
        monkeypatch.setattr(module, "KEPT", 50)
    if kept_open:
        guard.succeeded(ATTACKER, "one", "secret")
    guess(guard, ATTACKER, "one", 1000)
    for number in range(49):
        act(guard, number)
    assert passes(guard, ATTACKER, "one", "secret") is kept_open
    act(guard, 100)
    assert passes(guard, ATTACKER, "one", "secret") is not kept_open
