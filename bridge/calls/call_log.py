"""The one line that the log has of a call: who called whom, and how it ended."""

from __future__ import annotations

import structlog

from bridge.calls.phone_call import PhoneCall, Side

log = structlog.get_logger()


def log_end(call: PhoneCall) -> None:
    """Of a call that has its final record."""
    final = call.final
    assert final is not None  # noqa: S101 - the caller has looked
    log.info(
        "call ended",
        call_id=call.id,
        extension=call.extension,
        app=call.client_id,
        source=_numbers(call, Side.SOURCE),
        destination=_numbers(call, Side.DESTINATION) or call.dialled,
        talk_s=round((final.at_ms - call.answered_ms) / 1000, 1) if call.answered_ms else None,
        disposition=final.disposition.name,
        by=final.by.value,
        reason=final.reason,
        cause=final.cause,
        sip_code=final.sip_code,
    )


def _numbers(call: PhoneCall, side: Side) -> str:
    return ",".join(x.number for x in call.legs if x.side is side)
