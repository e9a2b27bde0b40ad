"""Leases that a test gives and takes by itself, without a database."""

from __future__ import annotations

from collections import defaultdict

from bridge.cluster.hints import Hear
from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease, LeaseListener


class FakeLeases:
    """Implements `Leases` and `Instances` for the instance `own`."""

    def __init__(self, own: str = "a", url: str = "http://127.0.0.1:8080") -> None:
        self.own = own
        self.url = url
        self.instances: tuple[Instance, ...] = ()
        self.looks = 0
        self._epochs: defaultdict[str, int] = defaultdict(int)
        self._holders: dict[str, Lease] = {}
        self._paused: set[str] = set()
        self._listeners: list[tuple[str, LeaseListener]] = []

    def held(self, resource: str) -> Lease | None:
        lease = self._holders.get(resource)
        mine = lease is not None and lease.holder == self.own and resource not in self._paused
        return lease if mine else None

    def holder_of(self, resource: str) -> Lease | None:
        return self._holders.get(resource)

    def listen(self, prefix: str, listener: LeaseListener) -> None:
        self._listeners.append((prefix, listener))

    async def look_again(self) -> None:
        self.looks += 1

    def all_instances(self) -> tuple[Instance, ...]:
        return self.instances

    def win(self, resource: str) -> Lease:
        """This instance gets it."""
        lease = self.give(resource, self.own, self.url)
        for listener in self._of(resource):
            listener.won(lease)
        return lease

    def give(self, resource: str, holder: str, url: str) -> Lease:
        """Another instance gets it; this one loses it, if it had it."""
        self.lose(resource)
        self._epochs[resource] += 1
        lease = self._holders[resource] = Lease(resource, holder, self._epochs[resource], url)
        return lease

    def lose(self, resource: str) -> None:
        """Nobody has it any more."""
        lease = self._holders.pop(resource, None)
        self._paused.discard(resource)
        if lease is not None and lease.holder == self.own:
            for listener in self._of(resource):
                listener.lost(lease)

    def pause(self, resource: str) -> None:
        self._paused.add(resource)
        for listener in self._of(resource):
            listener.paused(self._holders[resource])

    def resume(self, resource: str) -> None:
        self._paused.discard(resource)
        for listener in self._of(resource):
            listener.resumed(self._holders[resource])

    async def release(self, resource: str) -> None:
        """The hand-over of a lease of this instance, as at a stop."""
        for listener in self._of(resource):
            await listener.hand_over(self._holders[resource])
        self.lose(resource)

    def _of(self, resource: str) -> list[LeaseListener]:
        return [x for prefix, x in self._listeners if resource.startswith(prefix)]


class FakeHints:
    """Implements `Hints`; what is given is heard at once, and stands in `given`."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []
        self._hear: defaultdict[str, list[Hear]] = defaultdict(list)

    def listen(self, channel: str, hear: Hear) -> None:
        self._hear[channel].append(hear)

    def notify(self, channel: str, payload: str) -> None:
        self.given.append((channel, payload))
        for hear in self._hear[channel]:
            hear(payload)
