"""Finds the party of an endpoint or a dialled number, for the transition function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KnownParty:
    """An extension of the directory. `is_service`: a queue, IVR or conference, not a phone;
    `is_ivr`: the second of these."""

    extension: str
    user_id: int
    organization: str
    is_service: bool = False
    is_ivr: bool = False


class PartyLookup(Protocol):
    """Pure look-ups in the directory in force."""

    def by_endpoint(self, endpoint: str) -> KnownParty | None:
        """The extension whose phone is this endpoint (`PJSIP/0003*210`)."""

    def by_number(self, number: str) -> KnownParty | None:
        """The extension with this extended number (`0003*210`)."""

    def by_public_number(self, number: str) -> KnownParty | None:
        """The extension that is called from outside by this number (`5550003210`)."""
