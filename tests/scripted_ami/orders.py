"""Settings and orders with the values that a test does not care about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.calls.pbx import OriginateOrder, TransferScope
from bridge.directory.caller_ids import CallerId
from bridge.pbx.pbx_settings import AmiSettings

from .server import ScriptedAmi

CALL_ID = "0123456789abcdef0123"


def quick_settings(ami: ScriptedAmi, **changes: Any) -> AmiSettings:
    """A link to that server which is quick to do things and patient in waiting for them."""
    settings = AmiSettings(
        host="127.0.0.1",
        port=ami.port,
        username="bridge",
        secret="s3cret",
        pbx_name="pbx-1",
        connect_timeout_s=10,
        login_timeout_s=10,
        action_timeout_s=10,
        ping_interval_s=0.3,
        ping_timeout_s=10,
        reconnect_min_s=0.05,
        reconnect_max_s=0.4,
        logoff_timeout_s=0.5,
    )
    return replace(settings, **changes)


def order(**changes: Any) -> OriginateOrder:
    """A plain call of one phone to another."""
    plain = OriginateOrder(
        call_id=CALL_ID,
        sources=("PJSIP/0003*210",),
        destinations=("PJSIP/0003*211",),
        caller_id=CallerId("Ján Novák", "0003*211"),
        destination_caller_id=CallerId("Zoë", "0003*210"),
        wait_s=25,
        destination_wait_s=60,
        duration_s=3600,
        account="0003*210",
        video=False,
        transfer_scope=TransferScope.LOCAL,
    )
    return replace(plain, **changes)
