"""StartRecording and StopRecording: an app has a live call recorded, or no longer.

The order stays with the call, so that it holds over a restart of this service, and when the call
changes. It counts more than `on demand` of the directory. `always` counts more than it.
"""

from __future__ import annotations

import asyncio

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed
from bridge.directory.loader import CurrentDirectory
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.conversation import Mute
from bridge.recordings.policy import always_recorded_party
from bridge.recordings.recorder import Recorder
from bridge.recordings.recording_pbx import AudioError

BEGINS_WITHIN_S, _LOOK_S = 5.0, 0.1


class OrderedRecording:
    """Each method is done when it returns. It raises ActionFailed, PbxUnavailable, PbxRefused,
    PbxOutcomeUnknown and StorageUnavailable; the call is recorded, or not, as before then."""

    def __init__(
        self,
        switchboard: Switchboard,
        recorder: Recorder,
        directory: CurrentDirectory,
        locks: KeyedLocks,
        turns: ActionTurns,
    ) -> None:
        self._switchboard = switchboard
        self._recorder = recorder
        self._directory = directory
        self._locks = locks
        self._turns = turns

    async def start(self, call_id: str) -> None:
        """Record the call from now on: a new part of its recording, if it is not recorded yet.

        While a transfer rings, nobody talks who could be recorded. The order stays then, and this
        waits for BEGINS_WITHIN_S seconds at most.
        """
        async with self._turns.of(call_id), self._locks.of(call_id):
            call = self._connected(call_id)
            if await self._settled(call, wanted=True):
                return
            why_not = self._why_never(call_id)
            if why_not:
                self._switchboard.order_recording(call_id, call.recording_order)
                raise ActionFailed(why_not)
        await self._begun(call_id)

    async def _begun(self, call_id: str) -> None:
        """Return once the call is recorded, or is not to be recorded any more, or some seconds are
        over. Raises ActionFailed if it never will be."""
        for _ in range(round(BEGINS_WITHIN_S / _LOOK_S)):
            await asyncio.sleep(_LOOK_S)
            call = self._switchboard.calls.live.get(call_id)
            if self._recorder.is_running(call_id) or (call and call.recording_order is False):
                return
            why_not = self._why_never(call_id)
            if why_not:
                raise ActionFailed(why_not)

    async def stop(self, call_id: str) -> None:
        """Record the call no longer; its file is closed when this returns."""
        async with self._turns.of(call_id), self._locks.of(call_id):
            call = self._connected(call_id)
            always = always_recorded_party(call, self._directory.directory)
            if always is not None:
                raise ActionFailed(f"the calls of extension {always} are always recorded")
            await self._settled(call, wanted=False)

    async def pause(self, call_id: str, *, paused: bool) -> None:
        """Record silence from now on, or no longer. The recording goes on."""
        async with self._turns.of(call_id), self._locks.of(call_id):
            call = self._connected(call_id)
            if not await self._recorder.mute(call, Mute.BOTH if paused else Mute.NONE):
                raise ActionFailed("the call is not being recorded")

    def _connected(self, call_id: str) -> PhoneCall:
        call = self._switchboard.calls.live.get(call_id)
        if call is None or call.hang_up is not None:
            raise ActionFailed("the call has ended")
        if call.answered_ms is None:
            raise ActionFailed("nobody has answered the call yet")
        return call

    async def _settled(self, call: PhoneCall, *, wanted: bool) -> bool:
        ordered = self._switchboard.order_recording(call.id, wanted)
        if ordered is None:
            raise ActionFailed("the call has ended")
        try:
            return await self._recorder.settle(ordered)
        except BaseException as fault:
            self._switchboard.order_recording(call.id, call.recording_order)
            if isinstance(fault, AudioError):  # it does not say whether a file is there
                raise PbxUnavailable(str(fault)) from fault
            raise

    def _why_never(self, call_id: str) -> str:
        """Why the call is not recorded although that was ordered; empty: nobody talks just now."""
        if self._recorder.is_deleted(call_id):
            return "the recording of this call was deleted, and it is not recorded again"
        if self._switchboard.calls.live.get(call_id) is None:
            return "the call has ended"
        if not self._recorder.switched_on or self._recorder.was_refused(call_id):
            return "the PBX did not begin to record it; the log says why"
        return ""
