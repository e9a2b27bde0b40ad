"""What the PBX's answers say of a registration."""

from __future__ import annotations

import pytest

from bridge.http.sip_registration import registered_for_s


def answer(*lines: str, status: str = "200 OK", body: str = "") -> str:
    return "\r\n".join([f"SIP/2.0 {status}", "Via: SIP/2.0/WS x", *lines, "", body])


CONTACT = "Contact: <sip:a@x;transport=ws>;expires=59"


@pytest.mark.parametrize(
    ("message", "lasts_s"),
    [
        (answer("CSeq: 2 REGISTER", CONTACT), 59),
        (answer("cseq:2  register", "m: <sip:a@x>; expires = 7"), 7),
        (answer("CSeq: 2 REGISTER", CONTACT, "Contact: <sip:b@x>;expires=3000"), 3000),
        (answer("CSeq: 2 REGISTER", "Expires: 120", "Contact: <sip:a@x>"), 120),
        (answer("CSeq: 2 REGISTER", "Contact: <sip:a@x>"), 3600),
        (answer("CSeq: 2 REGISTER"), 0),
        (answer("CSeq: 1 REGISTER", CONTACT, status="401 Unauthorized"), None),
        (answer("CSeq: 1 OPTIONS", CONTACT), None),
        (answer("CSeq: 1 OPTIONS", CONTACT, body="CSeq: 2 REGISTER"), None),
        (answer("X: CSeq: 1 REGISTER", CONTACT), None),
        ("REGISTER sip:pbx SIP/2.0\r\nCSeq: 2 REGISTER\r\n\r\n", None),
        ("\r\n\r\n", None),
        ("", None),
    ],
)
def test_registered_for(message: str, lasts_s: int | None) -> None:
    assert registered_for_s(message) == lasts_s
