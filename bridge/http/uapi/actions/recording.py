"""StartRecording and StopRecording, and ours: PauseRecording and ResumeRecording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bridge.calls.state.acting_calls import listens
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.directory.model import Extension, RecordingMode
from bridge.http.errors import invalid
from bridge.http.uapi.actions.request import ActionRequest

# `wav49` is GSM audio. The files hold PCM audio, which programs for wav49 read as well.
_FORMATS = ("wav", "wav49")


async def start_recording(order: ActionRequest) -> Sequence[PhoneCall]:
    """Raises 400 pc_format_invalid, pc_recording_invalid, and as OrderedRecording.start."""
    if order.body.get("format", "wav") not in _FORMATS:
        raise invalid("pc_format_invalid", f"format must be one of: {', '.join(_FORMATS)}.")
    return await _each(order, order.node.recordings.ordered.start)


async def stop_recording(order: ActionRequest) -> Sequence[PhoneCall]:
    """Raises 400 pc_recording_invalid, and as OrderedRecording.stop."""
    return await _each(order, order.node.recordings.ordered.stop)


async def pause_recording(order: ActionRequest) -> Sequence[PhoneCall]:
    """Raises 400 pc_recording_invalid, and as OrderedRecording.pause."""
    ordered = order.node.recordings.ordered
    return await _each(order, lambda call_id: ordered.pause(call_id, paused=True))


async def resume_recording(order: ActionRequest) -> Sequence[PhoneCall]:
    """Raises 400 pc_recording_invalid, and as OrderedRecording.pause."""
    ordered = order.node.recordings.ordered
    return await _each(order, lambda call_id: ordered.pause(call_id, paused=False))


async def _each(order: ActionRequest, act: Callable[[str], Awaitable[None]]) -> list[PhoneCall]:
    calls = _in_which_it_is(order, order.calls_with_view())
    for call, leg in calls:
        _require_allowed(order, call, leg)
    for call, _ in calls:
        await act(call.id)
    live = order.node.switchboard.calls.live
    return [live.get(call.id) or call for call, _ in calls]


def _in_which_it_is(
    order: ActionRequest, found: list[tuple[PhoneCall, Leg]]
) -> list[tuple[PhoneCall, Leg]]:
    """Without the calls that the extension of the URI has left, unless a view is named.

    Raises ActionFailed if it has left all of them.
    """
    left = [call for call, _ in found if order.view_id() is None and order.has_left(call)]
    if left and len(left) == len(found):
        order.require_meant(left[0])
    return [x for x in found if x[0] not in left]


def _require_allowed(order: ActionRequest, call: PhoneCall, leg: Leg) -> None:
    """Raises 400 pc_recording_invalid where recording is off for the extension that is meant."""
    if not order.node.recordings.switched_on:
        raise invalid("pc_recording_invalid", "recording is switched off on this system.")
    if listens(call):
        raise invalid("pc_recording_invalid", "a call that listens to another is not recorded.")
    extension = _meant(order, call, leg)
    if extension is None or extension.recording is RecordingMode.NEVER:
        number = "of this call" if extension is None else extension.number
        raise invalid("pc_recording_invalid", f"recording is never made for extension {number}.")


def _meant(order: ActionRequest, call: PhoneCall, leg: Leg) -> Extension | None:
    """The extension of the view if it is one of the URI's, else the one of the URI in the call."""
    mine = {x.number: x for x in order.scope.extensions}
    own = order.party_of(call)
    parties = (leg.extension, own and own.extension, call.extension, call.called_service)
    return next((mine[x] for x in parties if x in mine), None)
