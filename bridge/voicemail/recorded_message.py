"""The file of a message: its length, its checksum, and whether anybody speaks."""

from __future__ import annotations

import array
import sys
from dataclasses import dataclass, replace

from bridge.recordings.conversation import Media
from bridge.recordings.measuring import measure
from bridge.recordings.recording_pbx import AudioFiles
from bridge.voicemail.message import Message

_WAV_HEADER_BYTES = 44
_SPEECH = 400
"""Of 32768: the loudest sample of a quiet voice is far above, the noise of a line below."""


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """`media`: the file as a part of a conversation. `silent`: nobody says anything in it."""

    media: Media
    silent: bool


async def recorded_message(message: Message, audio: AudioFiles) -> RecordedMessage:
    """Read the file of a message that the PBX has closed. Raises AudioMissing, AudioError."""
    silent = not await _has_speech(message.id, audio)
    media = Media(
        part=1,
        name=message.id,
        format="wav",
        channel=message.uniqueid,
        started_ms=message.began_ms,
    )
    measured = (await measure(media, audio)).media
    ended_ms = message.began_ms + (measured.length_ms or 0)
    return RecordedMessage(replace(measured, ended_ms=ended_ms), silent)


async def _has_speech(name: str, audio: AudioFiles) -> bool:
    left, head = b"", _WAV_HEADER_BYTES
    async with audio.read(name) as chunks:
        async for chunk in chunks:
            data = left + chunk[head:]
            head = max(0, head - len(chunk))
            whole = len(data) // 2 * 2
            left = data[whole:]
            samples = array.array("h", data[:whole])
            if sys.byteorder == "big":
                samples.byteswap()
            if samples and max(max(samples), -min(samples)) >= _SPEECH:
                return True
    return False
