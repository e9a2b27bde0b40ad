"""Recorded files in a folder that is shared with the PBX, instead of through its HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from bridge.recordings.recording_pbx import AudioError, AudioMissing

_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
_FORMATS = ("wav", "raw")
_CHUNK_BYTES = 65_536


class AudioFolder:
    """Implements bridge.recordings.recording_pbx.AudioFiles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def read(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        path = next((x for x in self._paths(name) if x.is_file()), None)
        if path is None:
            raise AudioMissing(f"no file of the name {name}")
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except OSError as why:
            raise AudioError(f"{name}: {why.strerror}") from why
        try:
            yield _chunks(file, name)
        finally:
            file.close()

    async def delete(self, name: str) -> bool:
        if not self._folder.is_dir():  # not mounted: nothing is known of its files
            raise AudioError(f"the folder {self._folder} is not there")
        found = False
        for path in self._paths(name):
            try:
                await asyncio.to_thread(path.unlink)
                found = True
            except FileNotFoundError:
                continue
            except OSError as why:
                raise AudioError(f"{name}: {why.strerror}") from why
        return found

    async def is_empty(self) -> bool:
        """As is the mount point of a share that is not mounted."""
        return not await asyncio.to_thread(self._has_any)

    def _has_any(self) -> bool:
        try:
            return any(x.suffix[1:] in _FORMATS for x in self._folder.iterdir())
        except OSError as why:
            raise AudioError(f"{self._folder}: {why.strerror}") from why

    def _paths(self, name: str) -> list[Path]:
        if not _NAME.match(name):
            raise AudioError("not the name of a recording")
        return [self._folder / f"{name}.{extension}" for extension in _FORMATS]


async def _chunks(file: BinaryIO, name: str) -> AsyncIterator[bytes]:
    while True:
        try:
            chunk = await asyncio.to_thread(file.read, _CHUNK_BYTES)
        except OSError as why:
            raise AudioError(f"{name}: {why.strerror}") from why
        if not chunk:
            return
        yield chunk
