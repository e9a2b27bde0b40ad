"""The directory in force, as the call state machine asks it."""

from __future__ import annotations

from bridge.calls.state.party_lookup import KnownParty
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Extension, ExtensionType


class DirectoryParties:
    """Implements PartyLookup with the directory in force."""

    def __init__(self, current: CurrentDirectory) -> None:
        self._current = current

    def by_endpoint(self, endpoint: str) -> KnownParty | None:
        return _party(self._current.directory.extensions_by_endpoint.get(endpoint))

    def by_number(self, number: str) -> KnownParty | None:
        return _party(self._current.directory.extensions.get(number))

    def by_public_number(self, number: str) -> KnownParty | None:
        """The extension with this public number, with or without its +."""
        numbers = self._current.directory.extensions_by_public_number
        return _party(numbers.get(number.removeprefix("+")))


def _party(extension: Extension | None) -> KnownParty | None:
    if extension is None:
        return None
    return KnownParty(
        extension.number,
        extension.user_id,
        extension.organization,
        is_service=extension.type is not ExtensionType.PHONE_TERMINAL,
        is_ivr=extension.type is ExtensionType.IVR,
    )
