"""The protocols between recording and the PBX; they contain neither AMI nor ARI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import NoReturn, Protocol

from bridge.calls.pbx import PbxRefused, PbxUnavailable


class AudioError(Exception):
    """A file cannot be read or removed now. `str()` says why."""


class AudioMissing(AudioError):
    """The file does not exist."""


class AudioDirection(Enum):
    """As seen from the recorded channel."""

    FROM_CHANNEL = "from channel"
    TO_CHANNEL = "to channel"


class NoSuchChannel(PbxRefused):
    """The channel has ended before its recording began."""


class RecordingPbx(Protocol):
    """Every method raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, InvalidPbxValue."""

    async def start_recording(self, channel: str, name: str, *, stereo: bool) -> str:
        """Record both directions of the channel into a file of that name.

        Returns the PBX's own name for this recording on the channel. Raises NoSuchChannel, too.
        """

    async def stop_recording(self, channel: str, mixmonitor_id: str) -> bool:
        """The file is closed when this returns. False where nothing was being recorded any more.

        With an empty id, the first recording on the channel that the PBX finds.
        """

    async def mute_recording(
        self, channel: str, mixmonitor_id: str, direction: AudioDirection, *, muted: bool
    ) -> None:
        """Record silence for one direction, or no longer; what is heard does not change."""


class AudioFiles(Protocol):
    """The recorded files, by their name without extension. Every method raises AudioError."""

    def read(self, name: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The content in chunks. Raises AudioMissing on entry.

        AudioError comes from entry and from the chunks; what the block raises passes through.
        """

    async def delete(self, name: str) -> bool:
        """The file is gone when this returns; False if there was none."""

    async def is_empty(self) -> bool:
        """Whether there is no recorded file at all. Then the folder may not be mounted."""


class DisabledRecordingPbx:
    """For `BRIDGE_RECORDING=false`: it records nothing. Every method raises PbxUnavailable.

    A recording of an earlier run cannot be stopped, and a client that deletes it must know that.
    """

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
