"""Calls of an app with several sources or destinations, replayed from recordings."""

from __future__ import annotations

from .replaying import Replay


def test_fork_second_source_wins_is_told_exactly() -> None:
    """210, 211 and 212 ring; 211 picks up, the others stop; 213 rings and answers; 211 hangs up."""
    replay = Replay("fork_second_source_wins")
    replay.until("211 hangs up")
    assert replay.views() == {"api": ["01 0003*211 ON_CALL", "03 0003*213 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 01 0003*211 dialled",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: 00 0003*210 ended",
        "api: 02 0003*212 ended",
        "api: 03 0003*213 dialled",
        "api: 03 0003*213 ringing",
        "api: 03 0003*213 answered",
        "api: connected",
        "api: 01 0003*211 ended",
        "api: 03 0003*213 ended",
        "api: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_fork_nobody_answers_is_told_exactly() -> None:
    """210 and 211 ring for waitForPickup, 1 s; nobody answers."""
    replay = Replay("fork_nobody_answers")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 ended",
        "api: 00 0003*210 ended",
        "api: ended: NO_ANSWER by pickup timeout: no answer, cause 19",
    ]


def test_fork_one_rejects_one_answers_is_told_exactly() -> None:
    """210 rejects (603), 211 picks up; 212 rings and answers; the app deletes the call."""
    replay = Replay("fork_one_rejects_one_answers")
    replay.until("the app deletes the call")
    assert replay.views() == {"api": ["01 0003*211 ON_CALL", "02 0003*212 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 00 0003*210 ended",
        "api: 01 0003*211 answered",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 02 0003*212 answered",
        "api: connected",
        "api: 02 0003*212 ended",
        "api: 01 0003*211 ended",
        "api: ended: ANSWERED by api: normal clearing, cause 16",
    ]


def test_fork_deleted_while_ringing_is_told_exactly() -> None:
    """210 and 211 ring; the app deletes the call."""
    replay = Replay("fork_deleted_while_ringing")
    replay.until("the app deletes the call")
    assert replay.views() == {
        "api": ["00 0003*210 RINGING", "01 0003*211 RINGING", "02 0003*212 UNKNOWN"]
    }
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 00 0003*210 ended",
        "api: 01 0003*211 ended",
        "api: ended: NO_ANSWER by api: cancelled, cause 16",
    ]


def test_several_destinations_is_told_exactly() -> None:
    """210 picks up; 211 and 212 ring, 212 picks up; 212 hangs up."""
    replay = Replay("several_destinations")
    replay.until("212 hangs up")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "02 0003*212 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 02 0003*212 answered",
        "api: connected",
        "api: 01 0003*211 ended",
        "api: 02 0003*212 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_conference_by_app_is_told_exactly() -> None:
    """210 is in the conference; the app connects 211 with it; 211 hangs up, then 210."""
    replay = Replay("conference_by_app")
    replay.until("211 hangs up")
    assert replay.views() == {
        "api": ["00 0003*211 ON_CALL", "01 0003*500 ON_CALL"],
        "call 1": ["00 0003*210 ON_CALL"],
    }
    replay.until("210 hangs up")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "api: 00 0003*211 dialled",
        "api: 00 0003*211 ringing",
        "api: 00 0003*211 answered",
        "api: 01 0003*500 dialled",
        "api: 01 0003*500 answered",
        "api: connected",
        "api: 01 0003*500 ended",
        "api: 00 0003*211 ended",
        "api: ended: ANSWERED by source: normal clearing, cause 16",
        "call 1: 00 0003*210 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]
