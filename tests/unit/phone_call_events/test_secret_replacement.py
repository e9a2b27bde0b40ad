"""A new secret, and how long the old ones sign."""

from __future__ import annotations

import pytest

from bridge.phone_call_events.secret_replacement import TooManySecrets, with_new_secret
from bridge.phone_call_events.subscription import EventType, Method, Subscription

START = Subscription(
    "s", "0003*210", (EventType.HANG_UP,), "http://h/", Method.POST, True, "", "first", "app", 0
)


def test_given_new_secret_when_its_time_is_over_then_only_the_new_one_signs() -> None:
    after = with_new_secret(START, 60, 1_000)
    assert after.secret != "first"
    assert after.signing_secrets(60_999) == [after.secret, "first"]
    assert after.signing_secrets(61_000) == [after.secret]
    assert after.secret not in repr(after)
    assert "first" not in repr(after)


def test_given_lost_answer_when_replaced_again_then_the_first_secret_signs_on() -> None:
    lost = with_new_secret(START, 60, 1_000)
    after = with_new_secret(lost, 60, 2_000)
    assert after.signing_secrets(3_000) == [after.secret, lost.secret, "first"]
    with pytest.raises(TooManySecrets) as refused:
        with_new_secret(after, 60, 3_000)
    assert refused.value.until_ms == 61_000
    assert len(with_new_secret(after, 60, 61_000).signing_secrets(61_000)) == 3


def test_given_leaked_secret_when_replaced_at_once_then_no_old_one_signs() -> None:
    after = with_new_secret(with_new_secret(START, 60, 1_000), 0, 2_000)
    assert after.signing_secrets(2_000) == [after.secret]
