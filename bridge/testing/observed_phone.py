"""A baresip softphone of a flow: its expectations say what was expected, seen and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bridge.testing.expecting import Seen, expect, fail
from bridge.testing.journal import Journal, Observation, Source
from bridge.testing.softphones.dialog_log import Dialog
from bridge.testing.softphones.phone_observer import PhoneError
from bridge.testing.softphones.sip_message import SipMessage
from bridge.testing.softphones.softphone import Softphone

HEARD_DB = -30.0
"""A tone counts as heard from this level on; the phones send theirs at -6 dB."""
_BUSY_HERE = 486


class ObservedPhone(Softphone):
    """All that Softphone can, and expectations that name what they expect.

    `rings`, `is_in_call`, `is_free` and `hears` wait `within_s` seconds and raise FlowFailure then.
    """

    journal: Journal

    async def rings(self, *, within_s: float = 5.0) -> Dialog:
        """The next incoming call; it rings here, or is past that already."""
        return await self._expected("rings", lambda: self.wait_ringing(within_s), within_s)

    async def is_in_call(self, *, call: Dialog | None = None, within_s: float = 5.0) -> Dialog:
        """Its call is established."""
        return await self._expected(
            "is in a call", lambda: self.wait_established(within_s, call=call), within_s
        )

    async def is_free(self, *, call: Dialog | None = None, within_s: float = 5.0) -> Dialog | None:
        """Its call is over; returns it, None if it had none."""
        if call is None and self.current is None:
            return None
        return await self._expected(
            "is free", lambda: self.wait_closed(within_s, call=call), within_s
        )

    async def hears(self, freq_hz: float, *, within_s: float = 15.0) -> float:
        """It hears the tone now; the level in dB."""

        async def look() -> Seen[float]:
            return seen_level(self, freq_hz)

        return await expect(self.journal, f"{self.user} hears {freq_hz:g} Hz", look, within_s)

    async def does_not_hear(self, freq_hz: float, *, during_s: float = 1.0) -> None:
        """The tone is not in the last `during_s` seconds of the audio that came."""
        level_db = self.tone_heard(freq_hz, last_s=during_s)
        expected = f"{self.user} does not hear {freq_hz:g} Hz"
        if level_db >= HEARD_DB:
            raise fail(self.journal, expected, f"{level_db:.0f} dB")
        self.journal.step(expected, kind="expected")

    async def reject(self, status: int = _BUSY_HERE) -> None:
        """Refuse the call that rings. baresip knows 486 only.

        Raises ValueError for another status: `uapi_scripted(user, refuses(603))` answers with that.
        """
        if status != _BUSY_HERE:
            raise ValueError(f"a softphone rejects with 486; for {status} take uapi_scripted")
        await self.hangup()

    async def _expected(self, what: str, wait: Callable[[], object], within_s: float) -> Dialog:
        try:
            dialog = await wait()  # type: ignore[misc]
        except PhoneError as why:
            expected = f"{self.user} {what}" + (f" within {within_s:g} s" if within_s else "")
            failure = fail(self.journal, expected, f"{_state(self)}\n{why}")
            raise failure from None
        self.journal.step(f"{self.user} {what}", kind="expected")
        assert isinstance(dialog, Dialog)
        return dialog


def seen_level(phone: Softphone, freq_hz: float) -> Seen[float]:
    """How loud the tone is at that phone in its last second."""
    level_db = phone.tone_heard(freq_hz, last_s=1.0)
    if level_db >= HEARD_DB:
        return Seen(True, f"{phone.user} hears it at {level_db:.0f} dB", level_db)
    return Seen(False, f"{phone.user} hears it at {phone.level_text(freq_hz)}", level_db)


def _state(phone: Softphone) -> str:
    dialog = phone.current
    if dialog is None:
        return "it has had no call"
    how = (
        f"ended: {dialog.close_reason}"
        if dialog.closed
        else "established"
        if dialog.established
        else "ringing"
        if dialog.ringing
        else "begun"
    )
    return f"{len(phone.log.dialogs)} calls, the last one is {how}"


def sip_observations(
    who: str, messages: list[SipMessage], peer: str = "pbx"
) -> Iterator[Observation]:
    """The SIP messages of a phone, for the journal."""
    for message in messages:
        yield Observation(
            float(message.wall_ms),
            Source.SIP,
            who,
            "sent" if message.sent else "received",
            message.start_line,
            message.raw,
            message.call_id,
            peer,
            message.sent,
        )
