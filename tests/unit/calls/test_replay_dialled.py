"""Calls that phones dial, replayed from recordings of real ones."""

from __future__ import annotations

from .replaying import Replay


def test_dialled_local_is_told_exactly() -> None:
    """210 dials 211, which picks up; 210 hangs up."""
    replay = Replay("dialled_local")
    replay.until("210 hangs up")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 01 0003*211 dialled",
        "call 1: 01 0003*211 ringing",
        "call 1: 01 0003*211 answered",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "call 1: 01 0003*211 ended",
        "call 1: 00 0003*210 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_dialled_local_short_cancelled_is_told_exactly() -> None:
    """210 dials the short number 211, which rings; 210 gives up."""
    replay = Replay("dialled_local_short_cancelled")
    replay.until("210 gives up")
    assert replay.views() == {"call 1": ["00 0003*210 OTHER_SIDE_RINGING", "01 0003*211 RINGING"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 01 0003*211 dialled",
        "call 1: 01 0003*211 ringing",
        "call 1: 01 0003*211 ended",
        "call 1: 00 0003*210 ended",
        "call 1: ended: NO_ANSWER by source: cancelled, cause 16",
    ]


def test_dialled_local_busy_is_told_exactly() -> None:
    """210 dials 211, which is busy."""
    replay = Replay("dialled_local_busy")
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 01 0003*211 dialled",
        "call 1: 01 0003*211 ringing",
        "call 1: 01 0003*211 ended",
        "call 1: 00 0003*210 ended",
        "call 1: ended: BUSY by destination: busy, cause 17, SIP 486",
    ]


def test_dialled_public_is_told_exactly() -> None:
    """210 dials a public number, which answers; 210 hangs up."""
    replay = Replay("dialled_public")
    replay.until("210 hangs up")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL", "01 3235550200 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 01 3235550200 dialled",
        "call 1: 01 3235550200 answered",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "call 1: 00 0003*210 ended",
        "call 1: 01 3235550200 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_dialled_sandbox_is_told_exactly() -> None:
    """210 dials the sandbox number, which the PBX itself answers; 210 hangs up."""
    replay = Replay("dialled_sandbox")
    replay.until("210 hangs up")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "call 1: 00 0003*210 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_dialled_queue_is_told_exactly() -> None:
    """220 dials the queue; its agent 210 rings and answers; 220 hangs up."""
    replay = Replay("dialled_queue")
    replay.until("220 hangs up")
    assert replay.views() == {"call 1": ["00 0003*220 ON_CALL", "01 0003*210 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*220 dialled",
        "call 1: 00 0003*220 answered",
        "call 1: connected",
        "call 1: 01 0003*210 dialled",
        "call 1: 01 0003*210 ringing",
        "call 1: 01 0003*210 answered",
        "call 1: 00 0003*220 ended",
        "call 1: 01 0003*210 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_dialled_conference_is_told_exactly() -> None:
    """210 and 211 dial the conference; 210 leaves, then 211."""
    replay = Replay("dialled_conference")
    replay.until("210 hangs up")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL"], "call 2": ["00 0003*211 ON_CALL"]}
    replay.until("211 hangs up")
    assert replay.views() == {"call 2": ["00 0003*211 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "call 2: 00 0003*211 dialled",
        "call 2: 00 0003*211 answered",
        "call 2: connected",
        "call 1: 00 0003*210 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
        "call 2: 00 0003*211 ended",
        "call 2: ended: ANSWERED by source: normal clearing, cause 16",
    ]
