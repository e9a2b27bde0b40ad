"""Which channel is next to a party, in the moments after the answer."""

from __future__ import annotations

import pytest

from bridge.calls.pbx import PbxRefused
from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.neighbour import neighbour_of, with_neighbour
from tests.lab.instant_time import instant

from .fakes import Exchange
from .test_parking import talk


class Bridges:
    """What is next to 1.2 at each question; the last one stays."""

    def __init__(self, *answers: str | None) -> None:
        self.asked = 0
        self._answers = answers

    async def neighbour(self, uniqueid: str) -> str | None:
        assert uniqueid == "1.2"
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


@instant
async def test_given_a_party_that_is_not_connected_yet_when_asked_then_who_comes_is_found() -> None:
    exchange, call = Exchange(), talk()
    exchange.switchboard.calls.add(call)
    # nobody, then a Local channel that leaves, then the other phone
    bridges = Bridges(None, "1.9", None, "1.1")
    live = exchange.switchboard.calls.live
    assert await neighbour_of(live, bridges, call.id, call.legs[1]) == "1.1"
    assert bridges.asked == 4


@pytest.mark.parametrize("beside", [None, "7.7"])
@instant
async def test_given_nobody_of_the_call_beside_a_party_when_asked_then_it_fails_within_a_second(
    beside: str | None,
) -> None:
    exchange, call = Exchange(), talk()
    exchange.switchboard.calls.add(call)
    bridges = Bridges(beside)
    with pytest.raises(ActionFailed, match="talks to nobody of this call"):
        await neighbour_of(exchange.switchboard.calls.live, bridges, call.id, call.legs[1])
    assert bridges.asked == 20


@pytest.mark.parametrize(
    ("beside", "gone", "tried"),
    [
        (("1.9", "1.1"), {"1.9"}, ["1.9", "1.1"]),
        (("1.1",), {"1.1"}, ["1.1"]),
        (("1.6", "1.7", "1.8", "1.1"), {"1.6", "1.7", "1.8"}, ["1.6", "1.7", "1.8"]),
    ],
)
@instant
async def test_given_a_channel_that_leaves_when_the_pbx_refuses_then_only_another_one_is_tried(
    beside: tuple[str, ...], gone: set[str], tried: list[str]
) -> None:
    bridges = Bridges(*beside)
    did: list[str] = []

    async def find() -> str:
        return str(await bridges.neighbour("1.2"))

    async def act(channel: str) -> str:
        did.append(channel)
        if channel in gone:
            raise PbxRefused("ExtraChannel does not exist")
        return "done"

    if tried[-1] in gone:
        with pytest.raises(PbxRefused):
            await with_neighbour(find, act)
    else:
        assert await with_neighbour(find, act) == "done"
    assert did == tried
