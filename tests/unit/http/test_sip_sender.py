"""Who sent a SIP message: a reading that the PBX cannot have otherwise, or none."""

from __future__ import annotations

import pytest

from bridge.http.sip_sender import has_request, sender_of

LINE = "REGISTER sip:pbx SIP/2.0\r\nVia: SIP/2.0/WS x\r\n"


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ("From: <sip:0003*210@pbx>;tag=1\r\n", "0003*210"),
        ('f : "Alice" <sips:0003*210@pbx:5061;transport=ws>;tag=1\r\n', "0003*210"),
        ("FROM:Alice Adams <sip:alice@pbx>\r\n", "alice"),
        ("From: sip:alice@pbx;tag=1\r\n", "alice"),
        ("", None),
        (f"From: {' ' * 600}x <sip:a@x>\r\n", "a"),
        (f"From: {'x' * 600} <sip:a@x>\r\n", None),
        ("From: <sip:a@x>\r\nFrom: <sip:b@x>\r\n", None),
        ("From: <sip:a@x>\r\nf: <sip:b@x>\r\n", None),
        ("From: <sip:a@x>\rf: <sip:b@x>\r\n", None),
        ("From:\r\n <sip:a@x>\r\n", None),
        ('From: "<sip:a@x>" <sip:b@x>\r\n', None),
        ('From: "\\" <sip:a@x>" <sip:b@x>\r\n', None),
        ("From: <sip:%61@x>\r\n", None),
        ("From: <sip:a:b@x>\r\n", None),
        ("From: <sip:a@x>, <sip:b@x>\r\n", None),
    ],
)
def test_sender(headers: str, user: str | None) -> None:
    assert sender_of(f"{LINE}{headers}\r\n") == user


@pytest.mark.parametrize(
    ("frame", "has"),
    [
        (f"{LINE}\r\n", True),
        ("nonsense", True),
        ("\r\n\r\n", False),
        ("SIP/2.0 200 OK\r\nVia: SIP/2.0/WS x\r\n\r\n", False),
        (f"SIP/2.0 200 OK\r\n\r\n{LINE}\r\n", True),
    ],
)
def test_has_request(frame: str, *, has: bool) -> None:
    assert has_request(frame) is has
