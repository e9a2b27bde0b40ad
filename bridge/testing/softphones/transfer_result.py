"""How a REFER came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .sip_message import SipMessage


@dataclass(frozen=True)
class TransferResult:
    """The end of a REFER."""

    refer_status: int
    """Answer to the REFER itself: 202 or 200 taken on, 4xx to 6xx refused."""
    final_status: int
    """Last status in the NOTIFYs' sipfrag; 0 if none came."""

    @property
    def carried_out(self) -> bool:
        return 200 <= self.refer_status < 300 and 200 <= self.final_status < 300


def transfer_result(messages: Sequence[SipMessage], *, ended: bool) -> TransferResult | None:
    """Read a call's messages since the REFER; None while the outcome is open.

    ended: the call is over, so no further NOTIFY will come.
    """
    refer_status = final_status = 0
    for message in messages:
        if message.sent:
            continue
        if message.method == "REFER" and message.status >= 200:
            # 401 and 407 are answered with a second REFER.
            refer_status = 0 if message.status in (401, 407) else message.status
        elif message.is_request and message.method == "NOTIFY":
            final_status = message.sipfrag_status or final_status
    if refer_status >= 300 or final_status >= 200 or ended:
        return TransferResult(refer_status, final_status)
    return None
