"""A number of the simulated public network whose behaviour a test sets, also while it runs.

The dialplan of that network leads the number to a SIP peer of the kit. Nothing is reloaded.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge.testing.expecting import Seen, expect
from bridge.testing.journal import Journal
from bridge.testing.observed_phone import HEARD_DB, sip_observations
from bridge.testing.phones_of_a_test import PhonesOfATest
from bridge.testing.softphones.carrier_peer import CarrierPeer, LineQuality
from bridge.testing.softphones.phone_script import PhoneScript
from bridge.testing.system.system_under_test import NotOfThisSystem, SystemUnderTest

_PEER = "public-network"
_CONTEXT = "numbers"
_DIGITS = re.compile(r"[0-9]{7,15}\Z")
_CAUSES = {404: 1, 410: 22, 480: 20, 484: 28, 486: 17, 488: 58, 500: 38, 503: 34, 603: 21}
"""Hangup causes near a status, for an Asterisk without PJSIPHangup."""


@dataclass(frozen=True)
class NumberBehaviour:
    """`status`: refuse with that after `after_s`; 0 answers, None rings until the caller gives up.

    `early_media`: the tone is heard before the answer. `tone_hz`: 0 is silence. `loss`: the part of
    the packets, from 0 to 1, that is lost on the way to the caller. `sends_audio` and
    `hears_audio`: False for a call with audio in one direction only.
    """

    status: int | None = 0
    after_s: float = 0.0
    early_media: bool = False
    tone_hz: float = 1000.0
    loss: float = 0.0
    sends_audio: bool = True
    hears_audio: bool = True

    def __post_init__(self) -> None:
        if self.status and not 400 <= self.status <= 699:
            raise ValueError(f"a number refuses with a status from 400 to 699, not {self.status}")
        if not 0.0 <= self.loss <= 1.0:
            raise ValueError(f"the loss of packets is from 0 to 1, not {self.loss}")

    @property
    def script(self) -> PhoneScript:
        """The SIP of it."""
        answers = self.after_s if self.status == 0 else None
        return PhoneScript(answers_after_s=answers, progress=self.early_media)

    @property
    def quality(self) -> LineQuality:
        """The audio of it."""
        return LineQuality(self.tone_hz, self.loss, self.sends_audio, self.hears_audio)


class PublicNumber:
    """`number` is what apps and phones dial. Expectations raise FlowFailure."""

    def __init__(
        self,
        number: str,
        peer: CarrierPeer,
        console: Callable[[str], Awaitable[str]],
        journal: Journal,
    ) -> None:
        self.number = number
        self.peer = peer
        self._console = console
        self._journal = journal

    async def behave(self, behaviour: NumberBehaviour) -> None:
        """Treat the next calls so; a call that lives goes on as it began, but for its audio."""
        self.peer.script, self.peer.quality = behaviour.script, behaviour.quality
        steps = [
            f"Dial(PJSIP/pbx/sip:{self.number}@{self.peer.host_and_port})",
            "Hangup(${HANGUPCAUSE})",
        ]
        if behaviour.status:
            cause = _CAUSES.get(behaviour.status, 21)
            waits = ["Ringing()", f"Wait({behaviour.after_s:g})"] if behaviour.after_s else []
            steps = [*waits, f"TryExec(PJSIPHangup({behaviour.status}))", f"Hangup({cause})"]
        await self.remove()
        for place, step in enumerate(steps, 1):
            said = await self._console(
                f"dialplan add extension {self.number},{place},{step} into {_CONTEXT}"
            )
            if "added" not in said:
                raise NotOfThisSystem(f"the public network refuses {step}: {said.strip()}")

    async def remove(self) -> None:
        """The number behaves as before the test."""
        with contextlib.suppress(NotOfThisSystem):  # it has no such number
            await self._console(f"dialplan remove extension {self.number}@{_CONTEXT}")

    async def stop(self) -> None:
        """Remove it, and end its peer."""
        await self.remove()
        await self.peer.vanish()

    async def is_called(self, *, within_s: float = 5.0) -> str:
        """A call rings there, or has rung; returns the number that it showed."""

        async def look() -> Seen[str]:
            calls = self.peer.calls
            shown = calls[-1].arrived.from_.user if calls and calls[-1].arrived else ""
            return Seen(bool(calls), f"{len(calls)} calls", shown)

        return await expect(self._journal, f"{self.number} is called", look, within_s)

    async def gets_digits(self, digits: str, *, within_s: float = 5.0) -> None:
        """Its callers have pressed exactly these digits since the number was made."""

        async def look() -> Seen[None]:
            got = self.peer.ears.digits
            return Seen(got == digits, f"it got {got!r}", None)

        await expect(self._journal, f"{self.number} gets the digits {digits}", look, within_s)

    async def hears(self, freq_hz: float, *, within_s: float = 10.0) -> float:
        """It hears the tone now; the level in dB."""

        async def look() -> Seen[float]:
            level_db = self.peer.ears.heard().last(1.0).tone_level_db(freq_hz)
            return Seen(level_db >= HEARD_DB, f"it hears it at {level_db:.0f} dB", level_db)

        return await expect(self._journal, f"{self.number} hears {freq_hz:g} Hz", look, within_s)

    async def hang_up(self) -> None:
        """End every call at it."""
        for call in self.peer.calls:
            await call.hang_up()


class MakePublicNumber:
    """Gives numbers to a test: the value of `uapi_public_number`."""

    _first_free = 3_235_559_000

    def __init__(self, system: SystemUnderTest, journal: Journal, phones: PhonesOfATest) -> None:
        self._system = system
        self._journal = journal
        self._phones = phones
        self._made = 0

    async def __call__(
        self,
        number: str = "",
        *,
        status: int | None = 0,
        after_s: float = 0.0,
        early_media: bool = False,
        tone_hz: float = 1000.0,
        loss: float = 0.0,
        sends_audio: bool = True,
        hears_audio: bool = True,
    ) -> PublicNumber:
        """A number that behaves as NumberBehaviour says; without `number` one that nobody has.

        Raises NotOfThisSystem where the public network is not on this machine.
        """
        number = number or str(self._first_free + self._made)
        if not _DIGITS.match(number):
            raise ValueError(f"a public number has 7 to 15 digits, not {number!r}")
        address = await self._system.public_network()
        peer = CarrierPeer(number, address)
        await peer.open()
        made = PublicNumber(number, peer, self._system.public_network_console, self._journal)
        self._made += 1
        self._phones.ends_with_the_test(made)
        self._journal.follow(lambda: sip_observations(number, peer.messages, _PEER))
        behaviour = NumberBehaviour(
            status, after_s, early_media, tone_hz, loss, sends_audio, hears_audio
        )
        await made.behave(behaviour)
        return made
