"""Places on /ws: a phone that registers or leaves gives back what it took."""

from __future__ import annotations

import pytest

from bridge.http.errors import UapiError
from bridge.http.sip_websocket_places import PHONES_PER_USER, Places


def test_given_a_user_with_all_phones_when_one_leaves_then_there_is_room_for_another() -> None:
    places = Places(100, 2)
    taken = []
    for _ in range(PHONES_PER_USER):
        place = places.take("192.0.2.1")
        assert places.registered(place, "alice")
        assert places.registered(place, "alice")  # again, as phones do
        taken.append(place)
    late = places.take("192.0.2.1")
    assert not places.registered(late, "alice")
    places.leave(taken[0])
    assert places.registered(late, "alice")
    assert places.registered(taken[1], "bob")
    assert places.registered(places.take("192.0.2.1"), "alice")


def test_given_a_phone_when_it_unregisters_then_it_counts_against_its_address_again() -> None:
    places = Places(100, 1)
    phone = places.take("192.0.2.1")
    places.registered(phone, "alice")
    other = places.take("192.0.2.1")
    places.leave(other)
    places.unregistered(phone)
    with pytest.raises(UapiError):
        places.take("192.0.2.1")
    places.leave(phone)
    places.take("192.0.2.1")
