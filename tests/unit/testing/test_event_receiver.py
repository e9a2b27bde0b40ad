"""The receiver of events in flows: signatures, order, and exactly the expected ones."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.testing.event_receiver import Subscription
from bridge.testing.expecting import FlowFailure
from bridge.testing.journal import Journal, Source

EXTENSION, SECRET = "0003*210", "whsec_one"


def event(
    kind: str, status: str, sequence: int, *, secret: str = SECRET, delivery: str = ""
) -> tuple[web.Request, bytes]:
    """The request of one event, signed as docs/phone-call-events.md says."""
    body = json.dumps(
        {
            "type": kind,
            "sequence": sequence,
            "parameters": {"CallStatus": status, "CallAPIID": "c1"},
        }
    ).encode()
    now, delivery = str(int(time.time())), delivery or f"d{sequence}"
    lines = "\n".join([now, delivery, str(sequence), "1", "POST", "/0", ""]).encode()
    signature = hmac.new(secret.encode(), lines + body, hashlib.sha256).hexdigest()
    headers = {
        "X-Event-Delivery-Id": delivery,
        "X-Event-Sequence": str(sequence),
        "X-Event-Attempt": "1",
        "X-Event-Signature": f"t={now},v1={signature}",
    }
    return make_mocked_request("POST", "/0", headers=headers), body


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def subscription(journal: Journal) -> Subscription:
    made = Subscription(EXTENSION, journal)
    made.secret = SECRET
    return made


async def test_given_the_expected_events_then_they_are_exactly_those(
    subscription: Subscription, journal: Journal
) -> None:
    assert subscription.take(*event("1", "CALLING", 1)) == 200
    assert subscription.take(*event("2", "BUSY", 2)) == 200

    found = await subscription.exactly("dial-out", "hang-up BUSY", within_s=0)
    assert [x.call_id for x in found] == ["c1", "c1"]
    await subscription.exactly(within_s=0)
    told = [x for x in journal.observations() if x.source is Source.WEBHOOK]
    assert [(x.kind, x.text) for x in told] == [
        ("received", "dial-out CALLING"),
        ("received", "hang-up BUSY"),
    ]


@pytest.mark.parametrize(
    "names", [("dial-out",), ("dial-out", "hang-up ANSWER"), ("hang-up BUSY", "dial-out")]
)
async def test_given_other_events_then_the_failure_tells_them(
    subscription: Subscription, names: tuple[str, ...]
) -> None:
    subscription.take(*event("1", "CALLING", 1))
    subscription.take(*event("2", "BUSY", 2))

    with pytest.raises(FlowFailure, match="seen:     dial-out CALLING, hang-up BUSY"):
        await subscription.exactly(*names, within_s=0)


async def test_given_a_name_that_no_event_has_then_the_error_lists_the_names(
    subscription: Subscription,
) -> None:
    for expectation in (
        subscription.exactly("dial-in", "answered"),
        subscription.include("answered"),
    ):
        with pytest.raises(ValueError, match="'answered' is no event; there are dial-in, dial-out"):
            await expectation


async def test_given_a_wrong_signature_then_it_is_refused_and_a_fault(
    subscription: Subscription, journal: Journal
) -> None:
    assert subscription.take(*event("1", "CALLING", 1, secret="another")) == 401

    assert [x.kind for x in journal.observations()] == ["refused"]
    with pytest.raises(FlowFailure, match="faults: the signature is wrong"):
        await subscription.exactly(within_s=0)


async def test_given_an_event_again_then_it_counts_once(subscription: Subscription) -> None:
    for _ in range(2):
        assert subscription.take(*event("1", "CALLING", 1)) == 200
    await subscription.exactly("dial-out", within_s=0)


async def test_given_events_out_of_order_then_it_is_a_fault(subscription: Subscription) -> None:
    subscription.take(*event("2", "BUSY", 2))
    subscription.take(*event("1", "CALLING", 1))

    with pytest.raises(FlowFailure, match="dial-out CALLING came after a later event"):
        await subscription.exactly("hang-up", "dial-out", within_s=0)


async def test_given_one_event_of_several_then_it_is_included(subscription: Subscription) -> None:
    subscription.take(*event("1", "CALLING", 1))
    subscription.take(*event("2", "BUSY", 2))

    assert (await subscription.include("hang-up", within_s=0)).status == "BUSY"
    with pytest.raises(FlowFailure, match=r"expected: 0003\*210 gets dial-in"):
        await subscription.include("dial-in", within_s=0)
