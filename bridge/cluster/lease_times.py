"""How long a lease lives, and how often it is renewed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """All in seconds.

    `fence_s` counts from the start of the last renewal that succeeded, by the clock of this
    machine. It is shorter than `ttl_s`, which the database counts from a later moment. So the old
    holder has stopped before another may begin, however long the answer took.
    """

    ttl_s: float = 5.0
    renew_s: float = 1.5
    fence_s: float = 4.0
    look_s: float = 1.0
    """How often free leases are looked for; each round is up to a fifth shorter or longer."""
    answer_s: float = 1.0
    """How long the database may take for one statement, or to connect."""
    retry_s: float = 0.2
    """The pause after a statement that failed."""
    unchanged_s: float = 4.0
    """A lease that has run out is taken if nobody was seen to renew it for so long, at least
    `fence_s`. So a jump of the database's clock takes nothing from a holder that may still act."""
    share_wait_s: float = 2.0
    """A free lease is left to instances that have less; after so long it is taken anyway."""
    settled_s: float = 10.0
    """Leases are handed to another instance once it has lived so long."""
    hand_over_s: float = 5.0
    """How long the work for a resource may take to end before its lease is released."""
