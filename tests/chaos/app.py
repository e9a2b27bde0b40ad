"""The app of a chaos run: it orders calls, asks again as an app should, and remembers what it was
told."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

from tests.bench.bare_http import BareHttp

_AGAIN_S = 0.2
_GIVES_UP_S = 300
_TALK_S = (0.0, 2.0)
_CREATE = "/uapi/phoneCalls/@me/simple"


@dataclass(slots=True)
class Ordered:
    """One order; `call_id`: once it was accepted. `said`: the answers before, "" for none."""

    number: str
    call_id: str = ""
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class App:
    """It sends each POST with a key, until it has an answer; then it hangs up, until it has one."""

    http: BareHttp
    chance: random.Random
    ordered: list[Ordered] = field(default_factory=list)

    async def call(self, number: str) -> None:
        """From the order to the DELETE."""
        order = Ordered(number)
        self.ordered.append(order)
        await self._order(order)
        if order.call_id:
            await asyncio.sleep(self.chance.uniform(*_TALK_S))  # the parties talk
            await self._until(f"/uapi/phoneCalls/@me/210/{order.call_id}", (200, 204, 404))

    async def _order(self, order: Ordered) -> None:
        caller = f"Chaos <{order.number}>"
        view = {
            "source": ["210"],
            "destination": ["211"],
            "callerId": caller,
            "callerIdDestination": caller,
        }
        body = json.dumps({"extension": "210", "phoneCallView": [view]}).encode()
        deadline = time.monotonic() + _GIVES_UP_S
        while time.monotonic() < deadline:
            try:
                status, answer = await self.http.request(
                    "POST", _CREATE, body, f"Idempotency-Key: chaos-{order.number}\r\n"
                )
            except (OSError, TimeoutError):  # it was killed, or is frozen
                order.said.append("")
                await asyncio.sleep(_AGAIN_S)  # as a client that waits a little
                continue
            if status == 202:
                order.call_id = json.loads(answer)[0]["id"]
                return
            order.said.append(f"{status} {json.loads(answer)['error']['code']}")
            await asyncio.sleep(_AGAIN_S)  # as a client that waits a little

    async def _until(self, path: str, wanted: tuple[int, ...]) -> None:
        deadline = time.monotonic() + _GIVES_UP_S
        while time.monotonic() < deadline:
            try:
                if (await self.http.request("DELETE", path))[0] in wanted:
                    return
            except (OSError, TimeoutError):
                pass
            await asyncio.sleep(_AGAIN_S)  # as a client that waits a little
