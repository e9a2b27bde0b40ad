"""Reads the answer of a receiver; its status counts, whatever follows.

Only two things of an answer matter: its status (and Retry-After), and whether the connection can
carry another request. The first is read with patience, for receivers are all kinds of programs; the
second strictly: after anything unusual the connection is not used again. So no byte of one answer
counts as part of the next. Strict parsers of libraries know no such difference: they refuse an
answer as a whole, and an event that was taken would be sent again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

# RFC 9110 §15.2 lets interim answers come at any number; nobody has a use for more than a few.
_INTERIM_MAX = 8
# Of all that comes before the end of the final head.
_HEAD_MAX_BYTES = 64 * 1024
# Read so that the connection can be used again; of a longer body nothing more is wanted.
_BODY_MAX_BYTES = 4096

_REMEMBERED_MAX_BYTES = 512
_ANSWERS_REMEMBERED = 256

_SWITCHING_PROTOCOLS = 101
_STATUS_LINE = re.compile(rb"(?:HTTP/(\d)(?:\.(\d))?|ICY) +(\d{3})(?: [^\r\n]*)?\r?\Z")
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*?)[ \t]*\r\Z")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_END_OF_TRAILERS = re.compile(rb"\r\n\r\n")


class NoAnswer(ValueError):
    """The received bytes are not an answer to an HTTP request. `str()` says why."""


@dataclass(frozen=True, slots=True)
class ReceiverAnswer:
    """`retry_after`: that header, if there is one."""

    status: int
    retry_after: str | None


@dataclass(slots=True)
class AnswerReader:
    """Takes the bytes of one answer as they come.

    `answer` is set from the end of its head on; `over` once nothing more of it has to be read;
    `reusable` then says whether the connection may carry another request. `remembers`: an answer
    that comes in one piece is looked up among those that came before.
    """

    answer: ReceiverAnswer | None = None
    over: bool = False
    reusable: bool = False
    remembers: bool = True
    _come: bytearray = field(default_factory=bytearray)
    _searched: int = 0
    _before: int = 0
    _interim: int = 0
    _body_bytes: int | None = None  # None: chunked

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises NoAnswer; nothing may be fed after that."""
        if self.remembers:
            self.remembers = False  # only the first bytes can be all of it
            whole = _whole_answer(data) if len(data) <= _REMEMBERED_MAX_BYTES else None
            if whole is not None:
                self._done(whole[0], reusable=whole[1])
                return
        self._come += data
        if self.answer is None:
            self._read_heads()
        if self.answer is not None and not self.over:
            self._read_body()

    def _read_heads(self) -> None:
        while self.answer is None:
            self._skip_empty_lines()
            end = _END_OF_HEAD.search(self._come, max(0, self._searched - 2))
            if end is None:
                self._searched = len(self._come)
                if self._before + len(self._come) > _HEAD_MAX_BYTES:
                    self._cut_head_short()
                return
            lines = bytes(self._come[: end.start()]).split(b"\n")
            del self._come[: end.end()]
            self._before += end.end()
            self._searched = 0
            self._read_head(lines)

    def _skip_empty_lines(self) -> None:
        if self._come.startswith((b"\r", b"\n")):
            before = len(self._come)
            self._come = self._come.lstrip(b"\r\n")
            self._before += before - len(self._come)
            self._searched = 0

    def _cut_head_short(self) -> None:
        """So much and no end: if a final status has come, it counts."""
        line, ended, _ = self._come.partition(b"\n")
        status, _ = _status_of(bytes(line)) if ended else (0, False)
        if status == 0 or _is_interim(status):
            raise NoAnswer(f"more than {_HEAD_MAX_BYTES} bytes, and no final answer among them")
        self._done(ReceiverAnswer(status, None), reusable=False)

    def _read_head(self, lines: list[bytes]) -> None:
        status, is_http_1_1 = _status_of(lines[0])
        if status == 0:
            # Not what it is: an app must not read by it what answers at some address.
            raise NoAnswer("the answer is not HTTP")
        if _is_interim(status):
            self._interim += 1
            if self._interim > _INTERIM_MAX or self._before > _HEAD_MAX_BYTES:
                raise NoAnswer(
                    f"more than {_INTERIM_MAX} interim answers or {_HEAD_MAX_BYTES} bytes of them,"
                    " and no final one"
                )
            return
        fields = [
            _FIELD.match(line if line.endswith(b"\r") else line + b"\r") for line in lines[1:]
        ]
        known = [(x[1].lower(), x[2]) for x in fields if x is not None]
        retry_after = next((v for name, v in known if name == b"retry-after"), None)
        answer = ReceiverAnswer(
            status, None if retry_after is None else retry_after.decode("latin-1")
        )
        regular = is_http_1_1 and None not in fields and all(x.endswith(b"\r") for x in lines[:-1])
        if not regular or not self._expect_body(status, known):
            self._done(answer, reusable=False)
            return
        self.answer = answer

    def _expect_body(self, status: int, fields: list[tuple[bytes, bytes]]) -> bool:
        """False where the end of the answer cannot be told for certain, or is too far."""
        of = [value for name, value in fields if name == b"content-length"]
        encodings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
        options = b",".join(value.lower() for name, value in fields if name == b"connection")
        if status == _SWITCHING_PROTOCOLS or b"close" in options or b"upgrade" in options:
            return False
        if encodings:
            self._body_bytes = None
            return encodings == [b"chunked"] and not of and status not in (204, 304)
        if status in (204, 304):
            self._body_bytes = 0
            return True
        if len(of) != 1 or not of[0].isdigit() or len(of[0]) > 8:
            return False
        self._body_bytes = int(of[0])
        return self._body_bytes <= _BODY_MAX_BYTES

    def _read_body(self) -> None:
        if self._body_bytes is not None:
            end: int | None = self._body_bytes
        else:
            end = _end_of_chunks(self._come)
        too_long = len(self._come) > _BODY_MAX_BYTES
        if end is not None and 0 <= end <= len(self._come):
            self._done(self.answer, reusable=end == len(self._come))
        elif too_long or end == -1:
            self._done(self.answer, reusable=False)

    def _done(self, answer: ReceiverAnswer | None, *, reusable: bool) -> None:
        self.answer, self.over, self.reusable = answer, True, reusable
        self._come = bytearray()


