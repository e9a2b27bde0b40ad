"""A PhoneCall as the service answers it; `raw` has every field, also those of later versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any


class Status(IntEnum):
    """The status of a party (PhoneCallView)."""

    UNKNOWN = 0
    OFF_HOOK = 1
    TRYING = 2
    RINGING = 3
    OTHER_SIDE_RINGING = 4
    ON_CALL = 5


@dataclass(frozen=True)
class PhoneCallView:
    """The call as one party sees it. `extension` is None for a public number."""

    id: str
    extension: str | None
    status: Status
    source: tuple[str, ...]
    destination: tuple[str, ...]
    on_hold: bool
    disposition: int | None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> PhoneCallView:
        """From a view of an answer."""
        return cls(
            id=str(raw["id"]),
            extension=raw.get("extension"),
            status=_status(raw.get("status", 0)),
            source=tuple(raw.get("source", ())),
            destination=tuple(raw.get("destination", ())),
            on_hold="onHold" in raw,
            disposition=raw.get("disposition"),
        )


@dataclass(frozen=True)
class TimelineEntry:
    """One entry of docs/timeline.md: what happened at `ms`, in milliseconds since 1970."""

    type: str
    ms: int
    view: str | None
    number: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> TimelineEntry:
        """From an entry of an answer."""
        return cls(str(raw["type"]), int(raw["ms"]), raw.get("view"), raw.get("number"), raw)


@dataclass(frozen=True)
class Timeline:
    """The entries in order. `truncated`: some in the middle are left out."""

    entries: tuple[TimelineEntry, ...]
    truncated: bool
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Timeline:
        """From an answer."""
        entries = tuple(TimelineEntry.of(x) for x in raw["entry"])
        return cls(entries, bool(raw["truncated"]), raw)


@dataclass(frozen=True)
class PhoneCall:
    """One call. `ended` and what follows are None while it lives.

    `metadata`: as the app gave it with the create.
    `disposition`: 0 answered, 1 busy, 2 failed, 3 no answer, 4 unknown, 5 not allowed.
    """

    id: str
    extension: str | None
    views: tuple[PhoneCallView, ...]
    published: datetime | None
    answered: datetime | None
    ended: datetime | None
    disposition: int | None
    ended_by: str | None
    reason: str | None
    hangup_cause: int | None
    metadata: Mapping[str, Any] | None = field(compare=False)
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> PhoneCall:
        """From an entry of an answer."""
        return cls(
            id=str(raw["id"]),
            extension=raw.get("extension"),
            views=tuple(PhoneCallView.of(x) for x in raw.get("phoneCallView", ())),
            published=_moment(raw.get("published")),
            answered=_moment(raw.get("answered")),
            ended=_moment(raw.get("ended")),
            disposition=raw.get("disposition"),
            ended_by=raw.get("endedBy"),
            reason=raw.get("reason"),
            hangup_cause=raw.get("hangupCause"),
            metadata=raw.get("metadata"),
            raw=raw,
        )

    @property
    def status(self) -> Status:
        """Of its first view; UNKNOWN without one."""
        return self.views[0].status if self.views else Status.UNKNOWN


def _status(value: object) -> Status:
    try:
        return Status(int(str(value)))
    except ValueError:
        return Status.UNKNOWN


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
