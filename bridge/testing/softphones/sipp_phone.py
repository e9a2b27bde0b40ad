"""A scripted phone: SIPp plays one behaviour for any number of calls at once."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from .dialog_log import Dialog
from .phone_observer import PhoneError, PhoneObserver
from .ports import free_port
from .sip_message import SipMessage
from .sipp_behaviour import SippBehaviour, answers
from .sipp_process import SippProcess
from .toolchain import ensure_phone_tools
from .transfer_result import TransferResult, transfer_result

_REGISTRATION_S = 3600
_REGISTER_TIMEOUT_S = 20.0
_UNREGISTER_TIMEOUT_S = 15.0
_START_ATTEMPTS = 3


class OutgoingCalls:
    """Calls that a SippPhone has placed with one call()."""

    def __init__(self, process: SippProcess) -> None:
        self._process = process

    async def wait_finished(self, timeout_s: float) -> bool:
        """True if all were answered or refused in a known way, and ended.

        Raises PhoneError when the time has passed.
        """
        return await self._process.wait(timeout_s)


class SippPhone(PhoneObserver):
    """Registers one user and treats every incoming call as `behaviour` says.

    It echoes the audio that it receives. A `server` of IPv6 has brackets. Use it as ``async with``
    or start() and stop().
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        server: str = "127.0.0.1",
        port: int = 5060,
        behaviour: SippBehaviour | None = None,
    ) -> None:
        super().__init__(user)
        self.user = user
        self._password = password
        self._server = server
        self._server_port = port
        self._behaviour = behaviour or answers()
        self._sip_port = 0
        self._called: SippProcess | None = None
        self._calling: list[SippProcess] = []

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

    @property
    def incoming_invites(self) -> int:
        """As of this moment: what SIPp has just written down is read first."""
        if self._called is not None:
            self._called.read_trace()
        return super().incoming_invites

    async def start(self) -> None:
        """Returns when registered and ready for calls; raises PhoneError otherwise."""
        await asyncio.to_thread(ensure_phone_tools)
        for attempt in range(1, _START_ATTEMPTS + 1):
            self._sip_port = free_port()
            try:
                # Registered from the port that then takes the calls: a PBX may call back the
                # address a REGISTER came from instead of its Contact.
                await self._register(_REGISTRATION_S, _REGISTER_TIMEOUT_S)
                await self._listen()
                if self.once_registered is not None:
                    await self.once_registered()
                return
            except PhoneError:
                await self.stop()
                if attempt == _START_ATTEMPTS:
                    raise
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        """End all of its SIPp processes, then take it out of the registrar if that answers."""
        was_registered = self.registered
        await self.kill()
        if was_registered:
            with contextlib.suppress(PhoneError):
                await self._register(0, _UNREGISTER_TIMEOUT_S)

    async def kill(self) -> None:
        """End all of its SIPp processes without a word to the server; calls stay up there."""
        for process in [*self._calling, self._called]:
            if process is not None:
                await process.stop()
        self._calling.clear()
        self._called = None
        self.registered = False

    async def behave(self, behaviour: SippBehaviour) -> None:
        """Treat calls differently from now on; calls that are up are forgotten."""
        if self._called is not None:
            await self._called.stop()
        self._behaviour = behaviour
        await self._listen()

    async def call(
        self, number: str, *, talk_ms: int = 1000, count: int = 1, rate_per_s: float = 10.0
    ) -> OutgoingCalls:
        """Dial `number` count times; each call is hung up talk_ms after its answer.

        The calls show in log.dialogs with the status that ended them.
        """
        xml = SippBehaviour("uac").xml(
            user=self.user, password=self._password, talk_ms=max(talk_ms, 1)
        )
        rate = ("-r", str(max(1, round(rate_per_s * 10))), "-rp", "10000")
        limit = ("-m", str(count), "-l", str(count))
        process = self._process(xml, number, free_port(), (*rate, *limit))
        self._calling.append(process)
        await process.start()
        return OutgoingCalls(process)

    async def wait_transfer(
        self, timeout_s: float = 20.0, *, call: Dialog | None = None
    ) -> TransferResult:
        """How the REFER of the behaviour refers() came out."""

        def result() -> TransferResult | None:
            dialog = call or self.current
            if dialog is None or not dialog.took("REFER", sent=True):
                return None
            return transfer_result(dialog.messages, ended=dialog.closed)

        return await self._until(result, timeout_s, "got no end of its transfer")

    async def _listen(self) -> None:
        xml = self._behaviour.xml()
        self._called = self._process(xml, self.user, self._sip_port, ())
        await self._called.start()
        await self._called.wait_listening()

    async def _register(self, expires_s: int, timeout_s: float) -> None:
        # To leave, "*" from another port: calls of the PBX may still come in on the old one,
        # and SIPp would take them for answers to its REGISTER.
        contact = "<sip:[service]@[local_ip]:[local_port]>" if expires_s else "*"
        port = self._sip_port if expires_s else free_port()
        xml = SippBehaviour("register").xml(
            user=self.user, password=self._password, expires_s=expires_s, contact=contact
        )
        process = self._process(xml, self.user, port, ("-m", "1"))
        try:
            await process.start()
            done = await process.wait(timeout_s)
        finally:
            await process.stop()
        if not done or self.registered != (expires_s > 0):
            self.registered = False
            text = f"{self.user} is not {'' if expires_s else 'un'}registered"
            raise PhoneError(self._with_log(f"{text}\n{process.errors}"))

    def _process(
        self, xml: str, service: str, sip_port: int, options: tuple[str, ...]
    ) -> SippProcess:
        return SippProcess(
            xml,
            service=service,
            server=self._server,
            server_port=self._server_port,
            sip_port=sip_port,
            on_message=self._take,
            options=options,
        )

    def _take(self, message: SipMessage) -> None:
        self._take_message(message)
