"""The service of an instance of several that locks no lease: the other side of fence_cost."""

from __future__ import annotations

from unittest import mock

from bridge.cli import main
from bridge.storage.postgresql_writer import PostgresqlWriter


async def _locked_nothing(*_: object) -> None:
    pass


if __name__ == "__main__":
    mock.patch.object(PostgresqlWriter, "_lock", _locked_nothing).start()
    main()
