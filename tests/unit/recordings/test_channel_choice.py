"""What is silent in a recording, seen from the channel that is recorded."""

from __future__ import annotations

import pytest

from bridge.recordings.channel_choice import channel_to_record, muted_directions
from bridge.recordings.conversation import Mute
from bridge.recordings.recording_pbx import AudioDirection
from tests.unit.calls.replaying import Replay, recorded

from .fakes import connected

NEAR, FAR = AudioDirection.FROM_CHANNEL, AudioDirection.TO_CHANNEL


@pytest.mark.parametrize(
    ("mute", "of_source", "of_destination"),
    [
        (Mute.NONE, set(), set()),
        (Mute.SOURCE, {NEAR}, {FAR}),
        (Mute.DESTINATION, {FAR}, {NEAR}),
        (Mute.BOTH, {NEAR, FAR}, {NEAR, FAR}),
    ],
)
def test_given_a_mask_then_each_side_is_silent_whichever_channel_is_recorded(
    mute: Mute, of_source: set[AudioDirection], of_destination: set[AudioDirection]
) -> None:
    call = connected()
    for channel, silent in ((call.id, of_source), ("b", of_destination)):
        found = muted_directions(call, channel, mute)
        assert {x for x, muted in found.items() if muted} == silent
        assert set(found) == {NEAR, FAR}


@pytest.mark.parametrize(
    "story", ["click_local_first_answered", "click_local_first_staying_deleted"]
)
def test_given_an_originate_of_a_local_channel_when_recorded_then_it_is_a_phone(story: str) -> None:
    replay = Replay(f"office/{story}")
    chosen = set()
    for line in recorded(replay.story):
        replay.take(line)
        for call in replay.tracker.live:
            if call.answered_ms is not None and (channel := channel_to_record(call)) is not None:
                chosen.add(call.channels[channel].endpoint.partition("/")[0])
    assert chosen == {"PJSIP"}
