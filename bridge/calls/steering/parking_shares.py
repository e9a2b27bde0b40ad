"""How much of the parking lot an organization may fill: all organizations share one lot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.steering.errors import ActionFailed


class ParkingShares:
    """`calls`: the live ones; `per_organization`: how many parties its extensions may have parked.

    A party counts for the organization of the extension that has parked it, by an app or by itself.
    """

    def __init__(self, calls: Iterable[PhoneCall], per_organization: int) -> None:
        self._calls = calls
        self._per_organization = per_organization
        self._under_way: dict[str, str] = {}  # by the id of the call: who parks

    @contextmanager
    def place(self, call_id: str, extension: str) -> Iterator[None]:
        """A place for the party that `extension` parks, kept until the block ends.

        By then the call says that the party is parked. Raises ActionFailed if none is left.
        """
        organization = _organization(extension)
        if self._taken(organization) >= self._per_organization:
            raise ActionFailed(
                f"the organization has parked {self._per_organization} parties, which is its limit"
            )
        self._under_way[call_id] = extension
        try:
            yield
        finally:
            del self._under_way[call_id]

    def _taken(self, organization: str) -> int:
        mine = {x: by for x, by in self._under_way.items() if _organization(by) == organization}
        parked = 0
        for call in self._calls:
            for leg in call.legs:
                if leg.parking is None or leg.parking.by is None or not leg.parked:
                    continue
                if _organization(leg.parking.by) == organization:
                    mine.pop(call.id, None)  # its place is counted as that of the party
                    parked += 1
        return parked + len(mine)


def _organization(extension: str) -> str:
    """`0003` of `0003*210`."""
    return extension.partition("*")[0]
