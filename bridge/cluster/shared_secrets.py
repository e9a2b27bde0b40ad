"""The generated secrets of several instances: rows of the database, instead of a file of each.

So all instances know the same password of a phone, whoever made it first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.cluster.sealing import CannotOpen, Seal
from bridge.cluster.short_transaction import ShortTransactions, Work
from bridge.config.secrets_file import SecretsFileError, UnknownSecretError, new_secret
from bridge.faults import StorageUnavailable
from bridge.storage.cluster_tables import shared_secrets
from bridge.storage.shared_changes import SECRETS, insert_change

_MARK = "cluster-secret"
"""The name of a row that only tells whether the cluster secret is the right one."""

_MADE_AT_ONCE = 1_000

_Result = TypeVar("_Result")


class SharedSecrets:
    """A source of secrets. Each method waits for the database, so call it beside the event loop."""

    def __init__(self, database_url: str, seal: Seal) -> None:
        self._transactions = ShortTransactions(database_url)
        self._seal = seal
        self._known: dict[str, str] = {}

    @property
    def where(self) -> str:
        """The database, for messages."""
        return self._transactions.where

    def __repr__(self) -> str:
        return f"SharedSecrets({self.where!r}, {len(self._known)} secrets)"

    @classmethod
    def open(
        cls, database_url: str, cluster_secret: str, own: Mapping[str, str] | None = None
    ) -> SharedSecrets:
        """The tables must be there. `own`: of the time when the instance was alone. They are shared
        from now on, unless the others have some of these names.

        Raises StorageUnavailable, SecretsFileError if the cluster secret is not that of the others.
        """
        opened = cls(database_url, Seal(cluster_secret))
        opened._known = opened._transactions.run(lambda there: opened._first_look(there, own or {}))
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

    async def _first_look(self, there: AsyncConnection, own: Mapping[str, str]) -> dict[str, str]:
        await self._insert(there, {_MARK: _MARK})
        known = await self._all(there)
        missing = sorted(own.keys() - known.keys() - {_MARK})
        return known | await self._made(there, missing, own)

    async def _made(
        self,
        there: AsyncConnection,
        missing: Sequence[str],
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, str]:
        made: dict[str, str] = {}
        for begin in range(0, len(missing), _MADE_AT_ONCE):
            some = missing[begin : begin + _MADE_AT_ONCE]
            # in the order of their names: two instances that make the same wait for each other
            await self._insert(there, {x: given.get(x) or new_secret(x) for x in some})
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

    def _told(self, work: Work[_Result]) -> _Result:
        try:
            return self._transactions.run(work)
        except StorageUnavailable as why:
            raise SecretsFileError(f"cannot keep secrets: {why}") from None
