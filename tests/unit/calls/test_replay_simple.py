"""Calls of an app between two phones, replayed from recordings of real ones."""

from __future__ import annotations

from .replaying import Replay


def test_simple_source_hangs_up_is_told_exactly() -> None:
    """210 rings and picks up, 211 rings and picks up, 210 hangs up."""
    replay = Replay("simple_source_hangs_up")
    replay.until("210 hangs up")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: 00 0003*210 ended",
        "api: 01 0003*211 ended",
        "api: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_simple_destination_hangs_up_is_told_exactly() -> None:
    """210 rings and picks up, 211 rings and picks up, 211 hangs up."""
    replay = Replay("simple_destination_hangs_up")
    replay.until("211 hangs up")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: 01 0003*211 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_simple_deleted_in_talk_is_told_exactly() -> None:
    """210 and 211 talk; the app deletes the call."""
    replay = Replay("simple_deleted_in_talk")
    replay.until("the app deletes the call")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: 01 0003*211 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by api: normal clearing, cause 16",
    ]


def test_simple_duration_limit_is_told_exactly() -> None:
    """210 and 211 talk; after callDuration, 1 s, the PBX ends it."""
    replay = Replay("simple_duration_limit")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: 01 0003*211 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by duration limit: normal clearing, cause 16",
    ]


def test_deleted_at_once_is_told_exactly() -> None:
    """The app deletes the call right after the answer to its creation."""
    replay = Replay("deleted_at_once")
    replay.until("the app deletes the call")
    assert replay.views() == {"api": ["00 0003*210 TRYING", "01 0003*211 UNKNOWN"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: hang up a channel",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 ended",
        "api: ended: NO_ANSWER by api: cancelled, cause 16",
    ]


def test_deleted_while_source_rings_is_told_exactly() -> None:
    """210 rings; the app deletes the call."""
    replay = Replay("deleted_while_source_rings")
    replay.until("the app deletes the call")
    assert replay.views() == {"api": ["00 0003*210 RINGING", "01 0003*211 UNKNOWN"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 ended",
        "api: ended: NO_ANSWER by api: cancelled, cause 16",
    ]


def test_deleted_while_destination_rings_is_told_exactly() -> None:
    """210 picks up, 211 rings; the app deletes the call."""
    replay = Replay("deleted_while_destination_rings")
    replay.until("the app deletes the call")
    assert replay.views() == {"api": ["00 0003*210 OTHER_SIDE_RINGING", "01 0003*211 RINGING"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 ended",
        "api: 00 0003*210 ended",
        "api: ended: NO_ANSWER by api: cancelled, cause 16",
    ]


def test_source_hangs_up_while_destination_rings_is_told_exactly() -> None:
    """210 picks up, 211 rings; 210 hangs up."""
    replay = Replay("source_hangs_up_while_destination_rings")
    replay.until("210 hangs up")
    assert replay.views() == {"api": ["00 0003*210 OTHER_SIDE_RINGING", "01 0003*211 RINGING"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 ended",
        "api: 00 0003*210 ended",
        "api: ended: NO_ANSWER by source: cancelled, cause 16",
    ]