@lru_cache(_ANSWERS_REMEMBERED)
def _whole_answer(data: bytes) -> tuple[ReceiverAnswer, bool] | None:
    """The answer, and whether the connection is reusable, where these are all its bytes.

    A receiver says the same again and again, for a second at least. Raises NoAnswer.
    """
    reader = AnswerReader(remembers=False)
    reader.feed(data)
    return (reader.answer, reader.reusable) if reader.answer and reader.over else None


def _status_of(line: bytes) -> tuple[int, bool]:
    """The status, 0 where the line holds none; and whether it is of HTTP/1.1."""
    found = _STATUS_LINE.match(line)
    if found is None:
        return 0, False
    return int(found[3]), (found[1], found[2]) == (b"1", b"1")


def _is_interim(status: int) -> bool:
    return 100 <= status < 200 and status != _SWITCHING_PROTOCOLS


def _end_of_chunks(body: bytearray) -> int | None:
    """The end of a chunked body; None: not yet; -1: it is none."""
    at = 0
    while True:
        size = _CHUNK_SIZE.match(body, at)
        if size is None:
            return None if b"\n" not in body[at:] else -1
        length = int(size[1], 16)
        if length == 0:
            end = _END_OF_TRAILERS.search(body, size.end() - 2)
            return None if end is None else end.end()
        at = size.end() + length
        if len(body) < at + 2:
            return None
        if body[at : at + 2] != b"\r\n":
            return -1
        at += 2
