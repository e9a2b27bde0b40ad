"""The Call-IDs of SIP in a timeline: asked of the PBX, but never too often."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.tracker import CallTracker
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.timeline import sip_call_ids
from bridge.calls.timeline.entry import Timeline
from bridge.calls.timeline.sip_call_ids import SipCallIds
from bridge.calls.timeline.timelines import Timelines
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.steering import AmiSteering
from bridge.pbx.ami.values import AmiAction

from .example_parties import PARTIES
from .fakes import FakePbx, FakeRecords, accepted, appears, channel, settle


class Asked:
    """A switchboard with one live call, and a PBX that says what `answer` says."""

    def __init__(self, per_second: int = 2) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer: Callable[[str], str] = lambda uniqueid: f"sip-of-{uniqueid}"
        self.switchboard = Switchboard(
            FakePbx(), CallTracker("pbx1", PARTIES), FakeRecords(), 10.0, Timelines(20)
        )
        self.call = accepted()
        self.switchboard.calls.add(self.call)
        self.switchboard.timelines.accepted(self.call)
        self.switchboard.observe(SipCallIds(self.switchboard, self._ask, per_second).changed)

    async def _ask(self, uniqueid: str, endpoint: str) -> str:
        self.asked.append((uniqueid, endpoint))
        return self.answer(uniqueid)

    def appear(self, *uniqueids: str, endpoint: str = "PJSIP/0003*211") -> None:
        for uniqueid in uniqueids:
            self.switchboard.pbx_event(appears(channel(uniqueid, endpoint=endpoint)))

    def found(self) -> dict[str, str]:
        timeline = self.switchboard.timelines.of(self.call.id) or Timeline()
        return dict(timeline.sip_call_ids)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The clock that the questions are counted by; the test moves it."""
    at = [1]
    monkeypatch.setattr(sip_call_ids, "now_ms", lambda: at[0] * 1000)
    return at


async def test_given_new_channels_then_each_is_asked_for_once(second: list[int]) -> None:
    pbx = Asked()
    pbx.appear("1.1", "1.2", "1.1")
    await settle()
    assert pbx.asked == [("1.1", "PJSIP/0003*211"), ("1.2", "PJSIP/0003*211")]
    assert pbx.found() == {"1.1": "sip-of-1.1", "1.2": "sip-of-1.2"}


async def test_given_more_channels_than_may_be_asked_for_then_the_others_have_none(
    second: list[int],
) -> None:
    pbx = Asked(per_second=2)
    pbx.appear("1.1", "1.2", "1.3", "1.4")
    second[0] += 1
    pbx.appear("1.5")
    await settle()
    assert list(pbx.found()) == ["1.1", "1.2", "1.5"]


@pytest.mark.parametrize("said", ["", "two words", "x" * 256, "line\nend"])
async def test_given_no_valid_call_id_then_none_is_told(second: list[int], said: str) -> None:
    pbx = Asked()
    pbx.answer = lambda _: said
    pbx.appear("1.1")
    await settle()
    assert (len(pbx.asked), pbx.found()) == (1, {})


async def test_given_a_pbx_that_cannot_be_asked_then_nothing_is_told(second: list[int]) -> None:
    def fails(_: str) -> str:
        raise PbxUnavailable

    pbx = Asked()
    pbx.answer = fails
    pbx.appear("1.1")
    await settle()
    assert (len(pbx.asked), pbx.found()) == (1, {})


async def test_given_the_setting_0_then_nothing_is_asked(second: list[int]) -> None:
    pbx = Asked(per_second=0)
    pbx.appear("1.1")
    await settle()
    assert pbx.asked == []


async def test_given_a_channel_that_is_not_of_sip_then_the_pbx_is_not_asked() -> None:
    async def never(_: AmiAction) -> Headers:
        raise AssertionError

    async def modules() -> set[str]:
        return set()

    assert await AmiSteering(never, modules).sip_call_id("1.1", "Local/ring@bridge-source") == ""
