"""A phone that knows its private address only, as one behind a router does."""

from __future__ import annotations

import asyncio

from bridge.testing.softphones.plain_phone import PlainPhone

PRIVATE = "192.168.77.7"
"""Nobody answers there."""


class PhoneBehindNat(PlainPhone):
    """It says PRIVATE in Via, Contact and SDP; what it sends comes from another address.

    `kept_alive`: set once the server has asked whether it is there, which its router remembers.
    """

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self.kept_alive = asyncio.Event()

    @property
    def via_host(self) -> str:
        return f"{PRIVATE}:5060"

    def sdp(self, mode: str = "sendrecv") -> str:
        host, _ = self._media.getsockname()
        return super().sdp(mode).replace(f"IP4 {host}", f"IP4 {PRIVATE}")

    def take(self, data: bytes) -> None:
        if data.startswith(b"OPTIONS "):
            self.kept_alive.set()
        super().take(data)

    async def hears(self) -> None:
        """Wait for one packet of audio."""
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().sock_recv(self._media, 2048)
