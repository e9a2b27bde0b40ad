"""A phone with a lamp for its mailbox (RFC 3842): told unasked, or because it subscribes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.testing.eventually import eventually

from .plain_phone import PlainPhone

_COUNTS = re.compile(r"^Voice-Message:\s*(\d+)/(\d+)", re.M | re.I)
_ACCOUNT = re.compile(r"^Message-Account:\s*(\S+)", re.M | re.I)


@dataclass(frozen=True)
class Lamp:
    """`account`: the URI that the phone's key for messages dials."""

    on: bool
    new: int
    heard: int
    account: str


class LampPhone(PlainPhone):
    """`lamps`: every state of the lamp that it was told, the newest last."""

    def __init__(self, user: str, secret: str, server: tuple[str, int]) -> None:
        super().__init__(user, secret, server)
        self.lamps: list[Lamp] = []

    def take(self, data: bytes) -> None:
        text = data.decode()
        if text.startswith("NOTIFY") and "simple-message-summary" in text:
            counts, account = _COUNTS.search(text), _ACCOUNT.search(text)
            assert account is not None, text
            self.lamps.append(
                Lamp(
                    "Messages-Waiting: yes" in text,
                    int(counts[1]) if counts else 0,
                    int(counts[2]) if counts else 0,
                    account[1],
                )
            )
        super().take(data)

    async def subscribe(self) -> int:
        """Ask to be told of the own mailbox; returns the status of the answer."""
        more = (
            "Event: message-summary\r\nExpires: 600\r\n"
            "Accept: application/simple-message-summary\r\n"
        )
        response = await self.request("SUBSCRIBE", self.outside(self.user), more=more)
        return response.status

    async def wait_lamp(self, new: int, heard: int = 0) -> Lamp:
        """Until it was told these numbers of messages last."""
        await eventually(
            lambda: bool(self.lamps) and (self.lamps[-1].new, self.lamps[-1].heard) == (new, heard),
            timeout=20,
        )
        return self.lamps[-1]
