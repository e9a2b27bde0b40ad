"""Which changes of a live call are written before its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.calls.live.stored_changes import must_be_stored
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import LegPhase, PhoneCall

from .fakes import accepted

GONE = {"phase": LegPhase.GONE, "cause": 17}


def call_to(*destinations: dict[str, Any]) -> PhoneCall:
    base = accepted()
    legs = (replace(base.legs[1], view_id=f"{n:02d}", **x) for n, x in enumerate(destinations, 1))
    return replace(base, extension="0003*210", legs=(base.legs[0], *legs))


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ([{}], [{"on_hold_ms": 5}], True),
        ([{"on_hold_ms": 5}], [{}], True),
        ([{}, {}], [GONE, {}], True),
        ([{}, {}], [{"dial_status": DialStatus.BUSY}, {}], True),
        # The final record follows at once, or says it all.
        ([{}], [GONE], False),
        ([{}, {"answered_ms": 5}], [GONE, {"answered_ms": 5}], False),
        # A comparison with the PBX finds it again.
        ([{}], [{"phase": LegPhase.RINGING, "ringing_ms": 5}], False),
    ],
)
def test_given_a_change_of_a_party_when_no_comparison_finds_it_again_then_it_is_kept(
    before: list[dict[str, Any]], after: list[dict[str, Any]], kept: bool
) -> None:
    assert must_be_stored(call_to(*before), call_to(*after)) is kept
