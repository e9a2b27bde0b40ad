"""The parties of a transfer: `transferFromNumber`, `transferNumber`, `phoneCallViewId` of a body.

The reference does not say whose view is meant. Here it is that of the party that transfers, as with
OnHold. Beside an extension a public number transfers nobody: its view means that it is transferred.
"""

from __future__ import annotations

import re

from bridge.calls.state.call_views import views_of
from bridge.calls.state.local_halves import without_passed_services
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.directory.number_spelling import bare_number
from bridge.http.errors import invalid
from bridge.http.uapi.actions.request import ActionRequest
from bridge.http.uapi.query_values import number_text

_NUMBER = re.compile(r"\+?[0-9]{1,31}\Z|[0-9]{1,15}\*[0-9]{1,15}\Z")
_FROM, _KEPT = "transferFromNumber", "transferNumber"
_NO_PARTY = "the extension of the URI is no party of this call"
_CODES = {_FROM: "pc_transferfromnumber_invalid", _KEPT: "pc_transfernumber_invalid"}


class NamedParties:
    """The three fields of one request, checked whether there is a call or not.

    Raises 400 pc_transferfromnumber_invalid, pc_transfernumber_invalid, pc_view_invalid.
    """

    def __init__(self, request: ActionRequest) -> None:
        self._request = request
        self._view_id = request.view_id()
        self._numbers = {x: _number(request, x) for x in _CODES}

    def transferer(self, call: PhoneCall) -> Leg:
        """The party that transfers the other. Raises 400 as above if the call has no such party."""
        legs = [x.leg for x in views_of(call)]
        named, kept = self._named(legs, _FROM), self._named(legs, _KEPT)
        seen = self._seen(legs)
        if seen is not None and named is None and kept is None:
            transfers = seen.extension is not None or not _has_extension(legs)
            named, kept = (seen, None) if transfers else (None, seen)
        elif seen is not None and seen.view_id not in {x.view_id for x in (named, kept) if x}:
            raise invalid("pc_view_invalid", "phoneCallViewId is neither of the two numbers.")
        if named is None:
            named = self._other(call, legs, kept)
        if kept is not None and kept.view_id == named.view_id:
            raise invalid(_CODES[_KEPT], f"{_KEPT} is the party that transfers.")
        if named.extension is None and _has_extension(legs):
            raise invalid(_CODES[_FROM], f"{_FROM} must be an extension in this call.")
        return named

    def _named(self, legs: list[Leg], field: str) -> Leg | None:
        number = self._numbers[field]
        if number is None:
            return None
        for leg in legs:
            if self._goes_by(leg, number):
                return leg
        raise invalid(_CODES[field], f"{field} must be the number of a party of this call.")

    def _goes_by(self, leg: Leg, number: str) -> bool:
        digits = number.removeprefix("+")
        if leg.extension is None:
            return digits in (leg.number.removeprefix("+"), leg.spelled.removeprefix("+"))
        if "*" in number:
            return number == leg.extension
        directory = self._request.requester.directory
        owner = directory.extensions_by_public_number.get(digits)
        if owner is not None and owner.number == leg.extension:
            return True
        return leg.extension == f"{self._request.scope.user.organization}*{number}"

    def _seen(self, legs: list[Leg]) -> Leg | None:
        if self._view_id is None:
            return None
        leg = next((x for x in legs if x.view_id == self._view_id), None)
        if leg is None:
            raise invalid("pc_view_invalid", "phoneCallViewId names no view of this phone call.")
        return leg

    def _other(self, call: PhoneCall, legs: list[Leg], kept: Leg | None) -> Leg:
        """The party that transfers if no field names it: the one of the URI, an extension, any.

        Raises 400 where the one of the URI has left the call, which it may still pay for. The same
        where several extensions may be meant.
        """
        own = self._request.party_of(call)
        others = [x for x in (own, *without_passed_services(call, legs)) if x is not None]
        others = [x for x in others if x != kept]
        extensions = [x for x in others if x.extension is not None]
        has_left = kept is None and self._request.has_left(call)
        if own is None and (has_left or len(extensions) > 1):
            raise invalid(_CODES[_FROM], f"{_FROM} must be given: {_NO_PARTY}.")
        found = next(iter(extensions or others), None)
        if found is None:
            raise invalid(_CODES[_KEPT], f"{_KEPT} is the only party of this call.")
        return found


def _number(request: ActionRequest, field: str) -> str | None:
    value = request.body.get(field)
    if value is None:
        return None
    text = bare_number(number_text(value) or "")
    if not _NUMBER.match(text):
        raise invalid(_CODES[field], f"{field} must be the number of a party of this call.")
    return text


def _has_extension(legs: list[Leg]) -> bool:
    return any(x.extension is not None for x in legs)
