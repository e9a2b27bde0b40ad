"""MixMonitor through AMI: implements bridge.recordings.recording_pbx.RecordingPbx.

Neither a command to run afterwards nor the option `d` is ever given: what happens to a file is
decided by who keeps the records. The file's name is an id, its folder a setting.

The session belongs to a separate AMI user: Asterisk counts MixMonitor as `system`, and with that
right a session that also places calls could run commands on the PBX.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.calls.pbx import PbxRefused
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.idle_closing_session import IdleClosingSession
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.values import AmiAction
from bridge.recordings.recording_pbx import AudioDirection, NoSuchChannel

# Its presence makes MixMonitor answer with its id (seen on 22.10.1).
_ID_VARIABLE = "BRIDGE_MIXMONITOR_ID"
_NO_SUCH_CHANNEL = "no such channel"
_NOTHING_TO_STOP = (_NO_SUCH_CHANNEL, "could not stop monitoring channel")
_DIRECTIONS = {AudioDirection.FROM_CHANNEL: "read", AudioDirection.TO_CHANNEL: "write"}


class MixMonitorActions:
    """`folder`: where ARI finds stored recordings, absolute or relative to Asterisk's folder
    `monitor`; the default layout has it at `../recording`. `may_act`: whether this instance may
    begin a recording on this PBX at this moment; None: always."""

    def __init__(
        self,
        session: IdleClosingSession,
        folder: str,
        may_act: Callable[[], bool] | None = None,
    ) -> None:
        self._session = session
        self._may_act = may_act
        self._folder = folder.rstrip("/")

    async def start_recording(self, channel: str, name: str, *, stereo: bool) -> str:
        # D writes two interleaved channels, which Asterisk can do without a header only.
        file = ami_values.recording_file(f"{self._folder}/{name}.{'raw' if stereo else 'wav'}")
        options = ("D" if stereo else "") + f"i({_ID_VARIABLE})"
        try:
            answer = await self._send(
                "MixMonitor",
                channel,
                ("File", file),
                ("Options", options),
                allowed=self._may_act,
            )
        except PbxRefused as why:
            if str(why).lower().startswith(_NO_SUCH_CHANNEL):
                raise NoSuchChannel(str(why)) from None
            raise
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

    async def _send(
        self,
        name: str,
        channel: str,
        *headers: tuple[str, str],
        allowed: Callable[[], bool] | None = None,
    ) -> dict[str, str]:
        to = ("Channel", ami_values.uniqueid(channel))
        answer = await self._session.send(AmiAction(name, (to, *headers), allowed=allowed))
        if not succeeded(answer):
            raise PbxRefused(why_refused(answer))
        return answer


def _of(mixmonitor_id: str) -> tuple[tuple[str, str], ...]:
    if not mixmonitor_id:
        return ()
    return (("MixMonitorID", ami_values.mixmonitor_id(mixmonitor_id)),)
