"""Which PBXs there are, and which one an organization is on."""

from __future__ import annotations

from typing import Protocol


class Placements(Protocol):
    """Nothing of it waits for the database."""

    @property
    def pbx_names(self) -> tuple[str, ...]:
        """The names of all PBXs, in a lasting order."""

    def pbx_of_organization(self, organization: str) -> str:
        """The name of the PBX that the organization's phones and calls are on."""


class OnePbx:
    """All organizations are on the one PBX that there is."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def pbx_names(self) -> tuple[str, ...]:
        """Its name."""
        return (self._name,)

    def pbx_of_organization(self, _organization: str) -> str:
        """Its name, whatever the organization is."""
        return self._name
