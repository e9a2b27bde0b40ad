"""The log lines of a call: accepted, answered by both sides, ended."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bridge.calls.state.hangup_causes import UNAVAILABLE
from bridge.calls.state.phone_call import PhoneCall, Side

log = structlog.get_logger()

_INCOMPATIBLE = (
    "no codec in common, or an address for audio that the phone cannot use: BRIDGE_AUDIO_CODECS, "
    "BRIDGE_EXTERNAL_ADDRESS, BRIDGE_PHONE_MEDIA_ADDRESS"
)


def log_accepted(call: PhoneCall) -> None:
    """It is on disk and is dialled in this moment. A call that hangs is seen by its missing end."""
    log.info(
        "call_accepted",
        call_id=call.id,
        extension=call.extension,
        app=call.client_id,
        source=_numbers(call, Side.SOURCE),
        destination=_numbers(call, Side.DESTINATION),
    )


def log_change(
    before: PhoneCall | None, after: PhoneCall, why_unreachable: Callable[[str], str]
) -> None:
    """Log an answer or an end; other changes have no line. `why_unreachable`: what the PBX knows
    against dialling that, for a person."""
    if after.final is not None:
        _log_end(after, why_unreachable)
    elif after.answered_ms is not None and (before is None or before.answered_ms is None):
        _log_answered(after)


def _log_answered(call: PhoneCall) -> None:
    """Both sides talk."""
    assert call.answered_ms is not None  # noqa: S101 - the caller has looked
    log.info(
        "call_answered",
        call_id=call.id,
        extension=call.extension,
        source=_numbers(call, Side.SOURCE),
        destination=_numbers(call, Side.DESTINATION) or call.dialled,
        after_s=round((call.answered_ms - call.published_ms) / 1000, 1),
    )


def _log_end(call: PhoneCall, why_unreachable: Callable[[str], str]) -> None:
    """`help` is for the person who reads the log, `reason` is what the API says."""
    final = call.final
    assert final is not None  # noqa: S101 - the caller has looked
    log.info(
        "call_ended",
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
        **_help(call, final.reason, why_unreachable),
    )


def _help(call: PhoneCall, reason: str, why_unreachable: Callable[[str], str]) -> dict[str, str]:
    if reason == "incompatible":
        return {"help": _INCOMPATIBLE}
    if reason != UNAVAILABLE:
        return {}
    not_reached = (why_unreachable(x.dial) for x in call.legs if x.answered_ms is None and x.dial)
    said = "; ".join(dict.fromkeys(x for x in not_reached if x))
    return {"help": said} if said else {}


def _numbers(call: PhoneCall, side: Side) -> str:
    return ",".join(x.number for x in call.legs if x.side is side)
