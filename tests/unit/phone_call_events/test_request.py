"""The request of an event: the query as it was plus ours, signed as documented."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import replace

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bridge.phone_call_events.delivery import Delivery, delivery_id
from bridge.phone_call_events.signed_request import event_request, event_target, signature
from bridge.phone_call_events.subscription import BodyFormat, Method, new_secret

DETAILS = f"occurredMs=0&phoneCallId={'c' * 20}"
"""Of an event of before these were kept."""
PARAMETERS = "CallID=1&CallerIDName=%C5%BD+%26+100%25%2B"


def a_delivery() -> Delivery:
    return Delivery("d" * 32, "s" * 30, 7, "c" * 20, 0, 0, PARAMETERS)


def sent(url: str, method: Method, attempt: int) -> tuple[str, list[str], bytes]:
    """Request line, header lines and body."""
    request = event_request(event_target(url, method), ["key"], a_delivery(), attempt, 1000)
    head, _, body = request.wire.partition(b"\r\n\r\n")
    line, *headers = head.decode("ascii").split("\r\n")
    return line, headers, body


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://h", f"/?{PARAMETERS}"),
        ("http://h/", f"/?{PARAMETERS}"),
        ("http://h/p?", f"/p?{PARAMETERS}"),
        ("http://h/p?a=1", f"/p?a=1&{PARAMETERS}"),
        ("http://h/p?a=1&", f"/p?a=1&{PARAMETERS}"),
        ("http://h/p#x?y", f"/p?{PARAMETERS}"),
        ("http://h/%2F/a%20b?q=%2B+%25&q=", f"/%2F/a%20b?q=%2B+%25&q=&{PARAMETERS}"),
    ],
)
def test_given_any_query_when_parameters_are_appended_then_nothing_else_changes(
    url: str, path: str
) -> None:
    line, headers, body = sent(url, Method.GET, 1)
    assert line == f"GET {path} HTTP/1.1"
    assert body == b""
    assert {x.partition(":")[0] for x in headers}.isdisjoint({"Content-Type", "Content-Length"})
    signed = ["1000", "d" * 32, "7", "1", "GET", path]
    assert f"X-Event-Signature: t=1000,v1={signature('key', signed, b'')}" in headers


def test_given_post_when_request_is_made_then_parameters_are_the_body_and_headers_are_signed() -> (
    None
):
    line, headers, body = sent("http://h/p?a=1", Method.POST, 3)
    assert line == "POST /p?a=1 HTTP/1.1"
    assert body == PARAMETERS.encode()
    signed = ["1000", "d" * 32, "7", "3", "POST", "/p?a=1"]
    of_details = ["1000", "d" * 32, DETAILS]
    assert sorted(headers) == sorted(
        [
            "Host: h",
            "User-Agent: uapi-bridge",
            "Accept: */*",
            "Accept-Encoding: identity",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            f"X-Event-Delivery-Id: {'d' * 32}",
            "X-Event-Sequence: 7",
            "X-Event-Attempt: 3",
            f"X-Event-Signature: t=1000,v1={signature('key', signed, body)}",
            f"X-Event-Details: {DETAILS}",
            f"X-Event-Details-Signature: t=1000,v1={signature('key', of_details, None)}",
            f"webhook-id: {'d' * 32}",
            "webhook-timestamp: 1000",
            f"webhook-signature: {standard_signature(b'key', body)}",
        ]
    )


def standard_signature(key: bytes, body: bytes) -> str:
    text = b"%s.1000.%s" % (b"d" * 32, body)
    return "v1," + base64.b64encode(hmac.digest(key, text, "sha256")).decode()


def test_given_json_when_request_is_made_then_the_body_has_all_and_no_header_says_it_again() -> (
    None
):
    facts = '{"type":"2","metadata":{"ticket":4711}}'
    delivery = replace(a_delivery(), details=facts, extension_sequence=9)
    target = event_target("http://h/p", Method.POST, BodyFormat.JSON)
    request = event_request(target, ["key"], delivery, 1, 1000)
    head, _, body = request.wire.partition(b"\r\n\r\n")
    assert json.loads(body) == {
        "deliveryId": "d" * 32,
        "sequence": 7,
        "type": "2",
        "metadata": {"ticket": 4711},
        "extensionSequence": 9,
        "parameters": {"CallID": "1", "CallerIDName": "Ž & 100%+"},
    }
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert b"X-Event-Details" not in head
    assert request.shown == f"POST http://h/p\n{body.decode()}"


def test_given_form_when_request_is_made_then_the_details_are_signed_and_have_no_metadata() -> None:
    facts = '{"type":"2","extension":"0003*210","metadata":{"ticket":4711}}'
    delivery = replace(a_delivery(), details=facts, extension_sequence=9)
    request = event_request(event_target("http://h/p", Method.GET), ["key"], delivery, 1, 1000)
    details = "type=2&extension=0003%2A210&extensionSequence=9"
    lines = request.wire.decode().split("\r\n")
    assert f"X-Event-Details: {details}" in lines
    signed = signature("key", ["1000", "d" * 32, details], None)
    assert f"X-Event-Details-Signature: t=1000,v1={signed}" in lines
    # Its signature would not cover the parameters, which are in the target.
    assert not any(x.startswith("webhook-") for x in lines)


def test_given_secret_in_the_form_of_standard_webhooks_when_signed_then_the_library_takes_it() -> (
    None
):
    secret, now_s = new_secret(), int(time.time())
    target = event_target("http://h/p", Method.POST, BodyFormat.JSON)
    request = event_request(target, [secret], a_delivery(), 1, now_s)
    head, _, body = request.wire.partition(b"\r\n\r\n")
    headers = dict(x.split(": ", 1) for x in head.decode().split("\r\n")[1:])
    assert Webhook(secret).verify(body, headers)["sequence"] == 7
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


@pytest.mark.parametrize(
    ("url", "method", "shown"),
    [
        ("http://h", Method.GET, f"GET http://h/?{PARAMETERS}"),
        ("http://h/p?xx=x#y", Method.GET, f"GET http://h/p?xx=x&{PARAMETERS}"),
        ("http://h/p?x", Method.POST, f"POST http://h/p?x\n{PARAMETERS}"),
    ],
)
def test_given_request_when_shown_then_it_is_the_whole_url_and_for_post_the_body(
    url: str, method: Method, shown: str
) -> None:
    target = event_target(url, method)
    assert event_request(target, ["key"], a_delivery(), 1, 1000).shown == shown


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://h:80/", "h"),
        ("https://h:443/", "h"),
        ("https://h:80/", "h:80"),
        ("http://[2001:db8::1]:8080/", "[2001:db8::1]:8080"),
        ("HTTP://Example.COM./", "Example.COM"),
    ],
)
def test_given_port_or_address_in_the_url_when_sent_then_host_has_it_unless_it_is_the_usual_one(
    url: str, host: str
) -> None:
    _, headers, _ = sent(url, Method.POST, 1)
    assert f"Host: {host}" in headers


def test_given_known_values_when_signed_then_the_signature_is_the_documented_example() -> None:
    # docs/phone-call-events.md shows these values, for receivers to test their own check against
    lines = ["1700000000", "d1", "1", "1", "GET", "/hook?CallStatus=ANSWER"]
    expected = "cbe7c8c95409e117b73bb0b2ff9775d01950b53aa527e6ab27cac5d6b3fb10a9"
    assert signature("secret", lines, b"") == expected


def test_given_same_event_when_its_id_is_made_then_it_is_the_same_and_no_other_is() -> None:
    ids = {
        delivery_id(*parts)
        for parts in (("s", "c", "p"), ("s", "c", "q"), ("s", "d", "p"), ("t", "c", "p"))
    }
    assert len(ids) == 4
    assert delivery_id("s", "c", "p") == delivery_id("s", "c", "p")
