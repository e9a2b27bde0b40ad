"""Whether the service counts a phone as registered, which a PBX tells it a moment later."""

from __future__ import annotations

import contextlib
from typing import Self

from bridge.client import ApiError, NotReached, UapiClient
from bridge.testing.eventually import eventually
from bridge.testing.system.system_under_test import SystemUnderTest

_KNOWN_S = 5.0


class Presence:
    """Asks the service about phones, as the app `client_id`."""

    def __init__(self, system: SystemUnderTest, client_id: str) -> None:
        self._api = UapiClient(system.base_url, client_id, system.secret(f"app/{client_id}"))

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.__aexit__()

    async def knows(self, user: str) -> None:
        """Return once the service knows the phone, after 5 s, or if the app may not ask."""

        async def registered() -> bool:
            entries = await self._api.presence(user)
            return any(str(x["status"]) != "0" for x in entries)

        with contextlib.suppress(AssertionError, ApiError, NotReached):
            await eventually(registered, _KNOWN_S)
