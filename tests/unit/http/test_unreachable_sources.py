"""A source is left out, or a call refused, only after the PBX itself was asked for the phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from bridge.calls.pbx import Pbx, PbxUnavailable
from bridge.http.errors import UapiError
from bridge.http.uapi.create_simple import without_unreachable
from tests.unit.calls.test_placing import order, party

A, B, SERVICE = "0003*210", "0003*211", "0003*500"


class Phones:
    """`told`: endpoints of which an event said that they are reachable; `there`: which really are.

    `answers` is False for a PBX that does not say."""

    def __init__(self, told: Sequence[str] = (), there: Sequence[str] = ()) -> None:
        self.told = told
        self.there = there
        self.answers = True
        self.asked: list[str] = []

    def reachable(self, endpoint: str) -> bool:
        return endpoint in [f"PJSIP/{x}" for x in self.told]

    async def has_phone_to_ring(self, endpoint: str) -> bool:
        self.asked.append(endpoint)
        if not self.answers:
            raise PbxUnavailable("it does not say")
        return endpoint in [f"PJSIP/{x}" for x in self.there]


async def left(phones: Phones, *sources: str) -> list[str]:
    ordered = replace(order(), sources=tuple(party(x) for x in sources))
    return [x.number for x in (await without_unreachable(ordered, cast("Pbx", phones))).sources]


async def test_given_a_phone_that_has_just_registered_when_it_is_a_source_then_it_stays() -> None:
    phones = Phones(told=[B], there=[A, B])
    assert await left(phones, A) == [A]
    assert await left(phones, A, B) == [A, B]  # not left out for being the newer one


async def test_given_what_is_known_or_no_phone_when_it_is_a_source_then_nobody_is_asked() -> None:
    phones = Phones(told=[A])
    assert await left(phones, A, SERVICE) == [A, SERVICE]
    assert phones.asked == []


async def test_given_no_phone_when_there_is_another_source_then_it_is_left_out() -> None:
    assert await left(Phones(told=[B], there=[B]), A, B) == [B]


async def test_given_no_phone_at_all_when_asked_then_the_call_is_refused() -> None:
    with pytest.raises(UapiError, match=r"no phone is registered.*0003\*210, 0003\*211"):
        await left(Phones(), A, B)


async def test_given_a_pbx_that_does_not_say_when_asked_then_nobody_is_called_unreachable() -> None:
    phones = Phones(there=[A])
    phones.answers = False
    with pytest.raises(PbxUnavailable):
        await left(phones, A)
