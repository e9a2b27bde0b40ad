"""The ten parameters of an event, as a receiver gets them (uapi.md §3.1)."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlencode

from bridge.calls.pbx import CallerId
from bridge.calls.phone_call import Leg, LegPhase, Origin, PhoneCall, Side
from bridge.phone_call_events.call_events import CallEvent


class Numbers(Protocol):
    """What the directory in force knows of numbers."""

    def public_number(self, extension: str) -> str | None:
        """By which the extension is called from outside."""

    def extension_of(self, dialled: str, organization: str | None) -> str | None:
        """The extension (extended) that these digits reach when dialled there."""


def form_encoded(event: CallEvent, call: PhoneCall, numbers: Numbers) -> str:
    """All ten, in the order of the vendor's page; those without a value are empty."""
    return urlencode(event_parameters(event, call, numbers))


def event_parameters(event: CallEvent, call: PhoneCall, numbers: Numbers) -> dict[str, str]:
    caller = call.destination_caller_id or call.caller_id or CallerId("", "")
    called = _called(event, call)
    called_extension = _called_extension(event, call, called, numbers)
    return {
        "CallID": call.linkedid,
        "CallerIDNum": caller.number,
        "CallerIDName": caller.name,
        "CalledDID": numbers.public_number(called_extension) or "",
        "CalledExtension": called_extension,
        "CallStatus": event.status.value,
        "CallFlow": "OUT" if event.calling else "IN",
        "CallerExtension": _caller_extension(event, call),
        "CalledNumber": call.dialled or (called.spelled if called is not None else ""),
        "CallAPIID": call.id,
    }


def _called(event: CallEvent, call: PhoneCall) -> Leg | None:
    """The called party: the event's own, else the one that has come furthest."""
    if event.leg is not None and not event.calling:
        return event.leg
    destinations = [x for x in call.legs if x.side is Side.DESTINATION]
    return max(destinations, key=_progress, default=None)


def _called_extension(
    event: CallEvent, call: PhoneCall, called: Leg | None, numbers: Numbers
) -> str:
    if event.leg is None and not event.calling:
        return event.extension
    if called is not None:
        return called.extension or ""
    return call.called_service or numbers.extension_of(call.dialled, call.organization) or ""


def _caller_extension(event: CallEvent, call: PhoneCall) -> str:
    if event.calling:
        return event.extension
    sources = [x for x in call.legs if x.side is Side.SOURCE and x.extension is not None]
    caller = max(sources, key=_progress, default=None)
    if caller is not None and caller.extension is not None:
        return caller.extension
    # A call of the API between public numbers is made by the extension that pays.
    return call.extension or "" if call.origin is Origin.API else ""


def _progress(leg: Leg) -> tuple[bool, LegPhase, bool]:
    dialled = leg.phase if leg.uniqueid is not None else LegPhase.WAITING
    return leg.answered_ms is not None, dialled, leg.ringing_ms is not None
