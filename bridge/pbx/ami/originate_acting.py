"""The part of an Originate for a call that acts on another.

It is the place of the dialplan to which the source goes after it picked up
(asterisk-conf/pbx/extensions-bridge.conf).
"""

from __future__ import annotations

from bridge.calls.pbx import OriginateOrder
from bridge.calls.state.acts_on import ActsOn, CallAction
from bridge.pbx.ami import values
from bridge.pbx.ami.transfer_scope import CONTEXT_VARIABLE, transfer_variables
from bridge.pbx.pbx_settings import Dialplan

CALL_EXTEN = "call"
SPY_EXTEN = "spy"
"""All ways of listening go on here. The options that one has set stay set."""
LISTEN_EXTENS = {
    CallAction.MONITOR: "monitor",
    CallAction.WHISPER: "whisper",
    CallAction.PRIVATE_WHISPER: "whisper-private",
    CallAction.BARGE_IN: "barge-in",
}
_NO_TRANSFER = "uapi-no-transfer"
"""A context that no dialplan has: the phone that listens must not hand that over to another."""


def place_of(action: CallAction, dialplan: Dialplan) -> tuple[str, str]:
    """Context and extension of the action."""
    if action.listens:
        return dialplan.listen_context, LISTEN_EXTENS[action]
    if action is CallAction.PICK_UP:
        return dialplan.pick_up_context, CALL_EXTEN
    return dialplan.unpark_context, CALL_EXTEN


def acting_variables(
    order: OriginateOrder, acts_on: ActsOn, dialplan: Dialplan
) -> list[tuple[str, str]]:
    """The `Variable` headers. Raises InvalidPbxValue."""
    transfer = transfer_variables(order.transfer_scope, dialplan)
    if acts_on.action.listens:
        transfer = [values.variable(CONTEXT_VARIABLE, _NO_TRANSFER)]
    parked = values.uniqueid(acts_on.parked_channel) if acts_on.parked_channel else ""
    return [
        values.variable("BRIDGE_PARKED_CHANNEL", parked),
        values.variable("BRIDGE_ACTS_ON", values.uniqueid(acts_on.channel)),
        values.variable(
            "BRIDGE_PARKING_SPACE", values.caller_number(acts_on.parking_space, "parking_space")
        ),
        values.variable("BRIDGE_DURATION_S", str(values.seconds(order.duration_s, "duration_s"))),
        *transfer,
    ]
