"""POST …/callback, parsed (docs/reference/uapi.md §1.2).

It is a create whose parties are public numbers, and whose extension must be named. The fields are
checked in the order of POST …/simple.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.directory.model import Extension, ExtensionType
from bridge.directory.party import Party
from bridge.http.errors import invalid
from bridge.http.uapi.create_simple_request import CreateSimple, Fields

_PAYERS = (ExtensionType.CALLBACK, ExtensionType.PHONE_TERMINAL)


@dataclass(frozen=True, slots=True)
class CreateCallback(CreateSimple):
    """One request: the requester, the user, the query and the body."""

    @property
    def extension_missing(self) -> str:
        """The message for a body without an extension."""
        return "extension must be the number of a Callback extension of the user."

    def spelled_payer(self, view: Fields) -> str | None:
        """No source stands for the extension: sources are public numbers."""
        return self.spelled_extension()

    def check_payer(self, extension: Extension) -> None:
        """A Callback extension pays. One client names a phone, which pays as well.

        Raises 400 extension_invalid.
        """
        if extension.type not in _PAYERS:
            raise invalid(
                "extension_invalid", "extension must be a Callback or a Phone Terminal extension."
            )
        if not extension.may_call_public:
            raise invalid(
                "extension_invalid",
                f"extension {extension.number} must not call public numbers, and a callback calls "
                "two.",
            )

    def check_party(self, party: Party, code: str, name: str, extension: Extension) -> None:
        """Raises 400 with this code."""
        if not party.is_public:
            raise invalid(code, f"{name}: {party.spelled} is an extension; it must be public.")
