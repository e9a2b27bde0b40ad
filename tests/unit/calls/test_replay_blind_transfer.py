"""Blind transfers by a phone, replayed from recordings of real ones."""

from __future__ import annotations

from .replaying import Replay


def test_blind_transfer_by_source_is_told_exactly() -> None:
    """210 and 211 talk; 210 transfers 211 to 212, which picks up; 212 hangs up."""
    replay = Replay("blind_transfer_by_source")
    replay.until("210 transfers to 0003*212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("212 hangs up")
    assert replay.views() == {"api": ["01 0003*211 ON_CALL", "02 0003*212 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: blind transfer by 0003*210",
        "api: 00 0003*210 ended",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 02 0003*212 answered",
        "api: 02 0003*212 ended",
        "api: 01 0003*211 ended",
        "api: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_blind_transfer_by_destination_is_told_exactly() -> None:
    """210 and 211 talk; 211 transfers 210 to 212, which picks up; 212 hangs up."""
    replay = Replay("blind_transfer_by_destination")
    replay.until("211 transfers to 0003*212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("212 hangs up")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "02 0003*212 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: blind transfer by 0003*211",
        "api: 01 0003*211 ended",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 02 0003*212 answered",
        "api: 02 0003*212 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_blind_transfer_by_source_deleted_is_told_exactly() -> None:
    """210 and 211 talk; 210 transfers 211 to 212, which picks up; the app deletes the call."""
    replay = Replay("blind_transfer_by_source_deleted")
    replay.until("210 transfers to 0003*212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("the app deletes the call")
    assert replay.views() == {"api": ["01 0003*211 ON_CALL", "02 0003*212 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: blind transfer by 0003*210",
        "api: 00 0003*210 ended",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 02 0003*212 answered",
        "api: 02 0003*212 ended",
        "api: 01 0003*211 ended",
        "api: ended: ANSWERED by api: normal clearing, cause 16",
    ]


def test_blind_transfer_by_destination_deleted_is_told_exactly() -> None:
    """210 and 211 talk; 211 transfers 210 to 212, which picks up; the app deletes the call."""
    replay = Replay("blind_transfer_by_destination_deleted")
    replay.until("211 transfers to 0003*212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("the app deletes the call")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "02 0003*212 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: blind transfer by 0003*211",
        "api: 01 0003*211 ended",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 02 0003*212 answered",
        "api: 02 0003*212 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by api: normal clearing, cause 16",
    ]


def test_blind_transfer_by_source_to_public_is_told_exactly() -> None:
    """210 and 211 talk; 210 transfers 211 to a public number; 211 hangs up."""
    replay = Replay("blind_transfer_by_source_to_public")
    replay.until("210 transfers to 3235550200")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("211 hangs up")
    assert replay.views() == {"api": ["01 0003*211 ON_CALL", "02 3235550200 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: blind transfer by 0003*210",
        "api: 00 0003*210 ended",
        "api: 02 3235550200 dialled",
        "api: 02 3235550200 answered",
        "api: 01 0003*211 ended",
        "api: 02 3235550200 ended",
        "api: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_blind_transfer_by_destination_to_public_is_told_exactly() -> None:
    """210 and 211 talk; 211 transfers 210 to a public number; 210 hangs up."""
    replay = Replay("blind_transfer_by_destination_to_public")
    replay.until("211 transfers to 3235550200")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("210 hangs up")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "02 3235550200 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: blind transfer by 0003*211",
        "api: 01 0003*211 ended",
        "api: 02 3235550200 dialled",
        "api: 02 3235550200 answered",
        "api: 00 0003*210 ended",
        "api: 02 3235550200 ended",
        "api: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_blind_transfer_nobody_answers_is_told_exactly() -> None:
    """210 and 211 talk; 210 transfers 211 to 212, which rings; 211 hangs up."""
    replay = Replay("blind_transfer_nobody_answers")
    replay.until("210 transfers to 212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("211 hangs up")
    assert replay.views() == {"api": ["01 0003*211 OTHER_SIDE_RINGING", "02 0003*212 RINGING"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "api: blind transfer by 0003*210",
        "api: 00 0003*210 ended",
        "api: 02 0003*212 dialled",
        "api: 02 0003*212 ringing",
        "api: 02 0003*212 ended",
        "api: 01 0003*211 ended",
        "api: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_blind_transfer_of_dialled_call_is_told_exactly() -> None:
    """210 dials 211; 211 transfers 210 to 212, which picks up; 210 hangs up."""
    replay = Replay("blind_transfer_of_dialled_call")
    replay.until("211 transfers to 0003*212")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("210 hangs up")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL", "02 0003*212 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 0003*210 dialled",
        "call 1: 01 0003*211 dialled",
        "call 1: 01 0003*211 ringing",
        "call 1: 01 0003*211 answered",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "call 1: blind transfer by 0003*211",
        "call 1: 01 0003*211 ended",
        "call 1: 02 0003*212 dialled",
        "call 1: 02 0003*212 ringing",
        "call 1: 02 0003*212 answered",
        "call 1: 00 0003*210 ended",
        "call 1: 02 0003*212 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]
