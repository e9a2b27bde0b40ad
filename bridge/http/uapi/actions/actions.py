"""The table of actions: name, fields of the body, and the handler (docs/reference/uapi.md §1.5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.calls.state.phone_call import PhoneCall
from bridge.http.uapi.actions import send_call_to
from bridge.http.uapi.actions.digits import send_dtmf
from bridge.http.uapi.actions.holding import off_hold, on_hold
from bridge.http.uapi.actions.parking import park
from bridge.http.uapi.actions.recording import (
    pause_recording,
    resume_recording,
    start_recording,
    stop_recording,
)
from bridge.http.uapi.actions.request import ActionRequest
from bridge.http.uapi.actions.transferring import transfer, transfer_to_voicemail

Handler = Callable[[ActionRequest], Awaitable[Sequence[PhoneCall]]]
"""Returns once the PBX has done it, with the calls as they are then. Empty: there was no call."""


@dataclass(frozen=True, slots=True)
class Action:
    """`fields`: beside `action`, each with the code of its errors.

    `lists`: the answer is a list also where the URI names one call.
    """

    fields: Mapping[str, str]
    handler: Handler
    lists: bool = False


_VIEW = {"phoneCallViewId": "pc_view_invalid"}
_SEND_CALL_TO = {"sendCallTo": "pc_sendcallto_invalid"}
_TRANSFER = {
    "transferNumber": "pc_transfernumber_invalid",
    "transferFromNumber": "pc_transferfromnumber_invalid",
}
_RINGS = {
    **_VIEW,
    **_SEND_CALL_TO,
    "callerId": "pc_callerid_invalid",
    "waitForPickup": "pc_timeout_invalid",
}

ACTIONS: Mapping[str, Action] = {
    "OnHold": Action(_VIEW, on_hold),
    "OffHold": Action(_VIEW, off_hold),
    "Transfer": Action(
        {**_VIEW, **_SEND_CALL_TO, **_TRANSFER, "waitForPickup": "pc_timeout_invalid"}, transfer
    ),
    "TransferToVoicemail": Action({**_VIEW, **_SEND_CALL_TO, **_TRANSFER}, transfer_to_voicemail),
    "Park": Action({**_VIEW, "maxInParking": "pc_parking_invalid"}, park, lists=True),
    "UnPark": Action(_RINGS, send_call_to.un_park),
    "PickUp": Action(_RINGS, send_call_to.pick_up),
    "BargeIn": Action(_RINGS, send_call_to.barge_in),
    "Monitor": Action(_RINGS, send_call_to.monitor),
    "Whisper": Action({**_RINGS, "private": "pc_private_invalid"}, send_call_to.whisper),
    "StartRecording": Action({**_VIEW, "format": "pc_format_invalid"}, start_recording),
    "StopRecording": Action(_VIEW, stop_recording),
    "PauseRecording": Action(_VIEW, pause_recording),
    "ResumeRecording": Action(_VIEW, resume_recording),
    "SendDTMF": Action(
        {
            **_VIEW,
            "digits": "pc_digits_invalid",
            "duration": "pc_dtmf_invalid",
            "pressed": "pc_dtmf_invalid",
        },
        send_dtmf,
    ),
}
