"""A conversation names who really talked, on a dialplan with Local channels too."""

from __future__ import annotations

import pytest

from bridge.recordings.conversation_of_call import described, new_conversation
from tests.unit.calls.replaying import Replay, directory_of, recorded


@pytest.mark.parametrize(
    ("story", "source", "destination"),
    [
        ("office/ring_group", "0003*210", "0003*212"),
        ("office/ring_group_not_optimised_asterisk_16", "0003*210", "0003*212"),
        ("office/queue_of_local_agents", "0003*210", "0003*212"),
        ("office/carrier_fail_over", "0003*210", "3235742879"),
        ("office/carrier_fail_over_of_dialled_call", "0003*210", "3235742879"),
        ("forwarded_to_public", "0003*210", "3235550200"),
        ("originate_by_others_to_phone", "0003*210", "0003*211"),
        ("office/click_local_first_answered", "0003*210", "0003*211"),
        ("office/click_customer_first", "3235550200", "0003*211"),
    ],
)
def test_given_a_story_when_they_talk_then_the_conversation_names_them(
    story: str, source: str, destination: str
) -> None:
    replay, directory = Replay(story), directory_of(story).directory
    conversation = None
    for line in recorded(story):
        replay.take(line)
        for call in replay.tracker.live:
            if conversation is not None:
                conversation = described(conversation, call, directory)
            elif call.answered_ms is not None:
                conversation = new_conversation(call, directory, call.linkedid, 0)
    assert conversation is not None
    assert (conversation.source.number, conversation.destination.number) == (source, destination)
    assert not conversation.numbers & {"s", "Local", "211", "212", "00" + destination}
