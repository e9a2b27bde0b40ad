"""The presence of an extension in the API's form (docs/reference/uapi.md §8).

The status and the registration are strings, as in the vendor's example. `address` and `since` are
ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from bridge.calls.state.presence import Presence
from bridge.clock import now_ms
from bridge.directory.model import Extension
from bridge.directory.ownership import SELF
from bridge.http.uapi.collection import FilterField, FilterFields
from bridge.http.uapi.fields import Json
from bridge.http.uapi.phone_call_json import date, without_nulls
from bridge.pbx.phones.registrations import Registration

PRESENCE_FIELDS = frozenset({"extension", "status", "registration"})


class RegistrationStatus(IntEnum):
    """The status of one registration in the UnifiedAPI."""

    EXPIRED = -2
    NOT_REGISTERED = -1
    UNKNOWN = 0
    REGISTERED = 1
    NOT_NEEDED = 2


@dataclass(frozen=True, slots=True)
class ExtensionPresence:
    """`phones`: what is registered as the extension; None where the PBX does not tell."""

    extension: Extension
    status: Presence
    phones: Sequence[Registration] | None = None


FILTERABLE: FilterFields[ExtensionPresence] = {
    "extension": FilterField(lambda x: x.extension.number, lambda x: x.extension.number, str),
    "status": FilterField(lambda x: str(int(x.status)), lambda x: str(int(x.status)), str),
}


def presence_json(one: ExtensionPresence, spelled: str) -> Json:
    """`spelled`: the extension as the URI has it, which the answer repeats."""
    return {
        "extension": one.extension.number if spelled == SELF else spelled,
        "status": str(int(one.status)),
        "registration": _registrations(one),
    }


def _registrations(one: ExtensionPresence) -> list[Json]:
    """At least one, because clients read the first."""
    if not one.extension.endpoint:
        return [_status(RegistrationStatus.NOT_NEEDED)]
    if one.phones is None:
        return [_status(RegistrationStatus.UNKNOWN)]
    return [_registration(x) for x in one.phones] or [_status(RegistrationStatus.NOT_REGISTERED)]


def _registration(phone: Registration) -> Json:
    status, expires_ms = RegistrationStatus.NOT_NEEDED, None
    if phone.expires_s is not None:
        over = phone.expires_s * 1000 <= now_ms()
        status = RegistrationStatus.EXPIRED if over else RegistrationStatus.REGISTERED
        expires_ms = None if over else phone.expires_s * 1000
    return without_nulls(
        {
            "agent": phone.agent or None,
            **_status(status),
            "since": date(phone.since_ms),
            "expire": date(expires_ms),
            "address": phone.address or None,
        }
    )


def _status(status: RegistrationStatus) -> Json:
    return {"registration": str(int(status))}
