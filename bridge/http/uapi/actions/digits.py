"""SendDTMF, ours: digits for a party of a live call."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.steering.sending_digits import PAUSE, PAUSE_S, Digits
from bridge.http.errors import invalid
from bridge.http.uapi.actions.each_call import of_each
from bridge.http.uapi.actions.request import ActionRequest
from bridge.http.uapi.query_values import flag, number_text

_DIGITS = re.compile(r"[0-9*#A-Dw]{1,32}\Z")
_DURATION_DEFAULT_MS, _DURATION_MIN_MS, _DURATION_MAX_MS = 120, 80, 1000
_ALL_MAX_S = 10  # of a request, which waits for them


async def send_dtmf(order: ActionRequest) -> Sequence[PhoneCall]:
    """Raises 400 pc_digits_invalid, pc_dtmf_invalid, and as DigitSender.send."""
    digits, sender = _digits(order), order.node.digits
    return await of_each(order, lambda call, leg: sender.send(call.id, leg.view_id, digits))


def _digits(order: ActionRequest) -> Digits:
    text = number_text(order.body.get("digits"))
    text = (text or "").replace(",", PAUSE).replace("W", PAUSE)
    text = "".join(x.upper() if x in "abcd" else x for x in text)
    if not _DIGITS.match(text):
        raise invalid(
            "pc_digits_invalid",
            "digits must be 1 to 32 of 0-9, *, #, A-D, and w or a comma for a pause.",
        )
    duration_ms = order.whole_number(
        "duration", "pc_dtmf_invalid", _DURATION_DEFAULT_MS, _DURATION_MIN_MS, _DURATION_MAX_MS
    )
    pauses = text.count(PAUSE)
    if (len(text) - pauses) * duration_ms / 1000 + pauses * PAUSE_S > _ALL_MAX_S:
        raise invalid("pc_digits_invalid", f"digits take longer than {_ALL_MAX_S} seconds.")
    pressed = order.body.get("pressed")
    told = "0" if pressed is None else str(pressed)
    return Digits(text, duration_ms, flag(told, "pc_dtmf_invalid", "pressed"))
