"""MixMonitor through AMI: implements bridge.recordings.recording_pbx.RecordingPbx.

Neither a command to run afterwards nor the option `d` is ever given: what happens to a file is
decided by who keeps the records. The file's name is an id, its folder a setting.

The session is that of a user of its own: Asterisk counts MixMonitor as `system`, and with that
right a session that also places calls could run commands on the PBX.
"""

from __future__ import annotations

from bridge.calls.pbx import PbxRefused
from bridge.pbx import ami_values
from bridge.pbx.ami_values import AmiAction
from bridge.pbx.occasional_session import OccasionalSession
from bridge.recordings.recording_pbx import AudioDirection

# Its presence makes MixMonitor answer with its id (seen on 22.10.1).
_ID_VARIABLE = "BRIDGE_MIXMONITOR_ID"
_NOTHING_TO_STOP = ("no such channel", "could not stop monitoring channel")
_DIRECTIONS = {AudioDirection.FROM_CHANNEL: "read", AudioDirection.TO_CHANNEL: "write"}


class MixMonitorActions:
    """`folder`: where ARI finds stored recordings, absolute or relative to Asterisk's folder
    `monitor`; the default layout has it at `../recording`."""

    def __init__(self, session: OccasionalSession, folder: str) -> None:
        self._session = session
        self._folder = folder.rstrip("/")

    async def start_recording(self, channel: str, name: str, *, stereo: bool) -> str:
        # D writes two interleaved channels, which Asterisk can do without a header only.
        file = ami_values.recording_file(f"{self._folder}/{name}.{'raw' if stereo else 'wav'}")
        options = ("D" if stereo else "") + f"i({_ID_VARIABLE})"
        answer = await self._send("MixMonitor", channel, ("File", file), ("Options", options))
        return answer.get("MixMonitorID", "")

    async def stop_recording(self, channel: str, mixmonitor_id: str) -> bool:
        try:
            await self._send("StopMixMonitor", channel, *_of(mixmonitor_id))
        except PbxRefused as why:
            if str(why).lower().startswith(_NOTHING_TO_STOP):
                return False
            raise
        return True

    async def mute_recording(
        self, channel: str, mixmonitor_id: str, direction: AudioDirection, *, muted: bool
    ) -> None:
        state = ("State", "1" if muted else "0")
        headers = (("Direction", _DIRECTIONS[direction]), state, *_of(mixmonitor_id))
        await self._send("MixMonitorMute", channel, *headers)

    async def _send(self, name: str, channel: str, *headers: tuple[str, str]) -> dict[str, str]:
        to = ("Channel", ami_values.uniqueid(channel))
        answer = await self._session.send(AmiAction(name, (to, *headers)))
        if answer.get("Response") != "Success":
            raise PbxRefused(answer.get("Message", "no reason given"))
        return answer


def _of(mixmonitor_id: str) -> tuple[tuple[str, str], ...]:
    if not mixmonitor_id:
        return ()
    return (("MixMonitorID", ami_values.mixmonitor_id(mixmonitor_id)),)
