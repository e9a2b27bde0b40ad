from __future__ import annotations

from dataclasses import replace

from bridge.calls.store.known_parties import KnownParties

from .phone_calls import live_call


def test_only_new_parties_are_missing() -> None:
    known, call = KnownParties(), live_call()
    assert known.missing(call) == {"0003*210", "0003*211", "0003*214"}
    known.written(call)
    assert known.missing(call) == set()
    assert known.missing(replace(call, extension="0003*299")) == {"0003*299"}
    known.written(replace(call, extension="0003*299", legs=()))
    assert known.missing(call) == set()
    known.forget(call.id)
    assert len(known.missing(call)) == 3


def test_the_oldest_is_forgotten() -> None:
    known = KnownParties(max_calls=2)
    calls = [live_call() for _ in range(3)]
    for call in calls:
        known.written(call)
    assert [bool(known.missing(call)) for call in calls] == [True, False, False]
