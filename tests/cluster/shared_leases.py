"""Leases as several instances in one process see them; the test gives and takes them."""

from __future__ import annotations

from collections.abc import Callable

from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease, LeaseListener, pbx_resource


class SharedLeases:
    """The truth. `url_of`: where the others reach an instance; `names`: of those that live."""

    def __init__(self, url_of: Callable[[str], str]) -> None:
        self._url_of = url_of
        self.names: list[str] = []
        self._leases: dict[str, Lease] = {}
        self._epoch = 0

    def give(self, pbx: str, holder: str) -> Lease:
        """Under a new epoch."""
        self._epoch += 1
        resource = pbx_resource(pbx)
        lease = self._leases[resource] = Lease(resource, holder, self._epoch, self._url_of(holder))
        return lease

    def put(self, lease: Lease) -> None:
        """Of a holder that is no instance of the test."""
        self._leases[lease.resource] = lease

    def free(self, pbx: str) -> None:
        self._leases.pop(pbx_resource(pbx), None)

    def url_of(self, name: str) -> str:
        return self._url_of(name)

    def get(self, resource: str) -> Lease | None:
        return self._leases.get(resource)


class LeasesOf:
    """As the instance `name` sees them. `lags`: leases that it still believes to be so, until it
    looks again; with `lag_stays` also after that."""

    def __init__(self, shared: SharedLeases, name: str) -> None:
        self._shared = shared
        self._name = name
        self.own = name
        self.lags: dict[str, Lease | None] = {}
        self.lag_stays = False
        self.looks = 0

    def held(self, resource: str) -> Lease | None:
        lease = self._shared.get(resource)
        return lease if lease is not None and lease.holder == self._name else None

    def holder_of(self, resource: str) -> Lease | None:
        return self.lags[resource] if resource in self.lags else self._shared.get(resource)

    def listen(self, prefix: str, listener: LeaseListener) -> None:
        """Nobody is told here."""

    def all_instances(self) -> tuple[Instance, ...]:
        return tuple(
            Instance(x, self._shared.url_of(x), True, 0, False, "", "") for x in self._shared.names
        )

    async def look_again(self) -> None:
        self.looks += 1
        if not self.lag_stays:
            self.lags.clear()
