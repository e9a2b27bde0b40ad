"""verify_signature takes what the service signs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.client import SignatureInvalid, verify_signature

NOW_S = 1_700_000_000
# docs/phone-call-events.md computes this one with openssl.
HEADERS = {
    "X-Event-Delivery-Id": "d1",
    "X-Event-Sequence": "1",
    "X-Event-Attempt": "1",
    "X-Event-Signature": "t=1700000000,v1="
    "cbe7c8c95409e117b73bb0b2ff9775d01950b53aa527e6ab27cac5d6b3fb10a9",
}
EVENT: dict[str, Any] = {
    "secret": "secret",
    "headers": HEADERS,
    "method": "GET",
    "target": "/hook?CallStatus=ANSWER",
    "now_s": NOW_S,
}


def test_the_example_of_the_page_is_taken() -> None:
    verify_signature(**EVENT)
    verify_signature(**{**EVENT, "method": "get"})
    lower = {k.lower(): v for k, v in HEADERS.items()}
    verify_signature(**{**EVENT, "headers": lower})


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "Secret"},
        {"method": "POST"},
        {"target": "/hook?CallStatus=BUSY"},
        {"body": b"x"},
        {"now_s": NOW_S + 301},
        {"now_s": NOW_S - 301},
        *({"headers": {k: v for k, v in HEADERS.items() if k != name}} for name in HEADERS),
        *({"headers": {**HEADERS, name: "2"}} for name in HEADERS),
        {"headers": {**HEADERS, "X-Event-Signature": "t=1700000000,v1=é"}},
        {"headers": {**HEADERS, "X-Event-Signature": "t=1700000000,v1=a,v1=b"}},
        {"headers": {}},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        verify_signature(**{**EVENT, **change})
