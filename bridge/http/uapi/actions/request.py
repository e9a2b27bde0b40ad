"""One PUT on phone calls: who asks, which action on which calls, and the fields of its body.

The bodies are in docs/reference/uapi.md §1.5. Numbers come as strings and as JSON numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.calls.steering.errors import ActionFailed
from bridge.directory.caller_ids import CallerId, parse_caller_id
from bridge.directory.errors import CallerIdInvalid, NumberInvalid
from bridge.directory.model import Extension, ExtensionType
from bridge.directory.numbers import resolve_party
from bridge.directory.party import Party
from bridge.directory.requester import Requester
from bridge.http.context import Services
from bridge.http.errors import invalid
from bridge.http.node_services import NodeServices
from bridge.http.uapi.query_values import number_text, whole_number
from bridge.http.uapi.scope import Scope


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """`call_id` is None where the URI names no call: all calls of its extensions are meant.

    `tell_limits`: of an action that places a call, to be told the extension that pays.
    """

    services: Services
    node: NodeServices
    scope: Scope
    requester: Requester
    call_id: str | None
    body: Mapping[str, object]
    tell_limits: Callable[[Extension], None] = lambda _: None

    # ---- calls and views ----------------------------------------------------------

    def calls(self) -> list[PhoneCall]:
        """The live calls that the URI means; may be none where it names no call.

        Raises 400 pc_phonecall_invalid.
        """
        found = self.node.live_calls.meant(self.scope.extensions, self.call_id)
        if self.call_id is not None and not found:
            raise invalid(
                "pc_phonecall_invalid",
                "phoneCallId must be alphanumeric and reference a live phone call of this "
                "extension.",
            )
        return found

    def calls_with_view(self) -> list[tuple[PhoneCall, Leg]]:
        """The same, each with the party whose view `phoneCallViewId` names.

        Without `phoneCallViewId` it is the party of the URI's extension, else the first source; who
        acts for one party only asks `require_meant` first. Raises 400 pc_phonecall_invalid,
        pc_view_invalid.
        """
        calls, view_id = self.calls(), self.view_id()
        found = [(x, self._party(x, view_id)) for x in calls]
        known = [(call, leg) for call, leg in found if leg is not None]
        if calls and not known:
            raise invalid("pc_view_invalid", "phoneCallViewId names no view of this phone call.")
        return known

    def party_of(self, call: PhoneCall) -> Leg | None:
        """The party of the URI's extension in this call, None where the call does not have it."""
        mine = {x.number for x in self.scope.extensions}
        return next((x.leg for x in views_of(call) if x.leg.extension in mine), None)

    def require_meant(self, call: PhoneCall) -> None:
        """Raises ActionFailed where neither the body nor the URI names a party of the call.

        The extension of the URI may have left the call, or only pay for it: nobody then says for
        whom the action is.
        """
        if self.view_id() is None and self.party_of(call) is None:
            raise ActionFailed(
                "the extension of the URI is not in the call, and the body has no phoneCallViewId"
            )

    def has_left(self, call: PhoneCall) -> bool:
        """Whether the URI's extension was a party of the call, and is none any more."""
        mine = {x.number for x in self.scope.extensions}
        return self.party_of(call) is None and any(x.extension in mine for x in call.legs)

    def _party(self, call: PhoneCall, view_id: str | None) -> Leg | None:
        if view_id is None:
            return self.party_of(call) or views_of(call)[0].leg
        return next((x.leg for x in views_of(call) if x.leg.view_id == view_id), None)

    def view_id(self) -> str | None:
        """`phoneCallViewId` as this API writes it, None without one. Raises 400 pc_view_invalid."""
        value = self.body.get("phoneCallViewId")
        if value is None:
            return None
        text = number_text(value)
        if text is None or not (text.isascii() and text.isdigit()) or len(text) > 4:
            raise invalid("pc_view_invalid", "phoneCallViewId must be the id of a view, as in 00.")
        return text.zfill(2)

    # ---- fields of the body ---------------------------------------------------------

    def number(self, name: str, code: str) -> Party | None:
        """The extension or public number in that field, None where there is none.

        Raises 400 with this code.
        """
        value = self.body.get(name)
        if value is None:
            return None
        text = number_text(value)
        if text is None:
            raise invalid(code, f"{name} must be a number, as a string or a number.")
        try:
            return resolve_party(self.requester, text)
        except NumberInvalid as why:
            raise invalid(code, f"{name}: {why.reason}.") from None

    def send_call_to(self) -> Party:
        """The number in `sendCallTo`, which must be there. Raises 400 pc_sendcallto_invalid."""
        party = self.number("sendCallTo", "pc_sendcallto_invalid")
        if party is None:
            raise invalid("pc_sendcallto_invalid", "sendCallTo must be the number to call.")
        return party

    def require_own_phone(self, extension: Extension | None) -> Extension:
        """The extension of `sendCallTo`, if it is a phone of the organization of this request.

        Raises 400 pc_sendcallto_invalid.
        """
        if (
            extension is None
            or extension.type is not ExtensionType.PHONE_TERMINAL
            or extension.organization != self.scope.user.organization
        ):
            raise invalid(
                "pc_sendcallto_invalid",
                "sendCallTo must be a Phone Terminal extension of the same organization.",
            )
        return extension

    def whole_number(self, name: str, code: str, default: int, low: int, high: int) -> int:
        """The number in that field, from `low` to `high`. Raises 400 with this code."""
        value = self.body.get(name)
        text = str(default) if value is None else (number_text(value) or "")
        return whole_number(text, code, name, low, high)

    def wait_s(self) -> int:
        """`waitForPickup` in seconds, or its default. Raises 400 pc_timeout_invalid."""
        limits = self.services.settings.uapi.creates
        return self.whole_number(
            "waitForPickup",
            "pc_timeout_invalid",
            limits.pickup_default_s,
            1,
            limits.pickup_max_s,
        )

    def caller_id(self, payer: Extension) -> CallerId:
        """`callerId`, or that of the extension that pays. Raises 400 pc_callerid_invalid."""
        value = self.body.get("callerId")
        if value is None:
            return CallerId(payer.caller_name, payer.caller_number)
        if not payer.may_set_caller_id:
            raise invalid("pc_callerid_invalid", "You are not allowed to set the callerId field.")
        text = number_text(value)
        if text is None:
            raise invalid("pc_callerid_invalid", "callerId must be a string like 'Jo <+3334444>'.")
        try:
            return parse_caller_id(text)
        except CallerIdInvalid as why:
            raise invalid("pc_callerid_invalid", f"callerId: {why.reason}.") from None
