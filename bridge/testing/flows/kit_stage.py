"""The system under test of the pytest plugin as the stage of flows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.testing.flows.attached_stage import RINGS_BEFORE_REFUSAL_MS
from bridge.testing.flows.stage import NoSuchPhone
from bridge.testing.journal import Journal
from bridge.testing.observed_api import ObservedApi
from bridge.testing.phones_of_a_test import PhonesOfATest
from bridge.testing.softphones.sipp_behaviour import refuses
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.system.system_under_test import NotOfThisSystem


@dataclass
class KitStage:
    """The phones end with the test, and not with the flow."""

    api: ObservedApi
    journal: Journal
    phones: PhonesOfATest

    @asynccontextmanager
    async def softphone(self, extension: str, tone_hz: int) -> AsyncIterator[Softphone]:
        """A baresip phone."""
        try:
            yield await self.phones.softphone(extension, tone_hz=tone_hz)
        except NotOfThisSystem as why:
            raise NoSuchPhone(str(why)) from None

    @asynccontextmanager
    async def refusing_phone(self, extension: str, status: int) -> AsyncIterator[SippPhone]:
        """A SIPp phone."""
        behaviour = refuses(status, ring_ms=RINGS_BEFORE_REFUSAL_MS)
        try:
            yield await self.phones.scripted(extension, behaviour)
        except NotOfThisSystem as why:
            raise NoSuchPhone(str(why)) from None
