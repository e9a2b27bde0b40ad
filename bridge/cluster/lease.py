"""A lease: the right of one instance to act for a resource, and what others need of leases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

SHARDS = 16
"""The webhooks of all subscriptions are shared out in so many shards."""


def pbx_resource(name: str) -> str:
    """The resource of the PBX of this name."""
    return f"pbx:{name}"


def shard_resource(number: int) -> str:
    """The resource of a shard of webhooks, 0 to `SHARDS` - 1."""
    return f"hooks:{number}"


PURGE = "job:purge"
PLACEMENT = "job:placement"


def all_resources(pbx_names: Iterable[str]) -> tuple[str, ...]:
    """Everything that the instances share out."""
    shards = map(shard_resource, range(SHARDS))
    return (*map(pbx_resource, pbx_names), *shards, PURGE, PLACEMENT)


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` may act for `resource` under `epoch`, and is reached at `url`.

    Each new holder has a greater epoch; the holder before can write nothing under its own.
    """

    resource: str
    holder: str
    epoch: int
    url: str


class LeaseListener(Protocol):
    """Hears what becomes of the leases of this instance.

    The four plain methods must return at once: the renewal of all leases waits for them. A listener
    that has more to do begins a task of its own. A fault of a listener is logged, and harms nobody.

    The order for one lease: `won`; then any number of `paused` and `resumed`; then `lost`.
    """

    def won(self, lease: Lease) -> None:
        """This instance acts for the resource from now on."""

    def paused(self, lease: Lease) -> None:
        """The lease could not be renewed in time: accept, originate and record nothing.

        Another instance may get the resource. To read events and to hang up stays allowed.
        """

    def resumed(self, lease: Lease) -> None:
        """The same lease, with the same epoch, is renewed: nobody else had it meanwhile."""

    def lost(self, lease: Lease) -> None:
        """Act no more for the resource. Also told after a hand-over."""

    async def hand_over(self, lease: Lease) -> None:
        """Come to an orderly end: the lease is kept until this returns, and then released.

        Another instance shall have the resource, or this one stops. It is released after
        `LeaseTimes.hand_over_s` at the latest.
        """


class Leases(Protocol):
    """The leases as this instance knows them. Nothing of it waits for the database."""

    def held(self, resource: str) -> Lease | None:
        """The lease under which this instance may act for the resource at this moment."""

    def holder_of(self, resource: str) -> Lease | None:
        """The lease of the resource as last read; None if it was free. Its holder may be dead."""

    def listen(self, prefix: str, listener: LeaseListener) -> None:
        """Tell the listener of all resources that begin with `prefix`, such as `pbx:`."""

    async def look_again(self) -> None:
        """Return once the holders have been read anew.

        Raises StorageUnavailable if the database does not answer; it takes about a second at most.
        """
