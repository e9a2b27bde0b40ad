"""The ten parameters of an event, as a receiver gets them (docs/reference/uapi.md §3.1 and §11).

If the vendor's page and captured events differ, the captured events count, because receivers were
written against them. `EventForm` selects the form of the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bridge.calls.state.phone_call import Leg, LegPhase, Origin, PhoneCall, Side
from bridge.directory.caller_ids import CallerId
from bridge.phone_call_events.call_events import CallEvent
from bridge.phone_call_events.form_text import form_text


class Numbers(Protocol):
    """Numbers in the directory in force."""

    def public_number(self, extension: str) -> str | None:
        """By which the extension is called from outside."""

    def extension_of(
        self, dialled: str, organization: str | None, *, from_outside: bool
    ) -> str | None:
        """The extension (extended) that these digits reach when dialled there.

        A public number of ours reaches its extension from outside only: dialled inside, it goes
        over the trunk like any other.
        """


@dataclass(frozen=True, slots=True)
class EventForm:
    """`upper_case_flow`: `IN` and `OUT` as on the vendor's page, not `in` and `out`.

    `public_caller_id`: an extension's own call has the caller id that the called side is shown, not
    the extension's number.
    """

    upper_case_flow: bool = False
    public_caller_id: bool = False


def form_encoded(event: CallEvent, call: PhoneCall, numbers: Numbers, form: EventForm) -> str:
    """All ten, in the order of the vendor's page; those without a value are empty."""
    return form_text(event_parameters(event, call, numbers, form))


def event_parameters(
    event: CallEvent, call: PhoneCall, numbers: Numbers, form: EventForm
) -> dict[str, str]:
    """The ten parameters with their names and texts (docs/reference/uapi.md §3.1).

    An unknown value is empty.
    """
    flow = "out" if event.calling else "in"
    called = _called(event, call)
    caller = _caller(event, call, called, form)
    called_extension = _called_extension(event, call, called, numbers)
    # Ours, of the event of a digit only.
    digit = {"Digit": event.digit, "DigitFrom": event.pressed_by} if event.digit else {}
    return {
        "CallID": call.linkedid,
        "CallerIDNum": caller.number,
        "CallerIDName": caller.name,
        "CalledDID": numbers.public_number(called_extension) or "",
        "CalledExtension": called_extension,
        "CallStatus": event.status.value,
        "CallFlow": flow.upper() if form.upper_case_flow else flow,
        "CallerExtension": _caller_extension(event, call),
        "CalledNumber": _called_number(call, called, numbers),
        "CallAPIID": event.call_id(call),
        **digit,
    }


def _caller(event: CallEvent, call: PhoneCall, called: Leg | None, form: EventForm) -> CallerId:
    shown = called.shown_caller_id if called is not None else None
    shown = shown or call.destination_caller_id or call.caller_id or CallerId("", "")
    if not event.calling or form.public_caller_id:
        return shown
    return CallerId(event.extension.rpartition("*")[2], event.extension)


def _called_number(call: PhoneCall, called: Leg | None, numbers: Numbers) -> str:
    """The extended number of an extension, or the digits as dialled."""
    if call.dialled:
        return _extension_dialled(call, numbers) or call.dialled
    if called is None:
        return ""
    return called.number if "*" in called.number else called.spelled or called.number


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
    return call.called_service or _extension_dialled(call, numbers) or ""


def _extension_dialled(call: PhoneCall, numbers: Numbers) -> str | None:
    from_outside = call.origin is Origin.TRUNK
    return numbers.extension_of(call.dialled, call.organization, from_outside=from_outside)


def _caller_extension(event: CallEvent, call: PhoneCall) -> str:
    if event.calling:
        return event.extension
    sources = [x for x in call.legs if x.side is Side.SOURCE and x.extension is not None]
    sources = [x for x in sources if not x.handed_over] or sources
    caller = max(sources, key=_progress, default=None)
    if caller is not None and caller.extension is not None:
        return caller.extension
    # A call of the API between public numbers is made by the extension that pays.
    return call.extension or "" if call.origin is Origin.API else ""


def _progress(leg: Leg) -> tuple[bool, LegPhase, bool]:
    dialled = leg.phase if leg.uniqueid is not None else LegPhase.WAITING
    return leg.answered_ms is not None, dialled, leg.ringing_ms is not None
