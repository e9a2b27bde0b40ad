"""Reads the file that ``sipp -trace_msg`` writes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime

from .sip_message import SipMessage, parse_sip_message

_HEAD = re.compile(
    rb"-{20,} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)\r?\n"
    rb"(?:UDP|TCP|TLS) message (sent|received) "
    # "sent (370 bytes):" but "received [478] bytes :"
    rb"(?:\(|\[)(\d+)(?: bytes\)|\] bytes) ?:\r?\n\r?\n"
)


class SippMessageLog:
    """Takes the file's bytes in pieces of any size and gives whole messages."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[SipMessage]:
        self._buffer += data
        while head := _HEAD.search(self._buffer):
            end = head.end() + int(head.group(3))
            if len(self._buffer) < end:
                return
            text = self._buffer[head.end() : end].decode("utf-8", "replace")
            self._buffer = self._buffer[end:]
            if text.strip():  # else a keep-alive
                yield self._message(text, head)

    @staticmethod
    def _message(text: str, head: re.Match[bytes]) -> SipMessage:
        # SIPp writes local time without a zone.
        logged = datetime.fromisoformat(head.group(1).decode()).astimezone()
        age_s = time.time() - logged.timestamp()
        return parse_sip_message(
            text,
            sent=head.group(2) == b"sent",
            monotonic_s=time.monotonic() - age_s,
            wall_ms=int(logged.timestamp() * 1000),
        )
