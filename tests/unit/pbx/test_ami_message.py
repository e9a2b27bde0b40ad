"""Bytes → messages, wherever they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.pbx.ami.message import Headers, MessageBuffer, MessageTooLong, NotAnAmiServer

GREETING = b"Asterisk Call Manager/9.0.0\r\n"
STREAM = (
    GREETING
    + b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n"
    + "Event: Newchannel\r\nCallerIDName: Ján 村\r\nAccountCode: \r\n\r\n".encode()
    + b"Event: OriginateResponse\r\nResponse: Failure\r\n\r\n"
)
MESSAGES = [
    {"Response": "Success", "ActionID": "1", "Message": "Authentication accepted"},
    {"Event": "Newchannel", "CallerIDName": "Ján 村", "AccountCode": ""},
    {"Event": "OriginateResponse", "Response": "Failure"},
]


def messages(*parts: bytes) -> list[Headers]:
    buffer = MessageBuffer(10_000)
    return [one for part in parts for one in buffer.feed(part)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=10).map(sorted))
def test_cut_anywhere(cuts: list[int]) -> None:
    ends = [*cuts, len(STREAM)]
    parts = [STREAM[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    assert messages(*parts) == MESSAGES


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_nothing(data: bytes) -> None:
    found = messages(GREETING, data, b"\r\n\r\nEvent: Last\r\n\r\n")
    assert found[-1] == {"Event": "Last"}


@pytest.mark.parametrize("first", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 400\r\n", b"\x16\x03\x01"])
def test_another_server(first: bytes) -> None:
    with pytest.raises(NotAnAmiServer):
        messages(first)


def test_no_end() -> None:
    with pytest.raises(MessageTooLong):
        messages(GREETING, b"A: b\r\n" * 2000)


def test_a_repeated_header_has_its_first_value() -> None:
    assert messages(GREETING, b"Event: X\r\nA: 1\r\nA: 2\r\n\r\n") == [{"Event": "X", "A": "1"}]


_LINES = ("Event: X", "Event: Y", "A: 1", "A: 1: B: 2", "A: B", "B: 2", "B: A: B", "B", "B:", ": ")


@given(st.lists(st.lists(st.sampled_from(_LINES), min_size=1, max_size=5), max_size=6))
def test_a_message_is_read_alike_whatever_came_before(written: list[list[str]]) -> None:
    blocks = ["\r\n".join([*lines, "", ""]).encode() for lines in written]
    alone = [one for block in blocks for one in messages(GREETING, block)]
    assert messages(GREETING, *blocks, *blocks) == [*alone, *alone]


def test_a_value_with_a_header_in_it_is_a_value() -> None:
    seen = b"Event: X\r\nA: 1\r\nB: 2\r\n\r\nEvent: X\r\nA: 1\r\n\r\n"
    hostile = b"Event: X\r\nA: 1: B: 2\r\n\r\n"
    assert messages(GREETING, seen, hostile)[-1] == {"Event": "X", "A": "1: B: 2"}
