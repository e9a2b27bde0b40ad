"""What is on the disk of Asterisk."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path


class RecordedFiles:
    def __init__(self, spool: Path) -> None:
        self.folder = spool / "recording"
        self._spool = spool

    def names(self) -> set[str]:
        """Of every file anywhere in the spool."""
        return {str(x.relative_to(self._spool)) for x in self._spool.rglob("*") if x.is_file()}

    def of(self, conversation_id: str) -> list[Path]:
        return sorted(x for x in self._spool.rglob("*") if conversation_id in x.name)

    async def wait_growing(self, conversation_id: str, at_least_bytes: int) -> list[Path]:
        """Until its newest file has that size."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            found = self.of(conversation_id)
            if found and found[-1].stat().st_size >= at_least_bytes:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"no file of {conversation_id}: {self.names()}")
