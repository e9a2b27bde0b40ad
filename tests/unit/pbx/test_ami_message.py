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
