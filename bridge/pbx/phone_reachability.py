"""Which endpoints can be reached: asked of the PBX at every link up, then kept by its events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bridge.calls.pbx_events import PhoneReachability

log = structlog.get_logger()

EndpointStates = Callable[[], Awaitable[Mapping[str, bool]]]
"""Whether each endpoint (`PJSIP/0003*210`) of the PBX can be reached now."""


class ReachableEndpoints:
    """Until the PBX has told about its endpoints, every one counts as reachable."""

    def __init__(self, ask: EndpointStates | None, time_limit_s: float) -> None:
        self._ask = ask
        self._time_limit_s = time_limit_s
        self._states: dict[str, bool] | None = None
        self._told_meanwhile: dict[str, bool] = {}
        self._one_at_a_time = asyncio.Lock()
        self._said = ""  # why they are not known, as the log has it

    def reachable(self, endpoint: str) -> bool:
        if self._states is None:
            return True
        return self._states.get(endpoint, False)

    def apply(self, event: PhoneReachability) -> None:
        self._told_meanwhile[event.endpoint] = event.reachable
        if self._states is not None:
            self._states[event.endpoint] = event.reachable

    @property
    def missing(self) -> bool:
        """Whether there is somebody to ask who has not answered yet."""
        return self._ask is not None and self._states is None

    async def refresh(self) -> None:
        """Ask anew. Without an answer in time, what was known and the events still hold."""
        if self._ask is None:
            return
        async with self._one_at_a_time:
            self._told_meanwhile = {}
            try:
                async with asyncio.timeout(self._time_limit_s):
                    states = await self._ask()
            except Exception as error:
                if repr(error) != self._said:  # it is asked again at every ping
                    log.warning("endpoint_states_unknown", error=repr(error))
                self._said = repr(error)
                return
            self._said = ""
            # An event that came while we asked is newer than the answer.
            self._states = {**states, **self._told_meanwhile}
