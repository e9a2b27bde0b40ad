"""Bytes of an AMI stream → messages.

panoramisk decodes each TCP read separately, and loses a character that is split over two reads. It
builds a case-insensitive mapping per event, which is most of its cost. Here a message is decoded
once it is whole, as UTF-8, into a plain dict; header names are compared as Asterisk writes them.
"""

from __future__ import annotations

from collections.abc import Iterator

Headers = dict[str, str]

_END = b"\r\n\r\n"
_GREETING = b"Asterisk Call Manager/"
_SHAPES_MAX = 256


class MessageTooLong(Exception):
    """The peer sends no end of message: it is not an AMI server, or the stream is broken."""


class NotAnAmiServer(Exception):
    """The first line is not AMI's greeting."""


class MessageBuffer:
    """Collects bytes, gives whole messages. Malformed lines are left out, never an error."""

    def __init__(self, max_message_bytes: int) -> None:
        self._max = max_message_bytes
        self._rest = b""
        self._greeted = False
        # The header names of messages seen, by the name of the event and the number of lines.
        self._shapes: dict[tuple[str, int], list[str]] = {}

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
            headers = self._of_known_shape(text)
            if headers is not None:
                yield headers
            else:
                yield from self._of_new_shape(text)

    def _of_known_shape(self, text: str) -> Headers | None:
        """The message, if one with the same names came before. Asterisk writes each kind of event
        with few selections of headers.

        A value with a header in it has no known shape: there are more names than lines.
        """
        parts = text.replace("\r\n", ": ").split(": ")
        names = self._shapes.get((parts[1], text.count("\r\n"))) if len(parts) > 1 else None
        if names is None or len(parts) != 2 * len(names) or names != parts[::2]:
            return None
        return dict(zip(names, parts[1::2], strict=True))

    def _of_new_shape(self, text: str) -> list[Headers]:
        messages = list(parse_block(text))
        if len(messages) == 1:
            message, lines = messages[0], text.split("\r\n")
            if lines == [f"{name}: {value}" for name, value in message.items()]:
                if len(self._shapes) >= _SHAPES_MAX:
                    self._shapes.clear()
                first = next(iter(message.values()))
                self._shapes[first, len(lines) - 1] = list(message)
        return messages


def parse_block(text: str) -> Iterator[Headers]:
    """The message of one block; two where the empty line between them is missing.

    Of a header that occurs twice the first value counts. A block without `Event` or `Response` is
    not a message.
    """
    headers: Headers = {}
    for line in text.split("\r\n"):
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
