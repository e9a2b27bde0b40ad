"""POST …/conferenceInvite, parsed (docs/reference/uapi.md §1.3).

The destinations are invited: each is called, and is a member of the conference when it answers.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from bridge.calls.call_order import NewCall
from bridge.directory.conferences import room_dial
from bridge.directory.model import Conference, Extension, ExtensionType
from bridge.directory.number_spelling import bare_number
from bridge.directory.party import Party
from bridge.http.errors import UapiError, invalid
from bridge.http.http_settings import CreateLimits
from bridge.http.uapi.create_simple_request import CreateSimple, Fields, listed
from bridge.http.uapi.query_values import number_text


class WrongPin(UapiError):
    """The PIN is missing or wrong."""

    def __init__(self) -> None:
        super().__init__(400, "pc_pin_invalid", "pin is not the PIN of this conference.")


def pin_of(query: Mapping[str, str]) -> str:
    """The PIN of a request as it was sent; empty without one."""
    return query.get("pin", "").strip()


@dataclass(frozen=True, slots=True)
class CreateConferenceInvite(CreateSimple):
    """One request: the requester, the user, the query and the body."""

    called_first: ClassVar[str] = "destination"
    more_parameters: ClassVar[Mapping[str, str]] = {
        "number": "pc_number_invalid",
        "pin": "pc_pin_invalid",
    }

    @property
    def extension_missing(self) -> str:
        """The message for a body without an extension."""
        return "extension must be the number of a Conference extension of the user."

    def parse_all(self, limits: CreateLimits) -> list[NewCall]:
        """One call for each invited party; its destination is the conference.

        Raises WrongPin, and as CreateSimple.parse.
        """
        order = self.parse(limits)
        return [
            replace(order, sources=(invited,), destinations=order.sources)
            for invited in order.destinations
        ]

    def check_payer(self, extension: Extension) -> None:
        """Raises 400 extension_invalid."""
        if extension.type is not ExtensionType.CONFERENCE:
            raise invalid("extension_invalid", "extension must be a Conference extension.")

    def check_party(self, party: Party, code: str, name: str, extension: Extension) -> None:
        """Raises 400 with this code."""
        if party.extension is not None and party.extension.number == extension.number:
            raise invalid(code, f"{name}: a conference cannot be invited to itself.")
        CreateSimple.check_party(self, party, code, name, extension)

    def sources(
        self, view: Fields, extension: Extension, limits: CreateLimits
    ) -> tuple[Party, ...]:
        """The conference. Clients name its extension as the source, or nothing.

        Raises 400 pc_source_invalid, pc_number_invalid, and WrongPin.
        """
        for value in listed(view.get("source")):
            if bare_number(number_text(value) or "") not in (extension.number, extension.short):
                raise invalid("pc_source_invalid", "source must be the extension, or be left out.")
        conference = self._conference(extension)
        dial = room_dial(extension, conference)
        spelled = self.spelled_extension() or extension.short
        return (Party(spelled, extension.number, extension, dial),)

    def _conference(self, extension: Extension) -> Conference | None:
        number = self.query.get("number", "").strip()
        if not number:
            return None
        for conference in extension.conferences:
            if conference.number == number:
                if conference.pin and not hmac.compare_digest(
                    conference.pin.encode(), pin_of(self.query).encode("utf-8", "replace")
                ):
                    raise WrongPin
                return conference
        raise invalid("pc_number_invalid", "number must be that of a conference of the extension.")
