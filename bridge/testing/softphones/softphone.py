"""A real softphone: one baresip process under remote control."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from .baresip_config import BaresipConfig
from .baresip_control import CommandFailedError
from .baresip_process import BaresipProcess
from .dialog_log import Dialog
from .heard_audio import SILENCE_DB, HeardAudio, read_last, read_wav
from .phone_observer import PhoneError, PhoneObserver
from .sip_message import SipMessage
from .toolchain import baresip_module_folder, ensure_phone_tools
from .transfer_result import TransferResult, transfer_result

AnswerPolicy = Literal["manual", "auto", "reject_busy"]
_ONE_TONE_HZ = 20.0


class Softphone(PhoneObserver):
    """Registers one user at a SIP server; use it as ``async with`` or start() and stop().

    Every wait takes its limit in seconds and raises PhoneError when it passes. Methods that
    take a `call` mean the newest one if it is left out. baresip refuses calls with 486 only;
    for 603 and other answers there is SippPhone.
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        server: str = "127.0.0.1",
        port: int = 5060,
        transport: Literal["udp", "tcp", "tls"] = "udp",
        answer: AnswerPolicy = "manual",
        answer_after_s: float = 0.0,
        tone_hz: int = 440,
        ca_file: Path | None = None,
    ) -> None:
        super().__init__(user)
        self.user = user
        self.answer: AnswerPolicy = answer
        """May be changed while the phone runs; it holds for the next incoming call."""
        self.answer_after_s = answer_after_s
        self._server_address = f"{server}:{port}"
        self._config = BaresipConfig(user, password, server, port, transport, tone_hz, ca_file)
        self._baresip: BaresipProcess | None = None
        self._command_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self, *, timeout_s: float = 20.0) -> None:
        """Returns when the registrar has accepted the phone.

        Raises PhoneError with the last lines of the log if it does not in time.
        """
        await asyncio.to_thread(ensure_phone_tools)
        self._baresip = BaresipProcess(
            self._config, on_message=self._take_message, on_event=self._take_control_event
        )
        try:
            await self._baresip.start(baresip_module_folder())
            await self._until(lambda: self.registered or None, timeout_s, "is not registered")
            if self.once_registered is not None:
                await self.once_registered()
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """End the process, which unregisters it, and remove its folder."""
        await self._end(kill=False)

    async def kill(self) -> None:
        """End the process without a word to the server, as a power cut does."""
        await self._end(kill=True)

    async def _end(self, *, kill: bool) -> None:
        if self._baresip is not None:
            await (self._baresip.kill() if kill else self._baresip.stop())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.registered = False

    async def unregister(self, *, timeout_s: float = 30.0) -> None:
        """Leave the registrar for good; the process stays, but has no account any more."""
        await self._command("uadel", f"sip:{self.user}@{self._server_address}")
        await self._until(lambda: not self.registered or None, timeout_s, "stays registered")

    async def wait_tone(
        self, freq_hz: float, timeout_s: float = 30.0, *, at_least_db: float = -30.0
    ) -> float:
        """Wait until the tone is heard now (last second); returns its level in dB."""
        deadline = time.monotonic() + timeout_s
        while True:
            level_db = await asyncio.to_thread(self.tone_heard, freq_hz, last_s=1.0)
            if level_db >= at_least_db:
                return level_db
            if time.monotonic() > deadline:
                heard = await asyncio.to_thread(self.level_text, freq_hz)
                raise PhoneError(f"{self.user} hears {freq_hz} Hz at {heard}")
            await asyncio.sleep(0.1)  # audio comes in by itself

    # Actions.

    async def accept(self, *, call: Dialog | None = None) -> None:
        """Answer an incoming call."""
        await self._command_on(call, "accept")

    async def hangup(self, *, call: Dialog | None = None) -> None:
        """End a call; an incoming one that still rings is refused with 486."""
        await self._command_on(call, "hangup")

    async def dial(self, number: str, *, timeout_s: float = 30.0) -> Dialog:
        """Returns when the INVITE is sent. An outgoing call ends with hangup()."""
        count = len(self.log.dialogs)
        await self._command("dial", number)

        def outgoing() -> Dialog | None:
            new = [dialog for dialog in self.log.dialogs[count:] if not dialog.incoming]
            return new[0] if new else None

        return await self._until(outgoing, timeout_s, f"did not dial {number}")

    async def hold(self, *, call: Dialog | None = None, timeout_s: float = 30.0) -> None:
        """Returns when the other side has accepted the re-INVITE."""
        await self._reinvite("hold", await self._chosen(call), timeout_s)

    async def resume(self, *, call: Dialog | None = None, timeout_s: float = 30.0) -> None:
        await self._reinvite("resume", await self._chosen(call), timeout_s)

    async def send_dtmf(self, digits: str, *, call: Dialog | None = None) -> None:
        """Send 0-9, * and # as RFC 4733 events."""
        await self._command_on(call, "sndcode", digits)

    async def set_tone(self, freq_hz: int) -> None:
        """Change the tone that is sent, also in the middle of a call."""
        await self._command("ausrc", f"ausine,{freq_hz}")

    async def transfer(
        self, number: str, *, call: Dialog | None = None, timeout_s: float = 10.0
    ) -> TransferResult:
        """Blind transfer: REFER the other side to `number`; returns how it came out."""
        chosen = await self._chosen(call)
        await self._audio_begins()
        return await self._refer(number, chosen, timeout_s)

    async def attended_transfer(
        self, call: Dialog, consultation: Dialog, *, timeout_s: float = 10.0
    ) -> TransferResult:
        """Connect the other sides of two calls of this phone with each other."""
        replaces = (
            f"{consultation.call_id};to-tag={consultation.remote_tag}"
            f";from-tag={consultation.local_tag}"
        )
        escaped = replaces.replace("@", "%40").replace(";", "%3B").replace("=", "%3D")
        number = consultation.dialled_number
        target = f"<sip:{number}@{self._server_address}?Replaces={escaped}>"
        return await self._refer(target, call, timeout_s)

    # The audio.

    @property
    def folder(self) -> Path | None:
        """The folder of its files while it runs."""
        return self._baresip.folder if self._baresip else None

    def heard(self) -> HeardAudio | None:
        """The content of the newest call's wav file so far; None if no audio came yet."""
        file = self._newest_wav()
        try:
            audio = read_wav(file) if file else None
        except ValueError:
            return None  # the header is not written yet
        return audio if audio is not None and audio.samples else None

    def tone_heard(self, freq_hz: float, *, last_s: float | None = None) -> float:
        """Level in dB of a tone in what was heard (0 = full scale, the phones send -6).

        last_s: only the audio of the last seconds. Ask before stop(), which removes the file.
        Version 1.0 of baresip hears nothing more in a call that it has held itself.
        """
        audio = self._heard_since(last_s) if last_s else self.heard()
        return audio.tone_level_db(freq_hz) if audio else SILENCE_DB

    def level_text(self, freq_hz: float, *, last_s: float = 1.0) -> str:
        """How loud that tone was in the last seconds, and the tone that was there instead."""
        if self.heard() is None:
            return "no audio has come"
        audio = self._heard_since(last_s)
        if audio is None:
            return f"{SILENCE_DB:.0f} dB: no audio has come in the last {last_s:g} s"
        level_db = audio.tone_level_db(freq_hz)
        other_hz = audio.pure_tone_hz()
        if other_hz is None or abs(other_hz - freq_hz) < _ONE_TONE_HZ:
            return f"{level_db:.0f} dB"
        return f"{level_db:.0f} dB, but {other_hz:.0f} Hz"

    # Inside.

    def _newest_wav(self) -> Path | None:
        files = self.folder.glob("dump-*-dec.wav") if self.folder else ()
        return max(files, key=lambda path: path.stat().st_mtime_ns, default=None)

    def _heard_since(self, last_s: float) -> HeardAudio | None:
        file = self._newest_wav()
        try:
            return read_last(file, last_s) if file else None
        except ValueError:
            return None  # the header is not written yet

    async def _audio_begins(self, looks: int = 100) -> None:
        """Asterisk answers 400 to a REFER before both sides are connected; nobody is as fast."""
        for _ in range(looks):
            if self.heard() is not None:
                return
            await asyncio.sleep(0.02)  # audio comes in by itself

    def _take_message(self, message: SipMessage) -> Dialog | None:
        dialog = super()._take_message(message)
        if dialog is not None and message is dialog.invite and dialog.incoming:
            if self.answer == "auto":
                self._spawn(self._later(self.answer_after_s, dialog, "accept"))
            elif self.answer == "reject_busy":
                self._spawn(self._later(self.answer_after_s, dialog, "hangup"))
        return dialog

    def _take_control_event(self, event: dict[str, Any]) -> None:
        if event.get("type") == "CALL_CLOSED":
            self._spawn(self._confirm_closed(str(event.get("id")), str(event.get("param", ""))))

    async def _confirm_closed(self, call_id: str, reason: str) -> None:
        # The SIP message that ends a call says more, and may still be on its way to us.
        await asyncio.sleep(0.3)
        dialog = self.log.of_call_id(call_id)
        if dialog is not None:
            dialog.close(reason)
            self._changed()

    async def _later(self, delay_s: float, dialog: Dialog, command: str) -> None:
        await asyncio.sleep(delay_s)  # how long it rings
        # The INVITE shows in the trace before baresip has made a call of it.
        await self._until(
            lambda: dialog.ringing or dialog.closed or None, 5.0, "does not take the call"
        )
        if not dialog.closed:
            await self._command_on(dialog, command)

    async def _chosen(self, call: Dialog | None) -> Dialog:
        """The given call, else the newest; others may know of it a moment before its trace does."""

        def live() -> Dialog | None:
            dialog = call or self.current
            return None if dialog is None or dialog.closed else dialog

        if call is not None and call.closed:
            raise PhoneError(f"{self.user}: the call has ended: {call.close_reason}")
        return await self._until(live, 5.0, "has no call")

    async def _command_on(self, call: Dialog | None, command: str, params: str = "") -> None:
        dialog = await self._chosen(call)
        if dialog.incoming:
            await self._until(
                lambda: dialog.ringing or dialog.closed or None, 5.0, "does not take the call"
            )
        async with self._command_lock:
            # Commands go to baresip's current call; without other calls that is this one.
            if len([each for each in self.log.dialogs if not each.closed]) > 1:
                await self._control_command("callfind", dialog.call_id)
            await self._control_command(command, params)

    async def _command(self, command: str, params: str = "") -> None:
        async with self._command_lock:
            await self._control_command(command, params)

    async def _control_command(self, command: str, params: str) -> None:
        if self._baresip is None:
            raise PhoneError(f"{self.user} is not started")
        try:
            await self._baresip.control.command(command, params)
        except CommandFailedError as error:
            raise PhoneError(self._with_log(f"{self.user}: {error}")) from error

    async def _reinvite(self, command: str, call: Dialog, timeout_s: float) -> None:
        count = len(call.messages)
        # Version 1.1 says "Invalid argument" to a resume that it then carries out: what counts is
        # the answer to the re-INVITE.
        with contextlib.suppress(PhoneError):
            await self._command_on(call, command)

        def accepted() -> bool | None:
            answers = [
                message
                for message in call.messages[count:]
                if not message.sent and message.method == "INVITE" and message.status >= 200
            ]
            return answers[-1].status < 300 if answers else None

        if not await self._until(accepted, timeout_s, f"got no answer to {command}"):
            raise PhoneError(self._with_log(f"{self.user}: {command} was refused"))

    async def _refer(self, target: str, call: Dialog, timeout_s: float) -> TransferResult:
        count = len(call.messages)
        await self._command_on(call, "transfer", target)

        def result() -> TransferResult | None:
            return transfer_result(call.messages[count:], ended=call.closed)

        return await self._until(result, timeout_s, f"got no end of the transfer to {target}")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _with_log(self, text: str) -> str:
        text = super()._with_log(text)
        return self._baresip.with_log(text) if self._baresip else text
