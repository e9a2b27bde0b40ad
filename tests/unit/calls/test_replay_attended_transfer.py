"""Attended transfers by a phone, replayed: one call is left of two."""

from __future__ import annotations

from .replaying import Replay


def test_attended_transfer_by_destination_is_told_exactly() -> None:
    """210 and 211 talk by API; 211 asks 212, connects 210 with 212, is gone; 212 hangs up."""
    replay = Replay("attended_transfer_by_destination")
    replay.until("211 holds and dials 212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("211 connects the two")
    assert replay.views() == {
        "api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"],
        "call 1": ["00 0003*211 ON_CALL", "01 0003*212 ON_CALL"],
    }
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
        "call 1: 00 0003*211 dialled",
        "call 1: 01 0003*212 dialled",
        "call 1: 01 0003*212 ringing",
        "call 1: 01 0003*212 answered",
        "call 1: 00 0003*211 answered",
        "call 1: connected",
        "call 1: 00 0003*211 ended",
        "call 1: ended: ANSWERED by source: joined call api, cause 16",
        "api: attended transfer by 0003*211",
        "api: 01 0003*211 ended",
        "api: 02 0003*212 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_attended_transfer_by_source_is_told_exactly() -> None:
    """210 and 211 talk by API; 210 asks 212, connects 211 with 212, is gone; 212 hangs up."""
    replay = Replay("attended_transfer_by_source")
    replay.until("210 holds and dials 212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("210 connects the two")
    assert replay.views() == {
        "api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"],
        "call 1": ["00 0003*210 ON_CALL", "01 0003*212 ON_CALL"],
    }
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
        "call 1: 00 0003*210 dialled",
        "call 1: 01 0003*212 dialled",
        "call 1: 01 0003*212 ringing",
        "call 1: 01 0003*212 answered",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "call 1: 00 0003*210 ended",
        "call 1: ended: ANSWERED by source: joined call api, cause 16",
        "api: attended transfer by 0003*210",
        "api: 00 0003*210 ended",
        "api: 02 0003*212 ended",
        "api: 01 0003*211 ended",
        "api: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_attended_transfer_by_source_deleted_is_told_exactly() -> None:
    """210 and 211 talk by API; 210 asks 212, connects 211 with 212; the app deletes the call."""
    replay = Replay("attended_transfer_by_source_deleted")
    replay.until("210 holds and dials 212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("210 connects the two")
    assert replay.views() == {
        "api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"],
        "call 1": ["00 0003*210 ON_CALL", "01 0003*212 ON_CALL"],
    }
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
        "call 1: 00 0003*210 dialled",
        "call 1: 01 0003*212 dialled",
        "call 1: 01 0003*212 ringing",
        "call 1: 01 0003*212 answered",
        "call 1: 00 0003*210 answered",
        "call 1: connected",
        "call 1: 00 0003*210 ended",
        "call 1: ended: ANSWERED by source: joined call api, cause 16",
        "api: attended transfer by 0003*210",
        "api: 00 0003*210 ended",
        "api: 01 0003*211 ended",
        "api: 02 0003*212 ended",
        "api: ended: ANSWERED by api: normal clearing, cause 16",
    ]


def test_attended_transfer_by_destination_deleted_is_told_exactly() -> None:
    """210 and 211 talk by API; 211 asks 212, connects 210 with 212; the app deletes the call."""
    replay = Replay("attended_transfer_by_destination_deleted")
    replay.until("211 holds and dials 212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("211 connects the two")
    assert replay.views() == {
        "api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"],
        "call 1": ["00 0003*211 ON_CALL", "01 0003*212 ON_CALL"],
    }
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
        "call 1: 00 0003*211 dialled",
        "call 1: 01 0003*212 dialled",
        "call 1: 01 0003*212 ringing",
        "call 1: 01 0003*212 answered",
        "call 1: 00 0003*211 answered",
        "call 1: connected",
        "call 1: 00 0003*211 ended",
        "call 1: ended: ANSWERED by source: joined call api, cause 16",
        "api: attended transfer by 0003*211",
        "api: 01 0003*211 ended",
        "api: 02 0003*212 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by api: normal clearing, cause 16",
    ]


