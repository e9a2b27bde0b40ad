"""Bytes of an AMI stream → messages.

panoramisk decodes each TCP read for itself (a character split over two reads is lost) and builds a
case-insensitive mapping per event (most of its cost). Here a message is decoded once it is whole,
as UTF-8; header names are compared as Asterisk writes them. Of some 20 headers of an event 5 are
looked at, so they are looked up in its text instead of being taken apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Headers = Mapping[str, str]

_LINE_END = "\r\n"
_END = b"\r\n\r\n"
_GREETING = b"Asterisk Call Manager/"


class MessageTooLong(Exception):
    """The peer sends no end of message: it is no AMI server, or the stream is broken."""


class NotAnAmiServer(Exception):
    """The first line is not AMI's greeting."""


class MessageBuffer:
    """Collects bytes, gives whole messages. Malformed lines are left out, never an error."""

    def __init__(self, max_message_bytes: int) -> None:
        self._max = max_message_bytes
        self._rest = b""
        self._greeted = False

    def feed(self, data: bytes) -> Iterator[Headers]:
        """The messages completed by `data`. Raises MessageTooLong, NotAnAmiServer."""
        data = self._rest + data
        self._rest = b""
        if not self._greeted:
            line, found, after = data.partition(b"\r\n")
            start = line if found else data
            if not start.startswith(_GREETING[: len(start)]) or len(start) > 256:
                raise NotAnAmiServer(start[:80].decode("ascii", "replace"))
            if not found:
                self._rest = data
                return
            self._greeted = True
            data = after
        blocks = data.split(_END)
        self._rest = blocks.pop()
        if len(self._rest) > self._max:
            raise MessageTooLong(f"{len(self._rest)} bytes without an end of message")
        for block in blocks:
            text = block.decode("utf-8", "replace")
            if text.startswith("Event: ") and "\r\nEvent: " not in text:
                yield EventHeaders(text)
            else:
                yield from taken_apart(text)


class EventHeaders(Mapping[str, str]):
    """The headers of one event. Of a header that occurs twice the first value counts."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """`text`: its lines, without the empty one that ends it."""
        self._text = f"\r\n{text}\r\n"

    def get(self, name: str, default: Any = None, /) -> Any:
        begin = self._text.find(f"\r\n{name}: ")
        if begin < 0:
            return default
        begin += len(name) + 4
        return self._text[begin : self._text.find(_LINE_END, begin)]

    def __getitem__(self, name: str) -> str:
        value: str | None = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return f"\r\n{name}: " in self._text

    def __iter__(self) -> Iterator[str]:
        return (name for message in taken_apart(self._text) for name in message)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def taken_apart(text: str) -> Iterator[Headers]:
    """The message of one block; two where the empty line between them is missing.

    Of a header that occurs twice the first value counts. A block without `Event` or `Response` is
    no message.
    """
    headers: dict[str, str] = {}
    for line in text.split(_LINE_END):
        name, found, value = line.partition(": ")
        if not found:
            name = line.rstrip(": ")
            if not line.endswith(":") or not name:
                continue
        if name in headers or name == "Event":
            # `Event` is always the first header, so one in the middle begins another message.
            if name != "Event":
                continue
            if "Event" in headers or "Response" in headers:
                yield headers
            headers = {}
        headers[name] = value
    if "Event" in headers or "Response" in headers:
        yield headers
