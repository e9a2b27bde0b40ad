"""As many ended calls as a busy day has, made by the database itself."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_document import call_to_document
from bridge.storage.engine import open_engine
from bridge.storage.statement import Statement
from bridge.storage.write_queue import WriteQueue

from .phone_calls import ended, live_call

LISTED = 100_000
BEGAN_MS = 1_340_813_335_000  # 2012-06-27T16:08:55Z

_AT_ONCE = 5_000
_MANY_SQLITE = """
INSERT INTO calls (id, pbx, extension, origin, published_ms, ended_ms, document)
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)
SELECT printf('c%06d', i), 'main', '0003*214', 'api', 1340813335000 + i, 2681626670000,
  replace(:document, 'template', printf('c%06d', i)) FROM n
"""
_MANY_POSTGRESQL = """
INSERT INTO calls (id, pbx, extension, origin, published_ms, ended_ms, document)
SELECT 'c' || lpad(CAST(i AS TEXT), 6, '0'), 'main', '0003*214', 'api', 1340813335000 + i,
  2681626670000, replace(:document, 'template', 'c' || lpad(CAST(i AS TEXT), 6, '0'))
FROM generate_series(CAST(:first AS INTEGER), CAST(:last AS INTEGER)) AS n(i)
"""
_THEIR_PARTY = """
INSERT INTO call_parties (extension, published_ms, call_id)
SELECT '0003*210', published_ms, id FROM calls
WHERE published_ms BETWEEN :first AND :last
"""


async def fill_with_ended_calls(engine: AsyncEngine) -> None:
    """`LISTED` calls that 0003*214 pays and 0003*210 takes part in; they end in 2054."""
    call = ended(live_call("template", published_ms=BEGAN_MS), 2 * BEGAN_MS)
    sqlite = engine.dialect.name == "sqlite"
    rows = Statement(_MANY_SQLITE if sqlite else _MANY_POSTGRESQL, many_rows=True)
    parties = Statement(_THEIR_PARTY, many_rows=True)
    document = call_to_document(call)
    filling = WriteQueue(
        open_engine(engine.url.render_as_string(hide_password=False), answer_limit_s=60.0)
    )
    await filling.start()
    for first in range(1, LISTED, _AT_ONCE):
        last = first + _AT_ONCE - 1
        made = rows.write(counted=False, first=first, last=last, document=document)
        first_ms, last_ms = BEGAN_MS + first, BEGAN_MS + last
        theirs = parties.write(counted=False, first=first_ms, last=last_ms)
        await filling.submit(made, theirs, within_s=60)
    await filling.stop()
