"""Signatures of Standard Webhooks, and the time of two secrets, as a receiver sees them."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bridge.clock import now_ms
from bridge.phone_call_events.secret_replacement import with_new_secret
from bridge.testing.webhook_receiver import Receiver, fine, refusing

from .attempts import until_finished
from .in_process import EventsInProcess


async def test_given_old_and_new_secret_when_an_event_is_sent_again_then_both_fit_one_id(
    running: EventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(503)
    subscription = await running.subscribe(receiver.url())
    running.end_a_call()
    await receiver.wait_count(1)
    after = await running.events.update(
        subscription.id, lambda x: with_new_secret(x, 3600, now_ms())
    )
    assert after is not None
    receiver.received.clear()
    receiver.mood = fine
    await until_finished(running, subscription)
    last = receiver.received[-1]
    assert last.headers["webhook-id"] == last.delivery_id
    for secret in (subscription.secret, after.secret):
        Webhook(secret).verify(last.body, last.headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(after.secret).verify(last.body + b"&", last.headers, json_parse=False)
