"""The meaning of hangup causes: one table for the record of a call and for its parties.

The causes are those of Q.850, as Asterisk uses them (include/asterisk/causes.h). 0, 16, 26 and 31
do not tell why a call was not answered, so they are left out.
"""

from __future__ import annotations

from bridge.calls.state.phone_call import Disposition

NORMAL_CLEARING, NO_ANSWER, REJECTED, NO_ROUTE, REDIRECTED = 16, 19, 21, 3, 23
MEDIA_TIMEOUT = 44
"""Asterisk gives it to a channel that sent no media for `rtp_timeout` (res_pjsip_sdp_rtp). An
answered channel that nobody hung up gets it from no other source."""

CONGESTION, UNAVAILABLE, NO_SUCH_NUMBER = "congestion", "unavailable", "no such number"
FORWARDING_REFUSED = "forwarding refused"
"""Said by no cause: the phone answered with another number (302), which the PBX does not dial."""

TAKEN = "taken by the PBX"
"""Said by no cause: something of the PBX itself, such as voicemail, answered instead."""

NEVER_TAKEN_BACK = "parked, and nobody took it back"
"""Said by no cause: a party was parked, nobody talked to it since, and the PBX ended the call."""

TRANSFER_NOT_ANSWERED = "transfer not answered"
"""Said by no cause: a party was transferred, nobody took it, and the PBX ended the call."""

OF_CAUSE = {
    1: (Disposition.FAILED, NO_SUCH_NUMBER),
    2: (Disposition.FAILED, NO_SUCH_NUMBER),
    NO_ROUTE: (Disposition.FAILED, UNAVAILABLE),  # nothing is registered
    5: (Disposition.FAILED, NO_SUCH_NUMBER),  # misdialled trunk prefix
    6: (Disposition.FAILED, "failed"),
    17: (Disposition.BUSY, "busy"),
    18: (Disposition.NO_ANSWER, "no answer"),
    NO_ANSWER: (Disposition.NO_ANSWER, "no answer"),
    20: (Disposition.FAILED, UNAVAILABLE),
    REJECTED: (Disposition.BUSY, "rejected"),
    22: (Disposition.FAILED, NO_SUCH_NUMBER),  # it changed
    REDIRECTED: (Disposition.FAILED, NO_SUCH_NUMBER),
    25: (Disposition.FAILED, "failed"),
    27: (Disposition.FAILED, UNAVAILABLE),
    28: (Disposition.FAILED, NO_SUCH_NUMBER),  # its format is wrong
    29: (Disposition.FAILED, "failed"),
    34: (Disposition.FAILED, CONGESTION),
    38: (Disposition.FAILED, CONGESTION),
    41: (Disposition.FAILED, CONGESTION),
    42: (Disposition.FAILED, CONGESTION),
    44: (Disposition.FAILED, CONGESTION),
    47: (Disposition.FAILED, CONGESTION),  # resource unavailable
    50: (Disposition.NOT_ALLOWED, "not allowed"),
    52: (Disposition.NOT_ALLOWED, "not allowed"),
    54: (Disposition.NOT_ALLOWED, "not allowed"),
    57: (Disposition.NOT_ALLOWED, "not allowed"),
    58: (Disposition.FAILED, "incompatible"),  # no common codec
    65: (Disposition.FAILED, "incompatible"),
    66: (Disposition.FAILED, "incompatible"),
    69: (Disposition.FAILED, "incompatible"),
    79: (Disposition.FAILED, "incompatible"),
    88: (Disposition.FAILED, "incompatible"),
    102: (Disposition.FAILED, "failed"),
    127: (Disposition.FAILED, "failed"),
}
