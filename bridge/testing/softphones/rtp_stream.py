"""The audio that a PlainPhone sends in one call: silence, and digits (RFC 4733, payload type 101).

Asterisk waits for audio when it answers a call, and knows digits only in a stream.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct

_EVENT, _PCMU, _MARK = 101, 0, 0x80
_PACKET_S = 0.02
_SAMPLES = 160
_PACKETS = 5
"""100 ms of each digit."""
_PAUSE = 4
_CODES = {**{str(x): x for x in range(10)}, "*": 10, "#": 11}
_SILENCE = b"\xff" * _SAMPLES


class RtpStream:
    """From that socket to that address, while `run` runs."""

    def __init__(self, media: socket.socket, to: tuple[str, int]) -> None:
        self._media = media
        self._to = to
        self._sequence = secrets.randbelow(30_000)
        self._stamp = secrets.randbelow(1 << 30)
        self._source = secrets.randbits(32)
        self._digits: list[tuple[int, bytes]] = []
        self._said = asyncio.Event()

    async def run(self, over: asyncio.Event) -> None:
        """Send until then."""
        while not over.is_set():
            kind, content = self._digits.pop(0) if self._digits else (_PCMU, _SILENCE)
            self._send(kind, content)
            if kind == _PCMU:
                self._stamp += _SAMPLES
            if not self._digits:
                self._said.set()
            await asyncio.sleep(_PACKET_S)  # the pace of RTP

    async def press(self, digits: str) -> None:
        """As a phone does that is pressed quickly. A character without a key raises KeyError."""
        self._said.clear()
        for digit in digits:
            # The last packet is sent three times, so that it is not lost.
            for count in [*range(1, _PACKETS + 1), _PACKETS, _PACKETS]:
                over = 0x80 if count == _PACKETS else 0
                event = struct.pack("!BBH", _CODES[digit], 10 | over, _SAMPLES * count)
                self._digits.append((_EVENT | (_MARK if count == 1 else 0), event))
            self._digits += [(_PCMU, _SILENCE)] * _PAUSE
        await self._said.wait()

    def _send(self, kind: int, content: bytes) -> None:
        head = struct.pack("!BBHII", 0x80, kind, self._sequence, self._stamp, self._source)
        self._media.sendto(head + content, self._to)
        self._skip()

    def _skip(self) -> None:
        """The next packet has the next number, whether or not this one was sent."""
        self._sequence = (self._sequence + 1) & 0xFFFF
