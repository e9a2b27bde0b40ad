"""Expectations of a flow: each one waits, and its failure says expected, seen and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bridge.testing.journal import Journal, now_ms

T = TypeVar("T")
_LOOK_AGAIN_S = 0.03
_STATES_SHOWN = 12


class FlowFailure(AssertionError):
    """Something that a flow expects did not come. `str()` has what was expected, what was seen
    instead, and when."""


@dataclass(frozen=True)
class Seen(Generic[T]):
    """One look: whether it is as expected, how it reads, and the value that the flow gets.

    `final`: it cannot change any more, so there is nothing to wait for.
    """

    as_expected: bool
    text: str
    value: T
    final: bool = False


async def expect(
    journal: Journal,
    expected: str,
    look: Callable[[], Awaitable[Seen[T]]],
    within_s: float,
    *,
    call_id: str = "",
) -> T:
    """Look again and again until it is as expected; returns the value of that look.

    Raises FlowFailure after `within_s` seconds, or at once if what was seen is final.
    """
    began_ms = now_ms()
    states: list[tuple[float, str]] = []
    while True:
        seen = await look()
        passed_s = (now_ms() - began_ms) / 1000
        if not states or states[-1][1] != seen.text:
            states.append((passed_s, seen.text))
        if seen.as_expected:
            journal.step(expected, kind="expected", call_id=call_id)
            return seen.value
        if seen.final or passed_s >= within_s:
            break
        await asyncio.sleep(_LOOK_AGAIN_S)  # the API and phones are asked again
    failure = FlowFailure(_told(expected, states, within_s, passed_s, began_ms))
    journal.step(expected, kind="failed", detail=states[-1][1], call_id=call_id)
    raise failure


def fail(journal: Journal, expected: str, seen: str, *, call_id: str = "") -> FlowFailure:
    """The failure of an expectation that does not wait, to be raised."""
    journal.step(expected, kind="failed", detail=seen, call_id=call_id)
    return FlowFailure(_told(expected, [(0.0, seen)], 0.0, 0.0, now_ms()))


def _told(
    expected: str,
    states: list[tuple[float, str]],
    within_s: float,
    passed_s: float,
    began_ms: float,
) -> str:
    clock = datetime.fromtimestamp(began_ms / 1000).astimezone().strftime("%H:%M:%S.%f")[:-3]
    seen, _, log = states[-1][1].partition("\n")
    lines = [
        f"expected: {expected}" + (f" within {within_s:g} s" if within_s else ""),
        f"seen:     {seen}",
        f"when:     from {clock}" + (f", for {min(within_s, passed_s):.3g} s" if within_s else ""),
    ]
    if log:  # of a phone: long, and the report has its messages as well
        return "\n".join([*lines, log])
    if len(states) > 1:
        lines += [f"  +{at:.2f} s  {text}" for at, text in states[-_STATES_SHOWN:]]
    return "\n".join(lines)
