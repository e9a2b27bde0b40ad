"""A PlainPhone that follows a PhoneScript, and keeps every message for the journal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from .phone_script import PhoneScript
from .plain_call import PlainCall
from .plain_phone import PlainPhone
from .sip_message import SipMessage, parse_sip_message

_LEAVES_S = 2.0
_DTMF_INFO = "Content-Type: application/dtmf-relay\r\n"


class ScriptedPhone(PlainPhone):
    """`script` may be changed while it runs; it holds for the next message.

    `messages`: all that it sent and received, in order.
    """

    def __init__(
        self, user: str, secret: str, server: tuple[str, int], script: PhoneScript
    ) -> None:
        super().__init__(user, secret, server)
        self.script = script
        self.messages: list[SipMessage] = []
        self.once_registered: Callable[[], Awaitable[None]] | None = None
        self._there = False
        self._acknowledges = True

    async def behave(self, script: PhoneScript) -> None:
        """Treat calls differently from now on."""
        self.script = script

    async def stop(self) -> None:
        """Leave the registrar if it answers, and end."""
        if self._there:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVES_S):
                    await self.request("REGISTER", self.outside(""), more="Expires: 0\r\n")
            await self.vanish()

    async def vanish(self) -> None:
        """Go without a word, as in a power cut; calls stay up at the server."""
        self._there = False
        await super().stop()

    async def start(self) -> None:
        """Open the ports and register."""
        await super().start()
        self._there = True
        if self.once_registered is not None:
            await self.once_registered()

    async def dial(self, number: str, more: str = "") -> PlainCall:
        """As PlainPhone, with the headers of the script."""
        return await super().dial(number, more + self.script.header_lines)

    async def press_by_info(self, digit: str, call: PlainCall) -> int:
        """A digit in an INFO request instead of the audio; the status of the answer."""
        body = f"Signal={digit}\r\nDuration=160\r\n"
        return (await self.request("INFO", call, more=_DTMF_INFO, body=body)).status

    def take(self, data: bytes) -> None:
        if len(data) >= 8:
            self._keep(data.decode(errors="replace"), sent=False)
        super().take(data)

    def reply(
        self, message: SipMessage, status: int, call: PlainCall | None = None, body: str = ""
    ) -> None:
        if status == 180 and self.script.progress:
            status, body = 183, self.sdp()
        super().reply(message, status, call, body)

    def _arrived(self, message: SipMessage) -> None:
        script = self.script
        self.answers_after_s = script.answers_after_s
        at_once = script.refuses_with and not script.refuses_after_s and not script.progress
        self.refuses_with = script.refuses_with if at_once else 0
        super()._arrived(message)
        if message.opens_dialog and script.refuses_with and not at_once:
            call = self._call(message)
            assert call is not None
            self._spawn(self._refuse(call, script))

    async def _refuse(self, call: PlainCall, script: PhoneScript) -> None:
        await asyncio.sleep(script.refuses_after_s)  # as long as it rings
        if call.waits:
            call.refuse(script.refuses_with)

    def _in_dialog(self, message: SipMessage) -> None:
        call = self._call(message)
        if call is not None and message.method == "CANCEL" and self.script.answers_after_cancel:
            assert call.arrived is not None
            self.reply(message, 200, call)
            self.reply(call.arrived, 200, call, self.sdp())
            call.answered.set()
            return
        if call is not None and message.method == "BYE" and self.script.bye_glare:
            self._spawn(self._own_bye(call))
        super()._in_dialog(message)

    async def _own_bye(self, call: PlainCall) -> None:
        await self._transaction("BYE", call, "", "")

    def _responded(
        self, call: PlainCall, response: SipMessage, cseq: int, begun: asyncio.Event | None
    ) -> None:
        self._acknowledges = not (self.script.never_acknowledges and 200 <= response.status < 300)
        super()._responded(call, response, cseq, begun)
        self._acknowledges = True

    def _send(self, text: str) -> None:
        if text.startswith("ACK ") and not self._acknowledges:
            return
        if text.startswith("SIP/2.0 ") and self.script.headers:
            head, end, body = text.partition("\r\nContact:")
            text = f"{head}\r\n{self.script.header_lines.rstrip()}{end}{body}"
        self._keep(text, sent=True)
        super()._send(text)

    def _keep(self, text: str, *, sent: bool) -> None:
        now_ns = time.time_ns()
        self.messages.append(
            parse_sip_message(
                text, sent=sent, monotonic_s=time.monotonic(), wall_ms=now_ns // 1_000_000
            )
        )
