"""The request of an event: the query as it was plus ours, signed as documented."""

from __future__ import annotations

import pytest

from bridge.phone_call_events.delivery import Delivery, delivery_id
from bridge.phone_call_events.signed_request import event_request, event_target, signature
from bridge.phone_call_events.subscription import Method

PARAMETERS = "CallID=1&CallerIDName=%C5%BD+%26+100%25%2B"


def a_delivery() -> Delivery:
    return Delivery("d" * 32, "s" * 30, 7, "c" * 20, 0, 0, PARAMETERS)


def sent(url: str, method: Method, attempt: int) -> tuple[str, list[str], bytes]:
    """Request line, header lines and body."""
    request = event_request(event_target(url, method), "key", a_delivery(), attempt, 1000)
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
        ]
    )


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
    assert event_request(target, "key", a_delivery(), 1, 1000).shown == shown


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
