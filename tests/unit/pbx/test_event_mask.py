"""Asterisk tells of digits only while somebody wants them."""

from __future__ import annotations

from bridge.pbx.ami.event_mask import event_mask
from bridge.pbx.ami.values import AmiAction
from bridge.phone_call_events.subscription import EventType, Method, Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex


def test_the_mask_asks_for_digits_where_they_are_wanted() -> None:
    without, wanted = (event_mask(digits=x).split(",") for x in (False, True))
    assert "dtmf" not in without
    assert {"call", "system", "agent"} <= set(without)
    assert wanted == [*without, "dtmf"]
    AmiAction("Events", (("EventMask", event_mask(digits=True)),))  # it fits into a line


def test_a_subscription_that_is_enabled_wants_them() -> None:
    index = SubscriptionIndex()
    assert not index.wants(EventType.DIGIT)
    for kind, enabled, wanted in (
        (EventType.HANG_UP, True, False),
        (EventType.DIGIT, False, False),
        (EventType.DIGIT, True, True),
    ):
        index.store(
            Subscription(
                "a", "0003*210", (kind,), "http://x", Method.GET, enabled, "", "s", "app", 1
            )
        )
        assert index.wants(EventType.DIGIT) is wanted
    index.remove("a")
    assert not index.wants(EventType.DIGIT)
