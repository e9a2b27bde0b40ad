"""The dialplan in the readiness check: what calls go through, and where parties may get."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.calls.state.acts_on import CallAction
from bridge.directory.conferences import ROOMS_CONTEXT
from bridge.pbx.ami.originate_acting import place_of
from bridge.pbx.pbx_settings import Dialplan
from bridge.pbx.phones.phone_objects import MAILBOX_CONTEXT
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.finding import Finding, advice, lacking, ok, unknown
from bridge.pbx.readiness.steering import CONTEXTS

_OURS = (
    "copy asterisk-conf/pbx/extensions-bridge.conf beside extensions.conf, and there: "
    "`#include extensions-bridge.conf`; then `dialplan reload`"
)
_MAILBOXES = (
    "copy asterisk-conf/pbx/extensions-voicemail.conf beside extensions.conf, and there: "
    "`#include extensions-voicemail.conf`; then `dialplan reload`"
)
_YOURS = (
    "extensions.conf: a context with what a party of a call may be transferred to; then "
    "`dialplan reload`"
)
_OF_PHONES = "extensions.conf: what phones may dial; or BRIDGE_PROVISION_PHONES=false"


async def dialplan_findings(
    look: AmiLook, plan: Dialplan, phone_contexts: Sequence[str], *, voicemail: bool = False
) -> list[Finding]:
    """`phone_contexts`: the contexts of the phones that the service makes. `voicemail`: the
    directory has an extension whose mailbox takes calls."""
    if "ShowDialPlan" not in look.commands:
        return [unknown("the dialplan", "can be seen with the right write = reporting")]
    needed = [
        (plan.call_context, plan.call_exten, "", _OURS),
        (plan.source_context, plan.source_exten, "", _OURS),
        (plan.check_context, plan.check_exten, "", _OURS),
        (ROOMS_CONTEXT, "", ", of conferences with a number", _OURS),
        (plan.transfer_local_context, "", "", _YOURS),
        (plan.transfer_any_context, "", "", _YOURS),
        *((x, "", ", of the phones that are made", _OF_PHONES) for x in phone_contexts),
    ]
    actions = [place_of(x, plan) for x in CallAction]
    found = [
        *[await _one(look, *x) for x in needed],
        *[await _of_action(look, *x) for x in actions],
        *(
            [await _one(look, MAILBOX_CONTEXT, "", ", of voicemail", _MAILBOXES)]
            if voicemail
            else []
        ),
    ]
    for context, (exten, names) in CONTEXTS.items():
        if not await look.has(context, exten):
            point = f"dialplan context [{context}]: there is none, no {names}"
            found.append(advice(point, _OURS))
    return found


async def _of_action(look: AmiLook, context: str, exten: str) -> Finding:
    """Calls work without it."""
    point = f"dialplan context [{context}], extension {exten}, for an action"
    return ok(point) if await look.has(context, exten) else advice(point, _OURS)


async def _one(look: AmiLook, context: str, exten: str, of: str, remedy: str) -> Finding:
    point = f"dialplan context [{context}]{of}" + (f", extension {exten}" if exten else "")
    return ok(point) if await look.has(context, exten) else lacking(point, remedy)
