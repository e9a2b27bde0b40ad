"""Recorded files through ARI's stored recordings: no disk is shared with the PBX."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.errors import AriError, AriNotFound
from bridge.recordings.recording_pbx import AudioError, AudioMissing


class AriAudioFiles:
    """Implements bridge.recordings.recording_pbx.AudioFiles."""

    def __init__(self, ari: AriClient) -> None:
        self._ari = ari

    @asynccontextmanager
    async def read(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with AsyncExitStack() as stack:
            with _as_audio_errors():
                chunks = await stack.enter_async_context(self._ari.stored_recording_file(name))
            yield _read(chunks)

    async def is_empty(self) -> bool:
        """It is the PBX itself that says which files there are."""
        return False

    async def delete(self, name: str) -> bool:
        with _as_audio_errors():
            return await self._ari.delete_stored_recording(name)


async def _read(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        with _as_audio_errors():
            chunk = await anext(chunks, b"")
        if not chunk:
            return
        yield chunk


@contextmanager
def _as_audio_errors() -> Iterator[None]:
    try:
        yield
    except AriNotFound as why:
        raise AudioMissing(str(why)) from why
    except AriError as why:
        raise AudioError(str(why)) from why
