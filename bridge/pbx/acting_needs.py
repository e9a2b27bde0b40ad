"""The contexts, modules and actions of Asterisk for the calls that act on other calls."""

from __future__ import annotations

from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused
from bridge.calls.state.acts_on import CallAction
from bridge.pbx.ami import values
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ami.originate_acting import SPY_EXTEN, place_of
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.errors import AriError
from bridge.pbx.pbx_settings import Dialplan

ACTING_MODULES = {
    **{x: "app_chanspy" for x in CallAction if x.listens},
    CallAction.PICK_UP: "app_directed_pickup",
    CallAction.UN_PARK: "res_parking",
}


class ActingNeeds:
    """Implements bridge.calls.steering.acting_pbx.ActingPbx."""

    def __init__(self, link: AmiLink, ari: AriClient, dialplan: Dialplan | None = None) -> None:
        self._link = link
        self._ari = ari
        self._dialplan = dialplan or Dialplan()

    async def lacks_for(self, action: CallAction) -> str:
        """As ActingPbx says. Raises PbxUnavailable."""
        context, exten = place_of(action, self._dialplan)
        try:
            if not await self._link.has_in_dialplan(context, exten):
                return f"the dialplan context [{context}], extension {exten}"
            modules = await self._ari.running_modules()
        except (PbxOutcomeUnknown, AriError):
            return ""
        module = ACTING_MODULES[action]
        return "" if module in modules else f"the module {module}"

    async def listen_again(self, call_id: str) -> None:
        """As ActingPbx says. The first channel of the call has the id of the call."""
        place = (
            ("Channel", values.call_id(call_id)),
            ("Context", self._dialplan.listen_context),
            ("Exten", SPY_EXTEN),
            ("Priority", "1"),
        )
        answer = await self._link.send(AmiAction("Redirect", place))
        if not succeeded(answer):
            raise PbxRefused(why_refused(answer))
