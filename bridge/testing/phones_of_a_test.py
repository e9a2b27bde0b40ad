"""The phones of one test: made by its fixtures, followed by its journal, ended after it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, get_args, overload

from bridge.testing.expecting import Seen
from bridge.testing.journal import Journal
from bridge.testing.observed_phone import ObservedPhone, seen_level, sip_observations
from bridge.testing.softphones.phone_script import PhoneScript
from bridge.testing.softphones.scripted_phone import ScriptedPhone
from bridge.testing.softphones.sip_message import SipMessage
from bridge.testing.softphones.sipp_behaviour import SippBehaviour
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import AnswerPolicy
from bridge.testing.softphones.websocket_relay import WebsocketRelay
from bridge.testing.system.system_under_test import NotOfThisSystem, SystemUnderTest

Transport = Literal["udp", "tcp", "tls", "ws"]


class MakePhone(Protocol):
    """The type of `uapi_phone`: PhonesOfATest.softphone."""

    async def __call__(
        self,
        user: str,
        *,
        transport: Transport = ...,
        answer: AnswerPolicy = ...,
        answer_after_s: float = ...,
        tone_hz: int = ...,
    ) -> ObservedPhone: ...


class MakeScripted(Protocol):
    """The type of `uapi_scripted`: PhonesOfATest.scripted."""

    @overload
    async def __call__(self, user: str, behaviour: SippBehaviour | None = ...) -> SippPhone: ...

    @overload
    async def __call__(self, user: str, behaviour: PhoneScript) -> ScriptedPhone: ...


class Stoppable(Protocol):
    """A thing that a test has started and the kit ends."""

    async def stop(self) -> None:
        """End it."""


class PhonesOfATest:
    """Makes phones that are registered, and ends them together."""

    def __init__(
        self,
        system: SystemUnderTest,
        journal: Journal,
        once_registered: Callable[[str], Awaitable[None]],
    ) -> None:
        self.softphones: list[ObservedPhone] = []
        self._system = system
        self._journal = journal
        self._once_registered = once_registered
        self._started: list[Stoppable] = []

    async def softphone(
        self,
        user: str,
        *,
        transport: Transport = "udp",
        answer: AnswerPolicy = "manual",
        answer_after_s: float = 0.0,
        tone_hz: int = 440,
    ) -> ObservedPhone:
        """A baresip that has registered `user`, as `0003*210`.

        `answer`: `manual`, `auto` or `reject_busy`. `tone_hz`: the tone that it sends in a call.
        Raises PhoneError if it cannot register, NotOfThisSystem for a user or a transport that is
        not there, ValueError for another word than those.
        """
        _check("transport", transport, get_args(Transport))
        _check("answer", answer, get_args(AnswerPolicy))
        port = await self._port(transport)
        phone = ObservedPhone(
            user,
            self._system.secret(f"sip/{user}"),
            server=self._system.sip_host,
            port=port,
            transport="tcp" if transport == "ws" else transport,
            answer=answer,
            answer_after_s=answer_after_s,
            tone_hz=tone_hz,
            ca_file=self._system.ca_file,
        )
        phone.journal = self._journal
        self.softphones.append(phone)
        await self.begin(phone, user, phone.log.messages)
        return phone

    @overload
    async def scripted(self, user: str, behaviour: SippBehaviour | None = None) -> SippPhone: ...

    @overload
    async def scripted(self, user: str, behaviour: PhoneScript) -> ScriptedPhone: ...

    async def scripted(
        self, user: str, behaviour: SippBehaviour | PhoneScript | None = None
    ) -> SippPhone | ScriptedPhone:
        """A phone that treats each call as told; without a behaviour it answers.

        SIPp plays a SippBehaviour, a phone of the kit a PhoneScript. Two phones of one user are two
        contacts, if the directory allows the extension two `devices`. Raises TypeError for
        anything else than a behaviour.
        """
        if not isinstance(behaviour, SippBehaviour | PhoneScript | None):
            raise TypeError(f"{behaviour!r} is no behaviour; take one of bridge.testing.kit")
        if isinstance(behaviour, PhoneScript):
            server = (self._system.sip_host, self._system.sip_port)
            secret = self._system.secret(f"sip/{user}")
            own = ScriptedPhone(user, secret, server, behaviour)
            await self.begin(own, user, own.messages)
            return own
        phone = SippPhone(
            user,
            self._system.secret(f"sip/{user}"),
            server=self._system.sip_host,
            port=self._system.sip_port,
            behaviour=behaviour,
        )
        await self.begin(phone, user, phone.log.messages)
        return phone

    async def begin(
        self,
        phone: SippPhone | ObservedPhone | ScriptedPhone,
        user: str,
        messages: list[SipMessage],
    ) -> None:
        """Follow the phone in the journal, start it, and end it after the test."""
        self._journal.follow(lambda: sip_observations(user, messages))
        self._started.append(phone)
        phone.once_registered = lambda: self._once_registered(user)
        await phone.start()

    async def is_known(self, user: str) -> None:
        """Return once the service counts the phone as registered, or after a while."""
        await self._once_registered(user)

    def ends_with_the_test(self, started: Stoppable) -> None:
        """End this as well, before all that was started earlier."""
        self._started.append(started)

    async def heard_by(self, freq_hz: float, user: str | None) -> Seen[float]:
        """How loud a tone is at the phone of `user`, or at the one that hears it best."""
        looks = [
            await asyncio.to_thread(seen_level, phone, freq_hz)
            for phone in self.softphones
            if user in (None, phone.user)
        ]
        if not looks:
            return Seen(False, f"no softphone of {user or 'this test'} runs", 0.0)
        return max(looks, key=lambda x: x.value)

    async def stop(self) -> None:
        """End them all; a fault of one does not keep the others."""
        for phone in reversed(self._started):
            with contextlib.suppress(Exception):
                await phone.stop()

    async def _port(self, transport: Transport) -> int:
        if transport == "tls":
            if not self._system.sip_tls_port:
                raise NotOfThisSystem("the phones of this service cannot use TLS from here")
            return self._system.sip_tls_port
        if transport == "ws":
            relay = WebsocketRelay(self._system.base_url)
            await relay.start()
            self.ends_with_the_test(relay)
            return relay.port
        return self._system.sip_port


def _check(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(known)}")
