"""The leases that this instance has, until when it may act under them, and who hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import structlog

from bridge.cluster.lease import Lease, LeaseListener
from bridge.supervision.tasks import awaited

log = structlog.get_logger()

FROZEN_S = 0.5
"""A pause that is noticed so much too late was a freeze of the process. The renewal is due by then
as well, so only its outcome is logged."""


@dataclass(slots=True)
class _Held:
    lease: Lease
    until_s: float
    paused_at_s: float | None = None


class HeldLeases:
    """Each lease may be used until `fence_s` after the start of its last renewal, by `clock`.

    `why_not_renewed` says what keeps the database from renewing them, for the log.
    """

    def __init__(
        self, fence_s: float, clock: Callable[[], float], why_not_renewed: Callable[[], str]
    ) -> None:
        self._fence_s = fence_s
        self._clock = clock
        self._why_not_renewed = why_not_renewed
        self._held: dict[str, _Held] = {}
        self._listeners: list[tuple[str, LeaseListener]] = []
        self._timer: asyncio.TimerHandle | None = None

    def listen(self, prefix: str, listener: LeaseListener) -> None:
        """As `Leases.listen`; leases that are held already are told at once."""
        self._listeners.append((prefix, listener))
        for held in list(self._held.values()):
            if held.lease.resource.startswith(prefix):
                self._safely(listener.won, held.lease)

    def usable(self, resource: str) -> Lease | None:
        """The lease, unless its time is over by now."""
        held = self._held.get(resource)
        if held is None or held.paused_at_s is not None or held.until_s <= self._clock():
            return None
        return held.lease

    def all(self) -> list[Lease]:
        """Those that are not lost, usable or not, in the order in which they were won."""
        return [x.lease for x in self._held.values()]

    def has(self, lease: Lease) -> bool:
        """Whether this very lease is not lost."""
        held = self._held.get(lease.resource)
        return held is not None and held.lease == lease

    def win(self, lease: Lease, started_s: float) -> None:
        """It was claimed by a statement that began at `started_s`."""
        self._held[lease.resource] = _Held(lease, started_s + self._fence_s)
        self._set_timer()
        for listener in self._of(lease):
            self._safely(listener.won, lease)

    def renew(self, resources: Collection[str], started_s: float) -> None:
        """They were renewed by a statement that began at `started_s`."""
        now_s = self._clock()
        resumed: list[_Held] = []
        for resource in resources:
            held = self._held.get(resource)
            if held is None:
                continue
            held.until_s = max(held.until_s, started_s + self._fence_s)
            if held.paused_at_s is not None and held.until_s > now_s:
                resumed.append(held)
        self._set_timer()
        if not resumed:
            return
        paused_s = max(now_s - (x.paused_at_s or now_s) for x in resumed)
        log.warning(
            "leases_resumed", leases=_named(x.lease for x in resumed), lasted_s=round(paused_s, 1)
        )
        for held in resumed:
            held.paused_at_s = None
            for listener in self._of(held.lease):
                self._safely(listener.resumed, held.lease)

    def lose(self, leases: Collection[Lease], why: str) -> None:
        """Another instance has them, or may have them at any moment."""
        if mine := [x for x in leases if self.has(x)]:
            log.warning("leases_lost", leases=_named(mine), why=why)
            self._forget(mine)

    def give_up(self, lease: Lease, why: str) -> None:
        """The work for it has ended, and it is about to be released."""
        if self.has(lease):
            log.info("lease_released", resource=lease.resource, epoch=lease.epoch, why=why)
            self._forget([lease])

    async def hand_over(self, lease: Lease, limit_s: float) -> None:
        """Return once all listeners have ended their work, or after `limit_s`."""
        work = [awaited(x.hand_over(lease), "hand_over") for x in self._of(lease)]
        if not work:
            return
        done, late = await asyncio.wait(work, timeout=limit_s)
        for task in done:
            if not task.cancelled() and (fault := task.exception()) is not None:
                log.error(
                    "lease_listener_failed",
                    callback="hand_over",
                    resource=lease.resource,
                    exc_info=fault,
                )
        if late:
            log.warning("hand_over_took_too_long", resource=lease.resource, took_s=limit_s)
        for task in late:
            task.cancel()

    def _forget(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            del self._held[lease.resource]
            for listener in self._of(lease):
                self._safely(listener.lost, lease)
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ends = [x.until_s for x in self._held.values() if x.paused_at_s is None]
        if ends:
            delay_s = max(0.0, min(ends) - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._pause)

    def _pause(self) -> None:
        now_s = self._clock()
        over = [x for x in self._held.values() if x.paused_at_s is None and x.until_s <= now_s]
        if over and now_s - min(x.until_s for x in over) < FROZEN_S:
            log.error(
                "leases_paused", leases=_named(x.lease for x in over), why=self._why_not_renewed()
            )
        for held in over:
            held.paused_at_s = now_s
            for listener in self._of(held.lease):
                self._safely(listener.paused, held.lease)
        self._set_timer()

    def _of(self, lease: Lease) -> list[LeaseListener]:
        return [x for prefix, x in self._listeners if lease.resource.startswith(prefix)]

    def _safely(self, tell: Callable[[Lease], None], lease: Lease) -> None:
        try:
            tell(lease)
        except Exception:
            log.exception("lease_listener_failed", callback=tell.__name__, resource=lease.resource)


def _named(leases: Iterable[Lease]) -> dict[str, int]:
    """The epochs by resource."""
    return {x.resource: x.epoch for x in leases}
