"""How many parties an organization may have in the parking lot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.parking_shares import ParkingShares

from .test_parking import parked, talk

PARKED = parked()  # by 0003*211


def refused(shares: ParkingShares, call_id: str, extension: str) -> bool:
    try:
        with shares.place(call_id, extension):
            return False
    except ActionFailed:
        return True


def test_given_parked_parties_when_counted_then_only_the_parkers_organization_is_at_its_limit() -> (
    None
):
    shares = ParkingShares([PARKED, talk()], 1)
    assert refused(shares, "d" * 20, "0003*220")
    assert not refused(shares, "d" * 20, "0004*210")
    assert not refused(ParkingShares([PARKED, talk()], 2), "d" * 20, "0003*220")


def test_given_a_party_that_comes_back_when_counted_then_its_place_is_free() -> None:
    leg = PARKED.legs[0]
    assert leg.parking is not None
    back = replace(leg, parking=replace(leg.parking, returns=True))
    shares = ParkingShares([replace(PARKED, legs=(back, *PARKED.legs[1:]))], 1)
    assert not refused(shares, "d" * 20, "0003*210")


def test_given_parks_under_way_when_counted_then_each_has_its_place_and_none_has_two() -> None:
    calls = [talk()]
    shares = ParkingShares(calls, 2)
    with shares.place(talk().id, "0003*211"):
        calls[0] = PARKED  # the PBX has told, and the block has not ended yet
        with shares.place("d" * 20, "0003*210"):
            assert refused(shares, "e" * 20, "0003*220")
            assert not refused(shares, "e" * 20, "0004*210")
        assert not refused(shares, "e" * 20, "0003*220")
    with pytest.raises(RuntimeError), shares.place("d" * 20, "0003*210"):
        raise RuntimeError
    assert not refused(shares, "e" * 20, "0003*220")
