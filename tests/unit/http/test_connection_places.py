"""The connections of other instances do not count as those of one client."""

from __future__ import annotations

import asyncio
from typing import Any

from bridge.config.file_descriptors import ConnectionLimits
from bridge.http.connection_places import ConnectionPlaces


class _Transport(asyncio.Transport):
    closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 40_000) if name == "peername" else default

    def write(self, data: Any) -> None:
        """The refusal."""

    def close(self) -> None:
        self.closed = True


async def test_connections_of_an_instance_count_in_total_only() -> None:
    places = ConnectionPlaces(ConnectionLimits(total=4, per_address=1))
    first = places.take(_Transport())
    assert first is not None
    refused = _Transport()
    assert places.take(refused) is None
    assert refused.closed
    first = places.without_address(first)
    assert places.without_address(first) == first  # said with each request
    others = []
    for _ in range(3):
        taken = places.take(_Transport())
        assert taken is not None
        others.append(places.without_address(taken))
    assert places.take(_Transport()) is None  # the total holds
    for place in (first, *others):
        places.leave(place)
    assert places.take(_Transport()) is not None
    places.close()
