"""verify_signature takes what the service signs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.client import SignatureInvalid, event_details, verify_signature
from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.signed_request import event_request, event_target
from bridge.phone_call_events.subscription import Method

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
        {"headers": {**HEADERS, "X-Event-Signature": "t=1700000000"}},
        {"headers": {}},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        verify_signature(**{**EVENT, **change})


def sent_headers(*secrets: str) -> dict[str, str]:
    """Of an event by GET at `/hook`, with a fact."""
    delivery = Delivery(
        "d1", "s", 1, "c", 5, 0, "CallStatus=BUSY", details='{"extension":"0003*9"}'
    )
    target = event_target("http://h/hook", Method.GET)
    head = event_request(target, secrets, delivery, 1, NOW_S).wire.decode()
    return dict(x.split(": ", 1) for x in head.split("\r\n")[1:] if x)


def test_two_secrets_are_both_taken_while_one_is_replaced() -> None:
    headers, target = sent_headers("new", "old"), "/hook?CallStatus=BUSY"
    for secret in ("new", "old"):
        verify_signature(secret, headers, "GET", target, now_s=NOW_S)
        assert event_details(secret, headers, now_s=NOW_S)["extension"] == "0003*9"
    with pytest.raises(SignatureInvalid):
        verify_signature("other", headers, "GET", target, now_s=NOW_S)


@pytest.mark.parametrize("name", ["X-Event-Details", "X-Event-Delivery-Id"])
def test_details_that_were_changed_are_refused(name: str) -> None:
    headers = sent_headers("secret")
    with pytest.raises(SignatureInvalid):
        event_details("secret", {**headers, name: headers[name] + "0"}, now_s=NOW_S)
    with pytest.raises(SignatureInvalid):
        event_details("secret", headers, now_s=NOW_S + 301)
