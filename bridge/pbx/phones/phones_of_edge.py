"""The part of the edge that the link to the PBX needs."""

from __future__ import annotations

from typing import Protocol


class PhonesOfEdge(Protocol):
    """Phones register at the edge, and the PBX calls them through it."""

    @property
    def endpoint(self) -> str:
        """The endpoint by which the PBX asks whether the edge lives: `PJSIP/edge`."""

    async def is_registered(self, number: str) -> bool:
        """Whether a phone of that number (`0003*210`) is registered now. Raises PbxUnavailable."""
