"""Recorded files through ARI's stored recordings: no disk is shared with the PBX."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.pbx.ari_client import AriClient, AriError, AriNotFound
from bridge.recordings.recording_pbx import AudioError, AudioMissing


class AriAudioFiles:
    """Implements bridge.recordings.recording_pbx.AudioFiles."""

    def __init__(self, ari: AriClient) -> None:
        self._ari = ari

    @asynccontextmanager
    async def read(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        try:
            async with self._ari.stored_recording_file(name) as chunks:
                yield chunks
        except AriNotFound as why:
            raise AudioMissing(str(why)) from why
        except AriError as why:
            raise AudioError(str(why)) from why

    async def is_empty(self) -> bool:
        """It is the PBX itself that says which files there are."""
        return False

    async def delete(self, name: str) -> bool:
        try:
            return await self._ari.delete_stored_recording(name)
        except AriError as why:
            raise AudioError(str(why)) from why