def test_attended_transfer_of_dialled_call_is_told_exactly() -> None:
    """210 dials 211; 211 asks 212, connects 210 with 212, is gone; 210 hangs up."""
    replay = Replay("attended_transfer_of_dialled_call")
    replay.until("211 holds and dials 212")
    assert replay.views() == {"call 1": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("211 connects the two")
    assert replay.views() == {
        "call 1": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"],
        "call 2": ["00 0003*211 ON_CALL", "01 0003*212 ON_CALL"],
    }
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
        "call 2: 00 0003*211 dialled",
        "call 2: 01 0003*212 dialled",
        "call 2: 01 0003*212 ringing",
        "call 2: 01 0003*212 answered",
        "call 2: 00 0003*211 answered",
        "call 2: connected",
        "call 2: 00 0003*211 ended",
        "call 2: ended: ANSWERED by source: joined call call 1, cause 16",
        "call 1: attended transfer by 0003*211",
        "call 1: 01 0003*211 ended",
        "call 1: 02 0003*212 ended",
        "call 1: 00 0003*210 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_attended_transfer_while_target_rings_is_told_exactly() -> None:
    """210 and 211 talk by API; 211 dials 212 and connects 210 while 212 rings; 212 picks up."""
    replay = Replay("attended_transfer_while_target_rings")
    replay.until("211 holds and dials 212")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("211 connects the two")
    assert replay.views() == {
        "api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"],
        "call 1": ["00 0003*211 OTHER_SIDE_RINGING", "01 0003*212 RINGING"],
    }
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
        "call 1: 00 0003*211 dialled",
        "call 1: 01 0003*212 dialled",
        "call 1: 01 0003*212 ringing",
        "call 1: 00 0003*211 ended",
        "call 1: ended: UNKNOWN by source: joined call api, cause 16",
        "api: attended transfer by 0003*211",
        "api: 01 0003*211 ended",
        "api: 02 0003*212 answered",
        "api: 02 0003*212 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by destination: normal clearing, cause 16",
    ]


def test_attended_transfer_to_sandbox_is_told_exactly() -> None:
    """210 and 211 talk by API; 211 dials the sandbox, connects 210 with it; 210 hangs up."""
    replay = Replay("attended_transfer_to_sandbox")
    replay.until("211 holds and dials the sandbox")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"]}
    replay.until("211 connects the two")
    assert replay.views() == {
        "api": ["00 0003*210 ON_CALL", "01 0003*211 ON_CALL"],
        "call 1": ["00 0003*211 ON_CALL"],
    }
    replay.until("210 hangs up")
    assert replay.views() == {"api": ["00 0003*210 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "api: 00 0003*210 dialled",
        "api: 00 0003*210 ringing",
        "api: 00 0003*210 answered",
        "api: 01 0003*211 dialled",
        "api: 01 0003*211 ringing",
        "api: 01 0003*211 answered",
        "api: connected",
        "call 1: 00 0003*211 dialled",
        "call 1: 00 0003*211 answered",
        "call 1: connected",
        "call 1: 00 0003*211 ended",
        "call 1: ended: ANSWERED by source: joined call api, cause 16",
        "api: attended transfer by 0003*211",
        "api: 01 0003*211 ended",
        "api: 00 0003*210 ended",
        "api: ended: ANSWERED by source: normal clearing, cause 16",
    ]


def test_attended_transfer_of_two_incoming_is_told_exactly() -> None:
    """Two public numbers call 210, which holds the first, then connects them; one hangs up."""
    replay = Replay("attended_transfer_of_two_incoming")
    replay.until("210 holds")
    assert replay.views() == {"call 1": ["00 3235550100 ON_CALL", "01 0003*210 ON_CALL"]}
    replay.until("210 connects the two")
    assert replay.views() == {
        "call 1": ["00 3235550100 ON_CALL", "01 0003*210 ON_CALL"],
        "call 2": ["00 3235550101 ON_CALL", "01 0003*210 ON_CALL"],
    }
    replay.until("the callers hang up")
    assert replay.views() == {"call 1": ["00 3235550100 ON_CALL", "02 3235550101 ON_CALL"]}
    replay.run()
    assert replay.said == [
        "call 1: 00 3235550100 dialled",
        "call 1: 01 0003*210 dialled",
        "call 1: 01 0003*210 ringing",
        "call 1: 01 0003*210 answered",
        "call 1: 00 3235550100 answered",
        "call 1: connected",
        "call 2: 00 3235550101 dialled",
        "call 2: 01 0003*210 dialled",
        "call 2: 01 0003*210 ringing",
        "call 2: 01 0003*210 answered",
        "call 2: 00 3235550101 answered",
        "call 2: connected",
        "call 2: 01 0003*210 ended",
        "call 2: ended: ANSWERED by destination: joined call call 1, cause 16",
        "call 1: attended transfer by 0003*210",
        "call 1: 01 0003*210 ended",
        "call 1: 00 3235550100 ended",
        "call 1: 02 3235550101 ended",
        "call 1: ended: ANSWERED by source: normal clearing, cause 16",
    ]
