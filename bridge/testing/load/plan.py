"""The plan of a load run: how many calls, of which kind, against which machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from bridge.testing.softphones.sipp_behaviour import SippBehaviour, answers, refuses, rings

CALLS_PER_SECOND_MAX, DURATION_S_MAX, LIVE_MAX = 200.0, 3600.0, 1000


class Scenario(StrEnum):
    """How each call goes: the destination answers or refuses; or the source only rings."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"

    @property
    def of_source(self) -> SippBehaviour:
        """Of the SIPp phone of the source."""
        return rings() if self is Scenario.NO_ANSWER else answers()

    @property
    def of_destination(self) -> SippBehaviour:
        """Of the SIPp phone of the destination."""
        return refuses(486, "Busy Here", ring_ms=20) if self is Scenario.BUSY else answers()

    @property
    def disposition(self) -> int:
        """That a call of this scenario must end with."""
        return {Scenario.ANSWERED: 0, Scenario.BUSY: 1, Scenario.NO_ANSWER: 3}[self]


class NotAllowed(Exception):
    """`str()` names the address, and the option that would allow it."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`talk_s`: the app hangs up so long after the answer. Phones are extensions."""

    calls_per_second: float
    duration_s: float
    scenario: Scenario
    source: str
    destination: str
    talk_s: float = 0.2

    @property
    def calls(self) -> int:
        """How many the run begins."""
        return max(1, round(self.calls_per_second * self.duration_s))


def check_address(host: str, allowed: Collection[str]) -> None:
    """Raises NotAllowed for a host that is not this machine, and that nobody has named."""
    if host in allowed or host == "localhost":
        return
    try:
        if ipaddress.ip_address(host.strip("[]")).is_loopback:
            return
    except ValueError:
        pass  # a name: it may lead anywhere
    raise NotAllowed(f"{host} is not this machine: allow it with --allow {host}")
