"""The parties of the shipped example directory, as the call state machine asks for them."""

from __future__ import annotations

from bridge.calls.parties import KnownParty
from tests.unit.directory.example_directory import EXAMPLE


class ExampleParties:
    def by_endpoint(self, endpoint: str) -> KnownParty | None:
        extension = EXAMPLE.extensions_by_endpoint.get(endpoint)
        return None if extension is None else self.by_number(extension.number)

    def by_number(self, number: str) -> KnownParty | None:
        extension = EXAMPLE.extensions.get(number)
        if extension is None:
            return None
        return KnownParty(extension.number, extension.user_id, extension.organization)


PARTIES = ExampleParties()
