"""GetMedia, GetMediaEncoded: the audio of a finished conversation, as it was recorded: WAV."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from bridge.http.streaming import send_pieces
from bridge.http.verba.download_places import download_place
from bridge.http.verba.errors import Code, VerbaError, invalid_parameter
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.conversation import Media, StoredConversation
from bridge.recordings.measuring import stereo_header

_WAV = "wav"


async def get_media(request: VerbaRequest) -> web.StreamResponse:
    """`part` (ours): which of several media files, from 1 on; the first if it is left out."""
    part = request.parameters.number("part", 1, 10_000) or 1
    stored = await find_conversation(request)
    media = _media(stored, part)
    header = stereo_header(media.bytes or 0) if media.format == "raw" else b""
    response = web.StreamResponse(
        headers={
            "Content-Type": "audio/wav",
            "Content-Disposition": f'attachment; filename="{media.name}.wav"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    async with (
        download_place(request.http),
        request.recordings.audio.read(media.name) as chunks,
    ):
        return await send_pieces(
            request.http,
            response,
            _after(header, chunks),
            len(header) + (media.bytes or 0),
            min_bytes_per_s=request.services.settings.verba.download_min_bytes_per_s,
        )


async def _after(header: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The header in one piece with the first chunk, so that a fault of that comes before it."""
    yield header + await anext(chunks, b"")
    async for chunk in chunks:
        yield chunk


async def get_media_encoded(request: VerbaRequest) -> web.StreamResponse:
    """`format` must be `wav`, or left out: nothing is encoded here. Raises -20."""
    wanted = request.parameters.get("format") or _WAV
    if wanted.lower() != _WAV:
        raise invalid_parameter(f"Parameter format must be {_WAV}: this service encodes no audio.")
    return await get_media(request)


def _media(stored: StoredConversation, part: int) -> Media:
    conversation = stored.conversation
    if conversation.ended_ms is None:
        text = "The call is ongoing; its media can be had once it has ended."
        raise VerbaError(Code.MEDIA_NOT_FOUND, text)
    found = next((x for x in conversation.media if x.part == part), None)
    if found is None or stored.marks.deletion_ms is not None or found.bytes == 0:
        raise VerbaError(Code.MEDIA_NOT_FOUND, f"The call has no media file {part}.")
    if found.bytes is None:
        raise VerbaError(Code.MEDIA_NOT_FOUND, "The media file is being closed; try again soon.")
    return found
