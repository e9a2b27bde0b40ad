"""Which calls are recorded.

- An extension of mode `always` that takes part in the call, or pays for it: recorded.
- An app has ordered it by StartRecording or StopRecording: that decides.
- If the paying extension is `on demand`, the parameter `recording` of the call decides.
- A call that listens to another one is not: that would be a second recording of it.
- Other calls are not recorded. An extension of mode `never` is recorded while it talks to one of
  mode `always`.
"""

from __future__ import annotations

from bridge.calls.state.acting_calls import listens
from bridge.calls.state.phone_call import LegPhase, PhoneCall
from bridge.directory.directory import Directory
from bridge.directory.model import RecordingMode


def is_recorded(call: PhoneCall, directory: Directory) -> bool:
    """Whether the call must be recorded once it is connected, with its current parties."""
    if listens(call):
        return False
    return always_recorded_party(call, directory) is not None or is_on_demand(call, directory)


def always_recorded_party(call: PhoneCall, directory: Directory) -> str | None:
    """An extension of mode `always` that takes part in the call or pays for it, None: there is
    none."""
    # This runs at every change of every call: without a mode `always`, parties are not read.
    always = directory.always_recorded
    return next(iter(always & _present(call)), None) if always else None


def is_on_demand(call: PhoneCall, directory: Directory) -> bool:
    """Whether an app asked for the recording: by an action, or by the call's own parameter."""
    if call.recording_order is not None:
        return call.recording_order
    return call.recording is True and (
        _mode(call.extension or "", directory) is RecordingMode.ON_DEMAND
    )


def _mode(extension: str, directory: Directory) -> RecordingMode:
    known = directory.extensions.get(extension)
    return RecordingMode.NEVER if known is None else known.recording


def _present(call: PhoneCall) -> set[str]:
    """The payer, and the parties; once the call is connected only those who talk."""
    connected = call.answered_ms is not None
    present = {
        leg.extension
        for leg in call.legs
        if leg.extension is not None
        and not leg.handed_over
        and (leg.phase is LegPhase.UP if connected else leg.phase is not LegPhase.GONE)
    }
    return present | ({call.extension} if call.extension is not None else set())
