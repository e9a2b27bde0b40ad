"""PhoneCalls to store: two plain ones, and any that the types allow."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import strategies as st

from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Flow,
    Leg,
    Origin,
    PhoneCall,
    Side,
    new_call_id,
)
from bridge.calls.store.call_store import CallStore


def live_call(
    call_id: str | None = None, *, pbx: str = "main", published_ms: int = 1000
) -> PhoneCall:
    call_id = call_id or new_call_id(published_ms)
    return PhoneCall(
        id=call_id,
        pbx=pbx,
        linkedid=call_id,
        origin=Origin.API,
        flow=Flow.LOCAL,
        published_ms=published_ms,
        extension="0003*214",
        user_id=12,
        organization="0003",
        client_id="app",
        nonce="n",
        legs=(
            Leg("v1", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),
            Leg("v2", Side.DESTINATION, "0003*211", "211", "PJSIP/0003*211", "0003*211"),
            Leg("v3", Side.DESTINATION, "3235742879", "3235742879"),
        ),
    )


def ended(call: PhoneCall, at_ms: int = 9000, reason: str = "") -> PhoneCall:
    final = FinalRecord(at_ms, Disposition.ANSWERED, EndedBy.SOURCE, reason)
    return replace(call, final=final)


any_phone_call: st.SearchStrategy[PhoneCall] = st.from_type(PhoneCall)


async def finish(store: CallStore, call: PhoneCall) -> bool:
    """Wait until a final record is on disk; True if it is this one."""
    on_disk = asyncio.Event()
    store.finish_later(call, written=on_disk.set)
    await on_disk.wait()
    return await store.find(call.id) == call
