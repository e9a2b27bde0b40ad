"""What an edge has sent is a call once its node has taken it, and nothing before."""

from __future__ import annotations

import asyncio

import pytest

from bridge.pbx.ami.edge_gate import HELD_MAX, HELD_S, EdgeGate
from bridge.pbx.ami.message import Headers
from tests.lab.instant_time import instant

CALLER, CALLEE = "node1-1764440000.1", "node1-1764440000.2"
AT_EDGE = "t1764440000210"


def event(name: str, uniqueid: str = CALLER, exten: str = AT_EDGE, state: str = "4") -> Headers:
    return {
        "Event": name,
        "Uniqueid": uniqueid,
        "Linkedid": CALLER,
        "Exten": exten,
        "ChannelState": state,
    }


class Taken:
    def __init__(self) -> None:
        self.events: list[Headers] = []
        self.gate = EdgeGate(self.events.append)

    @property
    def names(self) -> list[tuple[str, str]]:
        return [(x["Event"], x["Exten"]) for x in self.events]


async def test_given_a_stale_call_when_its_node_refuses_it_then_nothing_is_handed_on() -> None:
    taken = Taken()
    for name in ("Newchannel", "HangupRequest", "Hangup"):
        taken.gate.put(event(name))

    assert taken.events == []
    taken.gate.put(event("Newchannel", CALLEE, "210", "0"))
    assert taken.names == [("Newchannel", "210")]


async def test_given_a_taken_call_when_it_dials_then_it_comes_first_with_the_dialled_number() -> (
    None
):
    taken = Taken()
    taken.gate.put(event("Newchannel"))
    taken.gate.put(event("Newchannel", CALLEE, "s", "0"))
    taken.gate.put(event("Hangup", exten="210"))

    assert taken.names == [("Newchannel", "210"), ("Newchannel", "s"), ("Hangup", "210")]


@pytest.mark.parametrize(
    "other",
    [event("Newchannel", exten="210"), event("Newchannel", state="0"), event("Newstate")],
    ids=["dialled without an edge", "a phone that is rung", "no new channel"],
)
async def test_given_another_channel_then_it_is_handed_on_at_once(other: Headers) -> None:
    taken = Taken()
    taken.gate.put(other)
    assert taken.events == [other]


@instant
async def test_given_a_dialplan_without_events_then_the_call_is_handed_on_all_the_same() -> None:
    taken = Taken()
    taken.gate.put(event("Newchannel"))
    assert taken.events == []
    await asyncio.sleep(HELD_S + 0.1)
    assert taken.names == [("Newchannel", "210")]


async def test_given_more_than_can_wait_then_the_oldest_is_handed_on() -> None:
    taken = Taken()
    for number in range(HELD_MAX + 1):
        taken.gate.put(event("Newchannel", f"node1-{number}"))
    assert [x["Uniqueid"] for x in taken.events] == ["node1-0"]
