"""What is on the disk of Asterisk."""

from __future__ import annotations

from pathlib import Path

from bridge.testing.eventually import eventually


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

        def grown() -> list[Path]:
            found = self.of(conversation_id)
            return found if found and found[-1].stat().st_size >= at_least_bytes else []

        return await eventually(
            grown, timeout=15, why=lambda: f"no file of {conversation_id}: {self.names()}"
        )
