"""The generated secrets of several instances: rows of the database, instead of a file of each.

So all instances know the same password of a phone, whoever made it first.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.cluster.sealing import CannotOpen, Seal
from bridge.config.secrets_file import SecretsFileError, UnknownSecretError, new_secret
from bridge.faults import StorageUnavailable, reason
from bridge.storage.cluster_tables import shared_secrets
from bridge.storage.engine import ANSWER_LIMIT_S, CONNECT_LIMIT_S, address_of
from bridge.storage.shared_changes import SECRETS, insert_change

_MARK = "cluster-secret"
"""The name of a row that only tells whether the cluster secret is the right one."""

_MADE_AT_ONCE = 1_000

_Result = TypeVar("_Result")


class SharedSecrets:
    """A source of secrets. Each method waits for the database, so call it beside the event loop.

    `where` names the database in messages.
    """

    def __init__(self, database_url: str, seal: Seal) -> None:
        self._url = database_url
        self._seal = seal
        self._known: dict[str, str] = {}
        self.where = ""

    def __repr__(self) -> str:
        return f"SharedSecrets({self.where!r}, {len(self._known)} secrets)"

    @classmethod
    def open(cls, database_url: str, cluster_secret: str) -> SharedSecrets:
        """The tables must be there. Raises StorageUnavailable, SecretsFileError if the secret is
        not that of the other instances."""
        opened = cls(database_url, Seal(cluster_secret))
        opened._known = opened._in_database(opened._first_look)
        return opened

    def get_or_create(self, name: str) -> str:
        """The secret of that name, made at the first call. Raises SecretsFileError."""
        return self.get_or_create_all([name])[name]

    def get_or_create_all(self, names: Iterable[str]) -> dict[str, str]:
        """The secret of every name; those without one get a new one.

        Of two instances that make the same at once, one does. Raises SecretsFileError.
        """
        wanted = list(names)
        missing = sorted({name for name in wanted if name not in self._known})
        if missing:
            self._known |= self._told(lambda there: self._made(there, missing))
        return {name: self._known[name] for name in wanted}

    def read_again(self) -> None:
        """Take what another instance has made or replaced since. Raises SecretsFileError."""
        self._known = self._told(self._all)

    def names(self) -> list[str]:
        """The names of all secrets, sorted."""
        return sorted(self._known)

    def rotate(self, names: Sequence[str]) -> None:
        """Replace these secrets by new ones, all or none, and let all instances know.

        Raises SecretsFileError, UnknownSecretError for the first name that has no secret.
        """
        for name in names:
            if name not in self._known:
                raise UnknownSecretError(name, list(self._known))

        async def replace(there: AsyncConnection) -> dict[str, str]:
            made = {name: new_secret(name) for name in sorted(set(names))}
            for name, secret in made.items():
                sealed = self._seal.close(name, secret)
                row = update(shared_secrets).where(shared_secrets.c.name == name)
                await there.execute(row.values(sealed=sealed))
            await there.execute(insert_change(SECRETS))
            return made

        self._known |= self._told(replace)

    async def _first_look(self, there: AsyncConnection) -> dict[str, str]:
        await self._insert(there, {_MARK: _MARK})
        return await self._all(there)

    async def _made(self, there: AsyncConnection, missing: Sequence[str]) -> dict[str, str]:
        made: dict[str, str] = {}
        for begin in range(0, len(missing), _MADE_AT_ONCE):
            some = missing[begin : begin + _MADE_AT_ONCE]
            # in the order of their names: two instances that make the same wait for each other
            await self._insert(there, {name: new_secret(name) for name in some})
            rows = select(shared_secrets).where(shared_secrets.c.name.in_(some))
            made |= self._opened({x.name: x.sealed for x in await there.execute(rows)})
        return made

    async def _insert(self, there: AsyncConnection, made: Mapping[str, str]) -> None:
        rows = [{"name": name, "sealed": self._seal.close(name, x)} for name, x in made.items()]
        await there.execute(insert(shared_secrets).values(rows).on_conflict_do_nothing())

    async def _all(self, there: AsyncConnection) -> dict[str, str]:
        rows = await there.execute(select(shared_secrets))
        found = self._opened({x.name: x.sealed for x in rows})
        found.pop(_MARK, None)
        return found

    def _opened(self, sealed: Mapping[str, str]) -> dict[str, str]:
        try:
            return {name: self._seal.open(name, text) for name, text in sealed.items()}
        except CannotOpen:
            raise SecretsFileError(
                f"{self.where}: its secrets were sealed with another cluster secret; "
                "BRIDGE_CLUSTER_SECRET must be the same at all instances"
            ) from None

    def _told(self, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
        try:
            return self._in_database(work)
        except StorageUnavailable as why:
            raise SecretsFileError(f"cannot keep secrets: {why}") from None

    def _in_database(self, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
        """In a thread with an event loop of its own: the caller may be in one already."""
        done: Future[_Result] = Future()

        def run() -> None:
            try:
                done.set_result(asyncio.run(self._in_transaction(work)))
            except BaseException as fault:  # it is raised below
                done.set_exception(fault)

        thread = threading.Thread(target=run, name="shared-secrets")
        thread.start()
        thread.join()
        return done.result()

    async def _in_transaction(
        self, work: Callable[[AsyncConnection], Awaitable[_Result]]
    ) -> _Result:
        limits = {"timeout": CONNECT_LIMIT_S, "command_timeout": ANSWER_LIMIT_S}
        engine: AsyncEngine = create_async_engine(
            self._url, poolclass=NullPool, connect_args=limits
        )
        self.where = address_of(engine)
        try:
            async with engine.begin() as there:
                return await work(there)
        except (DBAPIError, OSError) as error:
            raise StorageUnavailable(f"{self.where}: {reason(error)}") from error
        finally:
            await engine.dispose()
