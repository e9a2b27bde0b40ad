"""Which leases an instance takes, and which it hands to others: the same share for each. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

PBX = "pbx"
"""The kind of the leases of PBXs, as `kind_of` tells it."""


@dataclass(frozen=True, slots=True)
class Free:
    """A resource that this instance may claim. `since_s`: for how long it was seen to be free."""

    resource: str
    since_s: float


def kind_of(resource: str) -> str:
    """Resources are shared out by kind, so that each instance gets some of each: `pbx`, `hooks`."""
    return resource.partition(":")[0]


def share(resources: int, instances: int) -> int:
    """How many of one kind an instance takes while others can take the rest."""
    return -(-resources // max(1, instances))


def claims(
    all_resources: Collection[str],
    mine: Collection[str],
    free: Sequence[Free],
    takers: int,
    share_wait_s: float,
) -> list[str]:
    """The resources to claim, in the order of `free`.

    `mine`: those that this instance has. `takers`: the instances that take leases, this one
    included. One that nobody has taken for `share_wait_s` is claimed by all.
    """
    total = Counter(map(kind_of, all_resources))
    has = Counter(map(kind_of, mine))
    chosen = []
    for one in free:
        kind = kind_of(one.resource)
        if has[kind] < share(total[kind], takers) or one.since_s >= share_wait_s:
            has[kind] += 1
            chosen.append(one.resource)
    return chosen


def surplus(
    all_resources: Collection[str], mine: Sequence[str], of_others: Mapping[str, Collection[str]]
) -> list[str]:
    """The resources to release, so that others can take them; the last ones of `mine` first.

    `of_others`: by the names of the other instances that take leases, the resources of each. An
    instance that has more than its share releases down to it. One that has its share releases one,
    if another has less than the share of all would be without the remainder.
    """
    if not of_others:
        return []
    total = Counter(map(kind_of, all_resources))
    counts = {name: Counter(map(kind_of, x)) for name, x in of_others.items()}
    of_kind: defaultdict[str, list[str]] = defaultdict(list)
    for resource in mine:
        of_kind[kind_of(resource)].append(resource)
    released = []
    for kind, held in of_kind.items():
        instances = len(of_others) + 1
        most, least = share(total[kind], instances), total[kind] // instances
        too_many = len(held) - most
        if too_many <= 0:
            wanted = any(x[kind] < least for x in counts.values())
            too_many = 1 if wanted and len(held) > least else 0
        released += held[len(held) - too_many :]
    return released
