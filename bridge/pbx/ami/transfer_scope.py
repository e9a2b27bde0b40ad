"""The numbers to which phones may transfer a call, as variables that all its channels inherit."""

from __future__ import annotations

from bridge.calls.pbx import TransferScope
from bridge.pbx.ami import values
from bridge.pbx.pbx_settings import Dialplan

CONTEXT_VARIABLE = "__TRANSFER_CONTEXT"


def transfer_variables(scope: TransferScope, dialplan: Dialplan) -> list[tuple[str, str]]:
    """The `Variable` headers, as asterisk-conf/pbx/extensions.conf expects them."""
    local = scope is TransferScope.LOCAL
    context = dialplan.transfer_local_context if local else dialplan.transfer_any_context
    found = [values.variable(CONTEXT_VARIABLE, context)]
    if scope is TransferScope.ONE_PUBLIC:
        found.append(values.variable("__BRIDGE_ONE_PUBLIC", "1"))
    return found
