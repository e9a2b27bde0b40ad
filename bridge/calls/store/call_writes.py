"""The writes that keep a PhoneCall."""

from __future__ import annotations

from collections.abc import Collection

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_document import call_to_document
from bridge.storage.statement import Statement, Write

_COLUMNS = (
    "(id, pbx, extension, user_id, organization, client_id, origin, published_ms, answered_ms,"
    " ended_ms, document, timeline) VALUES (:id, :pbx, :extension, :user_id, :organization,"
    " :client_id, :origin, :published_ms, :answered_ms, :ended_ms, :document, :timeline)"
)
_INSERT = Statement(f"INSERT INTO calls {_COLUMNS}")
# Decides, also between several instances, that a call has one final record and keeps it.
_UPSERT = Statement(
    f"INSERT INTO calls {_COLUMNS}"
    " ON CONFLICT (id) DO UPDATE SET pbx = excluded.pbx, extension = excluded.extension,"
    " user_id = excluded.user_id, organization = excluded.organization,"
    " client_id = excluded.client_id, origin = excluded.origin,"
    " published_ms = excluded.published_ms, answered_ms = excluded.answered_ms,"
    " ended_ms = excluded.ended_ms, document = excluded.document,"
    " timeline = COALESCE(excluded.timeline, calls.timeline)"
    " WHERE calls.ended_ms IS NULL"
)


_PARTY = "INSERT INTO call_parties (extension, published_ms, call_id) VALUES"


def _parties(count: int) -> Statement:
    rows = ", ".join(f"(:extension{n}, :published_ms{n}, :call_id{n})" for n in range(count))
    return Statement(f"{_PARTY} {rows} ON CONFLICT DO NOTHING")


# by the number of rows, less one
_PARTIES = tuple(_parties(count) for count in range(1, 9))


def insert_call(call: PhoneCall, timeline: str | None = None) -> Write:
    """Fails where a call of that id exists. `timeline`: as text, None if there is none."""
    return _row(_INSERT, call, timeline, guard=False, counted=False)


def upsert_call(call: PhoneCall, timeline: str | None = None, *, guard: bool) -> Write:
    """Changes no row where the call has its final record already.

    `timeline`: as text; None leaves the stored one."""
    return _row(_UPSERT, call, timeline, guard=guard, counted=guard)


def party_writes(call: PhoneCall, extensions: Collection[str]) -> list[Write]:
    """Parties are only ever added: who was part of a call may read how it ended."""
    # sorted: two instances that lock rows in the same order cannot block each other
    ordered = sorted(extensions)
    writes: list[Write] = []
    for begin in range(0, len(ordered), len(_PARTIES)):
        some = ordered[begin : begin + len(_PARTIES)]
        params = tuple([x for extension in some for x in (extension, call.published_ms, call.id)])
        writes.append(Write(_PARTIES[len(some) - 1], params, counted=False))
    return writes


def _row(
    statement: Statement, call: PhoneCall, timeline: str | None, *, guard: bool, counted: bool
) -> Write:
    params = (  # in the order of _COLUMNS: three times for every call, so not by their names
        call.id,
        call.pbx,
        call.extension,
        call.user_id,
        call.organization,
        call.client_id,
        call.origin.value,
        call.published_ms,
        call.answered_ms,
        call.final.at_ms if call.final else None,
        call_to_document(call),
        timeline,
    )
    return Write(statement, params, guard, counted)
