"""PlayDTMF: implements bridge.calls.steering.sending_digits.PbxDigits.

Asterisk sends a digit for as long as it lasts before it answers, and its session does nothing else
meanwhile. So these actions have a session of their own.
"""

from __future__ import annotations

from bridge.calls.pbx import PbxRefused
from bridge.calls.steering.errors import ActionUnavailable
from bridge.pbx.ami import values
from bridge.pbx.ami.idle_closing_session import IdleClosingSession
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.values import AmiAction


class PlayDtmf:
    """Every method sends one action."""

    def __init__(self, session: IdleClosingSession) -> None:
        self._session = session

    async def play_digit(
        self, uniqueid: str, digit: str, duration_ms: int, *, pressed: bool
    ) -> None:
        headers = [
            ("Channel", values.uniqueid(uniqueid)),
            ("Digit", values.dtmf_digit(digit)),
            ("Duration", str(values.dtmf_duration_ms(duration_ms))),
            ("Receive", "1" if pressed else "0"),
        ]
        answer = await self._session.send(AmiAction("PlayDTMF", tuple(headers)))
        if succeeded(answer):
            return
        why = why_refused(answer)
        if why.lower().startswith(("invalid/unknown command", "permission denied")):
            raise ActionUnavailable("module app_senddtmf.so, and the AMI right write = call")
        raise PbxRefused(why)
