"""A running service and its PBX as the stage of flows: that of `make serve`, or one of your own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.testing.flows.stage import NoSuchPhone
from bridge.testing.journal import Journal
from bridge.testing.observed_api import ObservedApi
from bridge.testing.observed_phone import sip_observations
from bridge.testing.softphones.sipp_behaviour import refuses
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import Softphone

RINGS_BEFORE_REFUSAL_MS = 200


@dataclass
class AttachedStage:
    """`secret_of` gives the SIP password of an extension, None if it is not known here.

    `sip` is where phones register.
    """

    api: ObservedApi
    journal: Journal
    sip: tuple[str, int]
    secret_of: Callable[[str], str | None]

    @asynccontextmanager
    async def softphone(self, extension: str, tone_hz: int) -> AsyncIterator[Softphone]:
        """A baresip phone."""
        host, port = self.sip
        secret = self._secret(extension)
        phone = Softphone(extension, secret, server=host, port=port, tone_hz=tone_hz)
        self._follow(phone)
        async with phone:
            yield phone

    @asynccontextmanager
    async def refusing_phone(self, extension: str, status: int) -> AsyncIterator[SippPhone]:
        """A SIPp phone."""
        host, port = self.sip
        behaviour = refuses(status, ring_ms=RINGS_BEFORE_REFUSAL_MS)
        secret = self._secret(extension)
        phone = SippPhone(extension, secret, server=host, port=port, behaviour=behaviour)
        self._follow(phone)
        async with phone:
            yield phone

    def _follow(self, phone: Softphone | SippPhone) -> None:
        self.journal.follow(lambda: sip_observations(phone.name, phone.log.messages))

    def _secret(self, extension: str) -> str:
        secret = self.secret_of(extension)
        if secret is None:
            raise NoSuchPhone(
                f"no SIP password of {extension} is here: run this in the folder of the service, "
                "or name a file with --secrets"
            )
        return secret
