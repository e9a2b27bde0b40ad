"""The request of an event: the query as it was plus ours, signed as README.md says."""

from __future__ import annotations

import pytest
from yarl import URL

from bridge.phone_call_events.delivery import Delivery, delivery_id
from bridge.phone_call_events.request import event_request, signature
from bridge.phone_call_events.subscription import EventType, Method, Subscription

PARAMETERS = "CallID=1&CallerIDName=%C5%BD+%26+100%25%2B"


def a_subscription(url: str, method: Method = Method.GET) -> Subscription:
    return Subscription(
        "s" * 30, "0003*210", EventType.HANG_UP, url, method, True, "", "key", "app", 0
    )


def a_delivery() -> Delivery:
    return Delivery("d" * 32, "s" * 30, 7, "c" * 20, 0, 0, PARAMETERS)


@pytest.mark.parametrize(
    ("url", "target"),
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
    url: str, target: str
) -> None:
    request = event_request(a_subscription(url), a_delivery(), 1, 1000)
    assert request.url.raw_path_qs == target
    assert request.body == b""
    assert "Content-Type" not in request.headers


def test_given_post_when_request_is_made_then_parameters_are_the_body_and_headers_are_signed() -> (
    None
):
    request = event_request(a_subscription("http://h/p?a=1", Method.POST), a_delivery(), 3, 1000)
    assert request.url == URL("http://h/p?a=1")
    assert request.body == PARAMETERS.encode()
    signed = ["1000", "d" * 32, "7", "3", "POST", "/p?a=1"]
    assert request.headers == {
        "X-Event-Delivery-Id": "d" * 32,
        "X-Event-Sequence": "7",
        "X-Event-Attempt": "3",
        "X-Event-Signature": f"t=1000,v1={signature('key', signed, request.body)}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def test_given_known_values_when_signed_then_the_signature_is_the_documented_example() -> None:
    # README.md shows these values, for receivers to test their own check against
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
