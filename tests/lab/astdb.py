"""Asterisk's own database: it is written a moment after what is said to be done."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from bridge.pbx.phones.provisioning import INCOMPLETE
from bridge.testing.eventually import eventually

_OBJECTS = 2  # endpoint, aor; a phone that needs no password has no auth


async def phones_on_disk(pbx_folder: Path, *numbers: str) -> None:
    """Until a crash of Asterisk leaves these phones, made through ARI, as they are now."""
    await eventually(lambda: all(_is_complete(pbx_folder, x) for x in numbers), timeout=20)


def _is_complete(pbx_folder: Path, number: str) -> bool:
    [file] = pbx_folder.rglob("astdb.sqlite3")
    query, values = "SELECT value FROM astdb WHERE key LIKE '%/' || ?", []
    # Without a lock: under ours the commit of Asterisk would fail, and what it wrote be lost.
    uri = f"file:{file}?mode=ro&immutable=1"
    with (
        contextlib.suppress(sqlite3.DatabaseError),
        contextlib.closing(sqlite3.connect(uri, uri=True)) as database,
    ):
        values = [value for (value,) in database.execute(query, (number,))]
    # While there is a journal, the next process to open the file takes back what was read.
    committed = not file.with_name(f"{file.name}-journal").exists()
    return committed and len(values) >= _OBJECTS and not any(INCOMPLETE in x for x in values)
