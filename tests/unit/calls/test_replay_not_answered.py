"""Calls of an app that reach nobody, replayed from recordings: what the record says of it."""

from __future__ import annotations

from .replaying import Replay


def test_source_busy_is_told_exactly() -> None:
    """210 is busy (486)."""
    replay = Replay("source_busy")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ended",
        "api: ended: BUSY by source: busy, cause 17, SIP 486",
    ]


def test_source_rejects_is_told_exactly() -> None:
    """210 rejects (603)."""
    replay = Replay("source_rejects")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ended",
        "api: ended: BUSY by source: rejected, cause 21, SIP 603",
    ]


def test_source_does_not_answer_is_told_exactly() -> None:
    """210 rings for waitForPickup, 1 s."""
    replay = Replay("source_does_not_answer")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 ended",
        "api: ended: NO_ANSWER by pickup timeout: no answer, cause 19",
    ]


def test_source_not_registered_is_told_exactly() -> None:
    """210 is not registered: there is never a channel."""
    replay = Replay("source_not_registered")
    replay.run()
    assert replay.said == ["api: ended: FAILED by pbx: unavailable, cause None"]


def test_source_congested_is_told_exactly() -> None:
    """210 answers 503."""
    replay = Replay("source_congested")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ended",
        "api: ended: FAILED by pbx: congestion, cause 34, SIP 503",
    ]


def test_destination_busy_is_told_exactly() -> None:
    """210 picks up; the public number is busy (486)."""
    replay = Replay("destination_busy")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 3235550486 dialled",
        "api: 01 3235550486 ended",
        "api: 00 0003*210 ended",
        "api: ended: BUSY by destination: busy, cause 17, SIP 486",
    ]


def test_destination_rejects_is_told_exactly() -> None:
    """210 picks up; the public number rejects (603)."""
    replay = Replay("destination_rejects")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 3235550603 dialled",
        "api: 01 3235550603 ended",
        "api: 00 0003*210 ended",
        "api: ended: BUSY by destination: rejected, cause 21, SIP 603",
    ]


def test_destination_does_not_answer_is_told_exactly() -> None:
    """210 picks up; the public number rings for destination_wait_s, 2 s here."""
    replay = Replay("destination_does_not_answer")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 3235550180 dialled",
        "api: 01 3235550180 ringing",
        "api: 01 3235550180 ended",
        "api: 00 0003*210 ended",
        "api: ended: NO_ANSWER by pickup timeout: no answer, cause 19",
    ]


def test_destination_not_registered_is_told_exactly() -> None:
    """210 picks up; 211 is not registered."""
    replay = Replay("destination_not_registered")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 00 0003*210 ended",
        "api: ended: FAILED by pbx: unavailable, cause 3",
    ]


def test_destination_does_not_exist_is_told_exactly() -> None:
    """210 picks up; the public number does not exist (404)."""
    replay = Replay("destination_does_not_exist")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 3235550404 dialled",
        "api: 01 3235550404 ended",
        "api: 00 0003*210 ended",
        "api: ended: FAILED by pbx: no such number, cause 1, SIP 404",
    ]


def test_destination_congested_is_told_exactly() -> None:
    """210 picks up; the trunk answers 503."""
    replay = Replay("destination_congested")
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 3235550503 dialled",
        "api: 01 3235550503 ended",
        "api: 00 0003*210 ended",
        "api: ended: FAILED by pbx: congestion, cause 34, SIP 503",
    ]
