"""Where recording is switched off by the settings."""

from __future__ import annotations

from typing import NoReturn

from bridge.calls.pbx import PbxUnavailable
from bridge.recordings.recording_pbx import AudioDirection


class RecordingSwitchedOff:
    """RecordingPbx that does nothing. What was being recorded before is asked to be stopped all
    the same: that has not happened then, and whoever wants it gone must be told."""

    async def start_recording(self, channel: str, name: str, *, stereo: bool) -> NoReturn:
        raise _unavailable()

    async def stop_recording(self, channel: str, mixmonitor_id: str) -> NoReturn:
        raise _unavailable()

    async def mute_recording(
        self, channel: str, mixmonitor_id: str, direction: AudioDirection, *, muted: bool
    ) -> NoReturn:
        raise _unavailable()


def _unavailable() -> PbxUnavailable:
    return PbxUnavailable("recording is switched off (BRIDGE_RECORDING)")
