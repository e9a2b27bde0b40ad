"""The events of two calls that become one: recorded stories, and what each extension hears."""

from __future__ import annotations

from collections import defaultdict

import pytest

from bridge.phone_call_events.call_events import events_of
from bridge.phone_call_events.subscription import EventType
from tests.unit.calls.replaying import Replay

_WORDS = {
    EventType.DIAL_IN: "dial-in",
    EventType.DIAL_OUT: "dial-out",
    EventType.ANSWER_INCOMING: "answer-in",
    EventType.ANSWER_OUTGOING: "answer-out",
}


class _Everybody:
    def __contains__(self, extension: object) -> bool:
        return True


def heard(story: str) -> dict[str, list[str]]:
    """What the extensions of a story hear, and the call that each event names."""
    replay, found = Replay(story).run(), defaultdict(list)
    for change in replay.changes:
        for event in events_of(change, _Everybody()):
            flow = "out" if event.calling else "in"
            word = _WORDS.get(event.type, f"hang-up {event.status.value} {flow}")
            name = replay.name(event.call_id(change.after))
            found[event.extension.removeprefix("0003*")].append(f"{name}: {word}")
    return dict(found)


def caller(name: str) -> list[str]:
    return [f"{name}: dial-out", f"{name}: answer-out", f"{name}: hang-up ANSWER out"]


def called(name: str) -> list[str]:
    return [f"{name}: dial-in", f"{name}: answer-in", f"{name}: hang-up ANSWER in"]


def only_rang(name: str) -> list[str]:
    return [f"{name}: dial-in", f"{name}: hang-up CANCEL in"]


def picked_up(name: str) -> list[str]:
    """Its phone dialled, and has the call of others since."""
    return [f"{name}: dial-out", f"{name}: answer-in", f"{name}: hang-up ANSWER in"]


DIALLED_PICK_UPS = [
    "group_pick_up",
    "group_pick_up_asterisk_16",
    "directed_pick_up",
    "busy_lamp_pick_up",
    "busy_lamp_pick_up_asterisk_16",
]
API_PICK_UPS = [
    "group_pick_up_of_api_call",
    "group_pick_up_of_api_call_asterisk_16",
    "directed_pick_up_of_api_call",
    "directed_pick_up_by_pickupchan_of_api_call",
    "busy_lamp_pick_up_of_api_call",
    "busy_lamp_pick_up_of_api_call_asterisk_16",
]


@pytest.mark.parametrize("story", DIALLED_PICK_UPS)
def test_given_a_dialled_call_when_picked_up_then_the_picker_answers_and_who_rang_does_not(
    story: str,
) -> None:
    assert heard(f"office/{story}") == {
        "210": caller("call 1"),
        "211": only_rang("call 1"),
        "212": picked_up("call 2"),
    }


@pytest.mark.parametrize("story", API_PICK_UPS)
def test_given_an_app_s_call_when_picked_up_then_the_picker_answers_and_who_rang_does_not(
    story: str,
) -> None:
    assert heard(f"office/{story}") == {
        "210": caller("api"),
        "211": only_rang("api"),
        "212": picked_up("call 1"),
    }


def test_given_a_call_from_outside_when_picked_up_then_the_picker_answers() -> None:
    assert heard("office/group_pick_up_of_incoming_call") == {
        "211": only_rang("call 1"),
        "212": picked_up("call 2"),
    }


@pytest.mark.parametrize("story", ["talk_taken_over", "talk_taken_over_asterisk_16"])
def test_given_a_talk_when_another_phone_takes_it_over_then_each_has_one_hang_up(
    story: str,
) -> None:
    assert heard(f"office/{story}") == {
        "210": caller("call 1"),
        "211": called("call 1"),
        "212": picked_up("call 2"),
    }


@pytest.mark.parametrize(
    "story",
    [
        "talk_taken_over_of_api_call_asterisk_16",
        "parked_api_call",
        "parked_api_call_asterisk_16",
        "parked_api_call_deleted_asterisk_16",
    ],
)
def test_given_an_app_s_talk_when_another_phone_has_it_then_each_has_one_hang_up(
    story: str,
) -> None:
    assert heard(f"office/{story}") == {
        "210": caller("api"),
        "211": called("api"),
        "212": picked_up("call 1"),
    }


@pytest.mark.parametrize("story", ["parked_by_code", "parked_by_code_asterisk_16"])
def test_given_a_parked_party_when_fetched_then_each_has_one_hang_up(story: str) -> None:
    assert heard(f"office/{story}") == {
        "210": caller("call 1"),
        "211": called("call 1"),
        "212": picked_up("call 2"),
    }


def test_given_two_talks_when_bridged_then_each_party_has_one_hang_up_of_the_call_it_knows() -> (
    None
):
    assert heard("office/bridged_by_others") == {
        "210": caller("call 1"),
        "211": called("call 1"),
        "212": caller("call 2"),
        "213": called("call 2"),
    }


def test_given_an_attended_transfer_when_done_then_the_target_has_one_hang_up_at_the_end() -> None:
    assert heard("attended_transfer_by_destination") == {
        "210": caller("api"),
        "211": [
            "api: dial-in",
            "api: answer-in",
            "call 1: dial-out",
            "call 1: answer-out",
            "call 1: hang-up ANSWER out",
            "api: hang-up ANSWER in",
        ],
        "212": called("call 1"),
    }
