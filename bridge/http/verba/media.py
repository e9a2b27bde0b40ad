"""GetMedia: the audio of a finished conversation, as it was recorded."""

from __future__ import annotations

from aiohttp import web

from bridge.http.verba.errors import Code, VerbaError
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.conversation import Media, StoredConversation
from bridge.recordings.measuring import stereo_header


async def get_media(request: VerbaRequest) -> web.StreamResponse:
    """`part` (ours): which of several media files, from 1 on; the first where it is left out."""
    part = request.parameters.number("part", 1, 10_000) or 1
    stored = await find_conversation(request)
    media = _media(stored, part)
    header = stereo_header(media.bytes or 0) if media.format == "raw" else b""
    async with request.recordings.audio.read(media.name) as chunks:
        response = web.StreamResponse(
            headers={
                "Content-Type": "audio/wav",
                "Content-Disposition": f'attachment; filename="{media.name}.wav"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            }
        )
        response.content_length = len(header) + (media.bytes or 0)
        await response.prepare(request.http)
        await response.write(header)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    return response


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
