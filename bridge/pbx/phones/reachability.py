"""Which endpoints can be reached: asked of the PBX at every link up, then kept by its events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bridge.calls.state.pbx_events import PhoneReachability, PhoneRegistered, PhoneUnregistered

log = structlog.get_logger()

EndpointStates = Callable[[], Awaitable[Mapping[str, bool]]]
"""Whether each endpoint (`PJSIP/0003*210`) of the PBX can be reached now."""


JUST_REGISTERED_S = 5.0
"""More than a phone may take to answer that it is there (Asterisk's qualify_timeout: 3 s)."""


class ReachableEndpoints:
    """Until the PBX has told about its endpoints, every one counts as reachable.

    So does one whose phone registered a moment ago: the PBX says so only after it was asked.
    """

    def __init__(
        self,
        ask: EndpointStates | None,
        time_limit_s: float,
        clock: Callable[[], float] = time.monotonic,
        behind: str | None = None,
    ) -> None:
        """`behind`: the endpoint of the edge that all phones are behind; None: there is no edge."""
        self._behind = behind
        self._ask = ask
        self._time_limit_s = time_limit_s
        self._states: dict[str, bool] | None = None
        self._told_meanwhile: dict[str, bool] = {}
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0  # how many times it has been asked
        self._said = ""  # why they are not known, as the log has it
        self._clock = clock
        self._registered: dict[str, tuple[str, float]] = {}  # contact, and when

    def reachable(self, endpoint: str) -> bool:
        """Whether a call can reach the endpoint.

        True while no states are known, and for JUST_REGISTERED_S after a registration.
        """
        if self._states is None:
            return True
        if self.edge_is_dead:
            return False
        if self._states.get(endpoint, False):
            return True
        _, registered_s = self._registered.get(endpoint, ("", -JUST_REGISTERED_S))
        return self._clock() - registered_s < JUST_REGISTERED_S

    @property
    def edge_is_dead(self) -> bool:
        """Whether the edge has not answered the PBX: then no phone can be reached."""
        return self._behind is not None and not (self._states or {}).get(self._behind, True)

    def why_unreachable(self, endpoint: str) -> str:
        """Empty if it can be reached, or if its state is unknown."""
        if self._states is None or self.reachable(endpoint):
            return ""
        if self.edge_is_dead:
            return "the edge does not answer"
        if endpoint not in self._states:
            return f"no endpoint {endpoint} on the PBX"
        return f"no phone is registered at {endpoint}"

    def registered(self, event: PhoneRegistered) -> None:
        """A phone has registered: it counts as reachable for JUST_REGISTERED_S."""
        self._registered[event.endpoint] = (event.contact, self._clock())

    def unregistered(self, event: PhoneUnregistered) -> None:
        """Of a phone that has left; not of one whose place the newest has taken."""
        if self._registered.get(event.endpoint, ("", 0.0))[0] == event.contact:
            del self._registered[event.endpoint]

    def apply(self, event: PhoneReachability) -> None:
        """Take a change of state; it also corrects a list of states that was asked for before
        it."""
        self._told_meanwhile[event.endpoint] = event.reachable
        if self._states is not None:
            self._states[event.endpoint] = event.reachable

    @property
    def missing(self) -> bool:
        """Whether no list of states has arrived yet, although one can be asked for."""
        return self._ask is not None and self._states is None

    async def refresh(self) -> None:
        """Ask anew. Without an answer in time, what was known and the events still hold.

        All who come while one answer is awaited share the next: it is as new as each of them needs.
        """
        if self._ask is None:
            return
        begun_before = self._begun
        async with self._one_at_a_time:
            if self._begun > begun_before:
                return
            self._begun += 1
            self._told_meanwhile = {}
            try:
                async with asyncio.timeout(self._time_limit_s):
                    states = await self._ask()
            except Exception as error:
                if repr(error) != self._said:  # it is asked again at every ping
                    log.warning("endpoint_states_unknown", why=repr(error))
                self._said = repr(error)
                return
            self._said = ""
            # An event that came while we asked is newer than the answer.
            self._states = {**states, **self._told_meanwhile}
