"""All events of all extensions of the office, as a receiver gets them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.webhook_receiver import Receiver

Told = tuple[str, int, Mapping[str, str]]
"""Extension, type, parameters."""


class OfficeEvents:
    """`begin` forgets what came before."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._seen = 0

    async def subscribe(self, api: ApiClient, extensions: list[str]) -> None:
        for extension in extensions:
            for kind in range(5):
                url = self._receiver.url(f"/{extension}/{kind}")
                path = f"/uapi/extensions/@me/{extension}/phoneCallEvents"
                body = {"type": kind, "method": 1, "url": url}
                answer = await api.request("POST", path, body=body)
                assert answer.status == 200, answer.text

    def begin(self) -> None:
        self._seen = len(self._receiver.received)

    @property
    def told(self) -> list[Told]:
        """Each delivery once."""
        found: dict[str, Told] = {}
        for x in self._receiver.received[self._seen :]:
            _, extension, kind = x.path.split("/")
            found[x.delivery_id] = extension, int(kind), x.parameters
        return list(found.values())

    async def quiet(self, for_s: float) -> None:
        """Until nothing has come for that long."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < for_s:
            if len(self._receiver.received) != count:
                count, since = len(self._receiver.received), time.monotonic()
            await asyncio.sleep(0.03)  # until it has been quiet for that long
