"""The last stored calls of a PBX whose holder is silent, read at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bridge.calls.state.phone_call import PhoneCall
from bridge.keyed_locks import KeyedLocks

KEPT_S = 1.0
"""Each reading decodes all calls of the PBX, and clients ask again and again meanwhile."""

_Read = Callable[[str], Awaitable[Sequence[PhoneCall]]]


class StoredCalls:
    """`read`: the calls of a PBX without a final record; raises StorageUnavailable."""

    def __init__(self, read: _Read, kept_s: float = KEPT_S) -> None:
        self._read = read
        self._kept_s = kept_s
        self._locks = KeyedLocks()
        self._kept: dict[str, tuple[float, Sequence[PhoneCall]]] = {}

    async def of(self, pbx: str) -> Sequence[PhoneCall]:
        """As of now, or of a second ago. Raises StorageUnavailable."""
        async with self._locks.of(pbx):
            read_s, calls = self._kept.get(pbx, (0.0, ()))
            now_s = asyncio.get_running_loop().time()
            if pbx not in self._kept or now_s - read_s >= self._kept_s:
                calls = await self._read(pbx)
                self._kept[pbx] = now_s, calls
                asyncio.get_running_loop().call_later(self._kept_s, self._forget, pbx, now_s)
            return calls

    def _forget(self, pbx: str, read_s: float) -> None:
        """They would take memory for as long as nobody asks."""
        if self._kept.get(pbx, (None,))[0] == read_s:
            del self._kept[pbx]
