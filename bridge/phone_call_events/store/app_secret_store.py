"""The secrets with which the states of calls are signed, one of each app."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.phone_call_events.store.receiver_store import receivers_of, waiting_receivers
from bridge.phone_call_events.store.secrets_as_text import read_secrets, written_secrets
from bridge.phone_call_events.subscription import AppSecret, Subscription
from bridge.storage.engine import reading
from bridge.storage.event_tables import event_app_secrets
from bridge.storage.row_writer import RowWriter
from bridge.storage.shared_changes import APP_SECRET, NO_NOTES, Notes
from bridge.storage.statement import Statement, StoppedByGuard, Write

_INSERT = Statement(
    "INSERT INTO event_app_secrets (client_id, secret, old_secrets)"
    " VALUES (:client_id, :secret, :old_secrets) ON CONFLICT (client_id) DO NOTHING"
)
# It locks the row until the commit, where nobody has replaced the secret since.
_UNCHANGED = Statement(
    "UPDATE event_app_secrets SET secret = secret WHERE client_id = :client_id AND secret = :before"
)
_UPDATE = Statement(
    "UPDATE event_app_secrets SET secret = :secret, old_secrets = :old_secrets"
    " WHERE client_id = :client_id"
)
# It looks through all subscriptions.
_REMOVE = Statement(
    "DELETE FROM event_app_secrets WHERE client_id = :client_id AND NOT EXISTS"
    " (SELECT 1 FROM event_subscriptions AS s"
    " WHERE s.client_id = event_app_secrets.client_id AND s.call_id IS NOT NULL)",
    many_rows=True,
)


class AppSecretStore:
    """Every method raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter, notes: Notes = NO_NOTES) -> None:
        self._engine = engine
        self._queue = queue
        self._notes = notes

    async def load(self) -> list[AppSecret]:
        """Those of all apps."""
        async with reading(self._engine) as connection:
            rows = (await connection.execute(select(event_app_secrets))).all()
        return [AppSecret(x.client_id, x.secret, read_secrets(x.old_secrets)) for x in rows]

    async def waiting_receivers(self) -> list[Subscription]:
        """The receivers of single calls that have undelivered states."""
        return await waiting_receivers(self._engine)

    async def receivers_of(self, ids: Collection[str]) -> list[Subscription]:
        """Those of these ids that are receivers of single calls."""
        return await receivers_of(self._engine, ids)

    async def insert(self, secret: AppSecret) -> None:
        """Does nothing where the app has one."""
        await self._queue.submit(
            _INSERT.write(
                client_id=secret.client_id,
                secret=secret.secret,
                old_secrets=written_secrets(secret.old_secrets),
            ),
            *self._notes.rows(APP_SECRET, [secret.client_id]),
        )
        self._notes.written()

    async def update(self, secret: AppSecret, before: str, first: Write | None = None) -> bool:
        """Replace the secret of the app; False, and nothing is written, if it is another than
        `before` by now.

        `first`: written before it, in the same transaction. If it changes no row, nothing is
        written. Raises StoppedByGuard then.
        """
        unchanged = _UNCHANGED.write(guard=True, client_id=secret.client_id, before=before)
        write = _UPDATE.write(
            counted=False,
            secret=secret.secret,
            old_secrets=written_secrets(secret.old_secrets),
            client_id=secret.client_id,
        )
        notes = self._notes.rows(APP_SECRET, [secret.client_id])
        begin = [unchanged] if first is None else [unchanged, first]
        counts = await self._queue.submit(*begin, write, *notes)
        if not counts[0]:
            return False
        if first is not None and not counts[1]:
            raise StoppedByGuard
        self._notes.written()
        return True

    async def heard(self) -> None:
        """Return once the other instances know the change, or after a while."""
        await self._notes.heard()

    async def remove_unused(self, client_id: str) -> bool:
        """Remove the secret of the app. False if it has none, or rows of its receivers remain."""
        counts = await self._queue.submit(
            _REMOVE.write(client_id=client_id), *self._notes.rows(APP_SECRET, [client_id])
        )
        return counts[0] == 1
