"""The states of a call, as its `statusUrl` reads them."""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from bridge.calls.live.change import Change
from bridge.calls.state.effects import (
    CallConnected,
    CallEnded,
    CallTransferred,
    DigitPressed,
    Effect,
    LegProgressed,
    LegStep,
)
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Flow,
    Leg,
    Origin,
    PhoneCall,
    Side,
)
from bridge.phone_call_events.call_states import STATES, CallState, states_of
from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.event_body import json_body
from bridge.phone_call_events.event_details import details_text

LEG = Leg("01", Side.DESTINATION, "0003*211", "211", extension="0003*211", uniqueid="u1")
FINAL = FinalRecord(8_000, Disposition.ANSWERED, EndedBy.SOURCE, "normal clearing", cause=16)
CALL = PhoneCall(
    *("c" * 20, "pbx1", "c" * 20, Origin.API, Flow.LOCAL, 0),
    extension="0003*210",
    nonce="order 4711",
    answered_ms=5_000,
    final=FINAL,
)


def told(*effects: Effect) -> list[CallState]:
    return states_of(Change(CALL, CALL, effects))


def test_each_step_of_a_party_is_a_state_with_a_part_of_its_own() -> None:
    found = told(*(LegProgressed(7, step, LEG) for step in LegStep))
    assert [x.facts["state"] for x in found] == ["dialling", "ringing", "answered", "left"]
    assert len({x.part for x in found}) == 4
    assert found[0].facts["party"] == {
        "phoneCallViewId": "01",
        "side": "destination",
        "number": "0003*211",
        "extension": "0003*211",
    }


def test_states_of_the_whole_call_come_in_the_order_of_the_changes() -> None:
    transfer = CallTransferred(6, LEG, "212", attended=False)
    found = told(CallConnected(5), DigitPressed(5, LEG, "1"), transfer, CallEnded(FINAL))
    assert [x.facts["state"] for x in found] == ["connected", "transferred", "ended"]
    assert found[1].facts["transferredTo"] == "212"
    assert {x.facts["state"] for x in found} <= set(STATES)


def test_the_example_of_the_page_has_the_fields_of_an_end() -> None:
    page = (Path(__file__).parents[3] / "docs" / "calls.md").read_text()
    [example] = [x for x in re.findall(r"```json\n(.*?)```", page, re.S) if '"state"' in x]
    [end] = told(CallEnded(FINAL))
    details = details_text(end.facts, '{"ticket":4711}')
    delivery = Delivery("d", "s", 7, "c", 8_000, 0, "", details=details, extension_sequence=9)
    assert list(orjson.loads(json_body(delivery))) == list(orjson.loads(example))
    assert end.facts["durationMs"] == 3_000
