"""Which endpoints have had a change: of who is registered, or of whether it can be reached."""

from __future__ import annotations

from bridge.calls.state.pbx_events import (
    HoldBegun,
    PhoneReachability,
    PhoneRegistered,
    PhoneUnregistered,
)
from bridge.pbx.phones.phone_changes import CONTACTS_MAX, PhoneChanges

ALICE, BOB = "PJSIP/0003*210", "PJSIP/0003*211"


def came(endpoint: str, contact: str = "sip:a@192.0.2.7") -> PhoneRegistered:
    return PhoneRegistered(1, endpoint, contact)


def test_given_a_phone_when_it_renews_its_registration_then_nothing_has_changed() -> None:
    changes = PhoneChanges()
    changes.take(came(ALICE))
    changes.take(PhoneReachability(1, ALICE, reachable=True))
    seen = changes.count
    changes.take(came(ALICE))
    changes.take(PhoneReachability(1, ALICE, reachable=True))
    changes.take(HoldBegun(1, "1.1", "1.1"))
    assert (changes.count, changes.since(seen, ALICE)) == (seen, False)
    assert changes.since(seen - 1, ALICE)


def test_given_two_endpoints_when_one_changes_then_only_that_one_is_told() -> None:
    changes = PhoneChanges()
    changes.take(came(BOB))
    for event in (
        came(ALICE),
        came(ALICE, "sip:a@192.0.2.8"),
        PhoneReachability(1, ALICE, reachable=False),
        PhoneUnregistered(1, ALICE, "sip:a@192.0.2.7"),
        came(ALICE),
    ):
        seen = changes.count
        changes.take(event)
        assert (changes.since(seen, ALICE), changes.since(seen, BOB)) == (True, False), event


def test_given_a_link_that_comes_up_when_looked_at_then_every_endpoint_may_have_changed() -> None:
    changes = PhoneChanges()
    changes.take(came(ALICE))
    seen = changes.count
    changes.all_anew()
    assert changes.since(seen, ALICE)
    assert changes.since(seen, BOB)
    assert not changes.since(changes.count, BOB)


def test_given_a_phone_with_a_new_port_each_time_when_it_registers_then_few_are_remembered() -> (
    None
):
    changes = PhoneChanges()
    for port in range(CONTACTS_MAX + 1):
        changes.take(came(ALICE, f"sip:a@192.0.2.7:{port}"))
    seen = changes.count
    changes.take(came(ALICE, "sip:a@192.0.2.7:0"))  # the oldest, which is forgotten
    assert changes.count == seen + 1


def test_given_a_phone_when_it_registers_then_the_moment_of_its_first_time_is_kept() -> None:
    changes = PhoneChanges()
    changes.take(PhoneRegistered(5, ALICE, "sip:a@192.0.2.7:5060;transport=tcp"))
    changes.take(PhoneRegistered(9, ALICE, "sip:a@192.0.2.7:5060;transport=tcp"))
    assert changes.registered_since_ms(ALICE, "192.0.2.7:5060") == 5
    assert changes.registered_since_ms(BOB, "192.0.2.7:5060") is None
    changes.all_anew()
    assert changes.registered_since_ms(ALICE, "192.0.2.7:5060") is None
