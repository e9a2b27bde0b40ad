"""Which calls are recorded.

- An extension of mode `always` that takes part in the call, or pays for it: recorded.
- Else, where the extension that pays is `on demand`: as the parameter `recording` of the call says.
- Else not. `never` is the absence of a wish: such an extension is recorded all the same while it
  talks to one that says `always`.
"""

from __future__ import annotations

from bridge.calls.phone_call import LegPhase, PhoneCall
from bridge.directory.directory import Directory
from bridge.directory.model import RecordingMode


def is_recorded(call: PhoneCall, directory: Directory) -> bool:
    """Whether the call, with those who are in it now, is to be recorded once it is connected."""
    # Asked at every change of every call: where nobody says `always`, nobody is looked at.
    always = directory.always_recorded
    if always and not always.isdisjoint(_present(call)):
        return True
    return is_on_demand(call, directory)


def is_on_demand(call: PhoneCall, directory: Directory) -> bool:
    """Whether it was the call's own parameter that asked for the recording."""
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
        and (leg.phase is LegPhase.UP if connected else leg.phase is not LegPhase.GONE)
    }
    return present | ({call.extension} if call.extension is not None else set())
