"""Phones that register at an edge: who can be reached is read from its table, not from the PBX."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.calls.pbx import PbxUnavailable
from bridge.cluster.edge.registered_phones import RegisteredPhones
from bridge.faults import StorageUnavailable
from bridge.pbx.phones.reachability import EndpointStates
from bridge.pbx.phones.registrations import CONTACTS_MAX, Registration, address_of

_PREFIX = "PJSIP/"


class EdgePhones:
    """`pbx_states`: the endpoints as one PBX has them. To it a phone behind the edge is always
    there; the edge itself and trunks are as it says."""

    endpoint = f"{_PREFIX}edge"

    def __init__(self, registered: RegisteredPhones, pbx_states: EndpointStates) -> None:
        self._registered = registered
        self._pbx_states = pbx_states

    async def endpoint_states(self) -> Mapping[str, bool]:
        """Whether each endpoint of the PBX can be reached.

        Raises AriError, StorageUnavailable.
        """
        at_edge = await self._registered.states()
        known = await self._pbx_states()
        return {x: at_edge.get(x.removeprefix(_PREFIX), state) for x, state in known.items()}

    async def is_registered(self, number: str) -> bool:
        """Whether a phone of that number (`0003*210`) is registered now. Raises PbxUnavailable."""
        try:
            return await self._registered.is_registered(number)
        except StorageUnavailable as why:
            raise PbxUnavailable(f"nobody says whether {number} is registered: {why}") from why

    async def of(self, endpoint: str) -> tuple[Registration, ...] | None:
        """The registrations of an endpoint (`PJSIP/0003*210`); None if the table cannot be read."""
        if not endpoint.startswith(_PREFIX):
            return None
        try:
            found = await self._registered.contacts(endpoint.removeprefix(_PREFIX))
        except StorageUnavailable:
            return None
        return tuple(
            Registration(x.agent, address_of(x.reached_by), x.expires_s)
            for x in found[:CONTACTS_MAX]
        )
