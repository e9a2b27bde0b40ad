"""Calls from the public network, replayed from recordings of real ones."""

from __future__ import annotations

from .replaying import Replay


def test_incoming_answered_is_told_exactly() -> None:
    """A public number calls 210, which picks up and hangs up."""
    replay = Replay("incoming_answered")
    replay.until("210 hangs up")
    assert replay.views() == {"call 1": ["00 3235550100 ON_CALL", "01 0003*210 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 3235550100 dialled",
        "call 1: 01 0003*210 dialled",
        "call 1: 01 0003*210 ringing",
        "call 1: 01 0003*210 answered",
        "call 1: 00 3235550100 answered",
        "call 1: connected",
        "call 1: 01 0003*210 ended",
        "call 1: 00 3235550100 ended",
        "call 1: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_incoming_caller_hangs_up_is_told_exactly() -> None:
    """A public number calls 210, which picks up; the caller hangs up."""
    replay = Replay("incoming_caller_hangs_up")
    replay.until("the caller hangs up")
    assert replay.views() == {"call 1": ["00 3235550100 ON_CALL", "01 0003*210 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 3235550100 dialled",
        "call 1: 01 0003*210 dialled",
        "call 1: 01 0003*210 ringing",
        "call 1: 01 0003*210 answered",
        "call 1: 00 3235550100 answered",
        "call 1: connected",
        "call 1: 00 3235550100 ended",
        "call 1: 01 0003*210 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_incoming_refused_is_told_exactly() -> None:
    """A public number calls 210, which is busy."""
    replay = Replay("incoming_refused")
    replay.run()
    assert replay.said == [
        "call 1: 00 3235550100 dialled",
        "call 1: 01 0003*210 dialled",
        "call 1: 01 0003*210 ringing",
        "call 1: 00 3235550100 ended",
        "call 1: 01 0003*210 ended",
        "call 1: ended: BUSY by destination: busy, cause 17, SIP 486",
    ]


def test_incoming_caller_gives_up_is_told_exactly() -> None:
    """A public number calls 210, which rings; the caller gives up."""
    replay = Replay("incoming_caller_gives_up")
    replay.until("the caller gives up")
    assert replay.views() == {"call 1": ["00 3235550100 TRYING", "01 0003*210 TRYING"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 3235550100 dialled",
        "call 1: 01 0003*210 dialled",
        "call 1: 01 0003*210 ringing",
        "call 1: 01 0003*210 ended",
        "call 1: 00 3235550100 ended",
        "call 1: ended: NO_ANSWER by source: cancelled, cause 16",
    ]
