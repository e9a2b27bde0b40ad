"""The part of AriClient that making phones needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bridge.pbx.ari.client import AriEndpoint


class PhoneStore(Protocol):
    """Every method raises AriError."""

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        """All endpoints of that technology."""

    async def endpoint(self, name: str, technology: str = "PJSIP") -> AriEndpoint | None:
        """The endpoint of that name; None if there is none."""

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
        """The fields of a res_pjsip object (`auth`, `aor`, `endpoint`); None if there is none."""

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        """Make the object, or change these fields of it."""

    async def delete_dynamic_object(self, kind: str, name: str) -> bool:
        """Delete the object. False if there is none."""
