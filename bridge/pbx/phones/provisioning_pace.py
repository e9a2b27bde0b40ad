"""How fast phones are made: no faster than Asterisk digests them.

Each object that is made queues work in Asterisk, up to 100 ms for an aor while there are thousands
of phones. While a queue is longer than 500, PJSIP answers no request of anybody (unless
`taskprocessor_overload_trigger` is `pjsip_only`). Our rights do not show the queue, but a probe
does. An aor with a contact makes its endpoint `online` once all aors before it are done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from types import TracebackType

import structlog

from bridge.pbx.ari.errors import AriError
from bridge.pbx.phones.phone_objects import MARK_FIELD, MARK_PREFIX
from bridge.pbx.phones.phone_store import PhoneStore

log = structlog.get_logger()

BATCH = 100
"""Each phone queues at most two pieces of work, and others may queue too: far from 500."""

PROBE = "uapi-bridge-probe"
_LOOK_EVERY_S = 0.1
_PATIENCE_S = 120.0
"""More than the slowest Asterisk that was seen takes for a batch."""

# No call can use it: it matches no address, its context does not exist, and its contact is the
# discard port. Were it left over, the next run would remove it by its mark.
_PROBE_ENDPOINT = {
    "aors": PROBE,
    "identify_by": "ip",
    "context": PROBE,
    "disallow": "all",
    "allow": "ulaw",
}
_PROBE_AOR = {"contact": "sip:127.0.0.1:9", MARK_FIELD: MARK_PREFIX + "probe"}


class ProvisioningPace:
    """`async with` around a run that changes `total` phones; few are made without waiting, unless
    `exact`."""

    def __init__(self, ari: PhoneStore, total: int, *, exact: bool = False) -> None:
        self._ari = ari
        self._has_probe = self._paced = exact or total > BATCH
        self._present = False

    async def __aenter__(self) -> ProvisioningPace:
        if self._paced:
            await self._ari.delete_dynamic_object("aor", PROBE)  # of a run that ended half-way
            await self._ari.put_dynamic_object("endpoint", PROBE, _PROBE_ENDPOINT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if not self._has_probe:
            return
        try:
            await self._ari.delete_dynamic_object("endpoint", PROBE)
            await self._ari.delete_dynamic_object("aor", PROBE)
        except AriError as why:
            log.warning("provisioning_probe_left", endpoint=PROBE, why=str(why))

    def batches(self, names: Sequence[str]) -> Iterator[Sequence[str]]:
        """The names in their order, at most BATCH at a time."""
        for start in range(0, len(names), BATCH):
            yield names[start : start + BATCH]

    async def keep(self) -> None:
        """Return once Asterisk has digested what was written so far."""
        if not self._paced:
            return
        self._present = not self._present
        if self._present:
            await self._ari.put_dynamic_object("aor", PROBE, _PROBE_AOR)
        else:
            await self._ari.delete_dynamic_object("aor", PROBE)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not await self._is(self._present):  # noqa: ASYNC110 - ARI tells no more
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            log.warning("provisioning_unpaced", why="Asterisk is behind, or shows no probe")
            self._paced = False

    async def _is(self, present: bool) -> bool:
        endpoint = await self._ari.endpoint(PROBE)
        return endpoint is not None and endpoint.online is present
