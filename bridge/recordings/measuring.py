"""Length and checksum of a media file, once the PBX has closed it."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from dataclasses import dataclass, replace

from bridge.recordings.conversation import Media
from bridge.recordings.recording_pbx import AudioFiles, AudioMissing

_WAV_HEADER_BYTES = 44
_HASHED_AT_ONCE = 1 << 20
_SAMPLES_PER_S = 8000
_BYTES_PER_S = {"wav": _SAMPLES_PER_S * 2, "raw": _SAMPLES_PER_S * 4}


@dataclass(frozen=True, slots=True)
class Measured:
    """`closed`: whether the file is closed; None if its header does not say. `found`: whether it is
    there."""

    media: Media
    closed: bool | None
    found: bool = True

    @property
    def lacks_header(self) -> bool:
        """Whether not even the header of a WAV file was stored."""
        short = (self.media.bytes or 0) < _WAV_HEADER_BYTES
        return self.found and self.media.format == "wav" and short


async def measure(media: Media, audio: AudioFiles, *, even_if_open: bool = True) -> Measured:
    """The media with its size, length and checksum; 0 bytes if there is no file.

    Without `even_if_open`, only the header of an open file is read, and the media stays unchanged.
    Raises AudioError.
    """
    digest, size, head = hashlib.sha256(), 0, b""
    unread = bytearray()  # what the checksum lacks: in a thread, and not for every few kilobytes
    try:
        async with audio.read(media.name) as chunks:
            async for chunk in chunks:
                if size < _WAV_HEADER_BYTES:
                    head += chunk[: _WAV_HEADER_BYTES - size]
                size += len(chunk)
                if not even_if_open and media.format == "wav" and _is_open(head, size):
                    return Measured(media, closed=False)
                unread += chunk
                if len(unread) >= _HASHED_AT_ONCE:
                    await asyncio.to_thread(digest.update, bytes(unread))
                    unread.clear()
    except AudioMissing:
        return Measured(replace(media, bytes=0, length_ms=0), closed=None, found=False)
    digest.update(unread)
    header = _WAV_HEADER_BYTES if media.format == "wav" else 0
    length_ms = max(0, size - header) * 1000 // _BYTES_PER_S[media.format]
    measured = replace(media, bytes=size, length_ms=length_ms, sha256=digest.hexdigest())
    return Measured(measured, closed=_is_closed(head, size) if media.format == "wav" else None)


def stereo_header(data_bytes: int) -> bytes:
    """The WAV header that makes interleaved raw samples playable (8 kHz, 16 bit, two channels)."""
    return b"RIFF%sWAVEfmt %sdata%s" % (
        struct.pack("<I", 36 + data_bytes),
        struct.pack("<IHHIIHH", 16, 1, 2, _SAMPLES_PER_S, _SAMPLES_PER_S * 4, 4, 16),
        struct.pack("<I", data_bytes),
    )


def _is_open(head: bytes, read: int) -> bool:
    """While Asterisk writes a file, its header gives a length of 0."""
    return read > _WAV_HEADER_BYTES == len(head) and not any(head[40:44])


def _is_closed(head: bytes, size: int) -> bool:
    """Asterisk writes the true size into the header when it closes the file."""
    if len(head) < _WAV_HEADER_BYTES:
        return False
    (data_bytes,) = struct.unpack_from("<I", head, 40)
    return bool(data_bytes == size - _WAV_HEADER_BYTES)
