"""Reads the SIP messages out of the output of ``baresip -s``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from .sip_message import SipMessage, parse_sip_message

# A message is printed between these two colour codes, headed by
# "#\nUDP 127.0.0.1:5062 -> 127.0.0.1:5060\n"; baresip 3 puts a time before the #.
_BEGIN = b"\x1b[36;1m"
_END = b"\x1b[;m\n"
_HEAD = re.compile(rb"\A[^#\n]*#\n(?:UDP|TCP|TLS|WS|WSS) (\S+) -> (\S+)\n")


class BaresipTrace:
    """Takes the output in pieces of any size and gives whole messages."""

    def __init__(self, server: str) -> None:
        """server: "host:port" of the registrar; what goes there was sent by the phone."""
        self._server = server.encode()
        self._buffer = b""
        self.log_lines: list[str] = []
        """Everything printed that is not a SIP message."""

    def feed(self, data: bytes) -> Iterator[SipMessage]:
        self._buffer += data
        while True:
            begin = self._buffer.find(_BEGIN)
            if begin < 0:
                self._take_log_lines()
                return
            end = self._buffer.find(_END, begin)
            if end < 0:
                return
            block = self._buffer[begin + len(_BEGIN) : end]
            before = self._buffer[:begin]
            self._buffer = self._buffer[end + len(_END) :]
            self.log_lines += _printable_lines(before)
            message = self._parse(block)
            if message is not None:
                yield message

    def _take_log_lines(self) -> None:
        complete, newline, rest = self._buffer.rpartition(b"\n")
        if newline:
            self.log_lines += _printable_lines(complete)
            self._buffer = rest

    def _parse(self, block: bytes) -> SipMessage | None:
        head = _HEAD.match(block)
        if head is None:
            self.log_lines += _printable_lines(block)
            return None
        text = block[head.end() :].decode("utf-8", "replace")
        if not text.strip():  # keep-alive
            return None
        return parse_sip_message(
            text,
            sent=head.group(2) == self._server,
            monotonic_s=time.monotonic(),
            wall_ms=time.time_ns() // 1_000_000,
        )


def _printable_lines(data: bytes) -> list[str]:
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", data.decode("utf-8", "replace"))
    return [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
