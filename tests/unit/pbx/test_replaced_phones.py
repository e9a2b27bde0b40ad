"""A phone that takes another's place is told of; one that leaves by itself is not."""

from __future__ import annotations

from structlog.testing import capture_logs

from bridge.calls.state.pbx_events import PhoneRegistered, PhoneUnregistered
from bridge.pbx.phones.replaced_phones import ReplacedPhones

PHONE, DESK, MOBILE = "PJSIP/0003*210", "sip:210@192.0.2.1", "sip:210@192.0.2.2"


def test_the_one_that_goes_as_another_comes_was_replaced() -> None:
    phones = ReplacedPhones()
    with capture_logs() as log:
        phones.registered(PhoneRegistered(0, PHONE, DESK))
        phones.registered(PhoneRegistered(50_000, PHONE, MOBILE))
        phones.unregistered(PhoneUnregistered(50_001, PHONE, DESK))
    assert [(x["event"], x["old"], x["new"]) for x in log] == [("phone_replaced", DESK, MOBILE)]


def test_the_one_that_leaves_by_itself_was_not() -> None:
    phones = ReplacedPhones()
    with capture_logs() as log:
        phones.registered(PhoneRegistered(0, PHONE, DESK))
        phones.unregistered(PhoneUnregistered(10, PHONE, DESK))
        phones.registered(PhoneRegistered(20, PHONE, MOBILE))
        phones.registered(PhoneRegistered(30, PHONE, DESK))
        phones.unregistered(PhoneUnregistered(90_000, PHONE, MOBILE))
        phones.unregistered(PhoneUnregistered(90_000, "PJSIP/0003*211", MOBILE))
    assert not log
