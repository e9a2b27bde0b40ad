"""Every test that asks for `database_url`, or for what is built on it, runs on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .private_postgresql import PostgresqlMissing, PrivatePostgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivatePostgresql]:
    try:
        server = PrivatePostgresql()
    except PostgresqlMissing as missing:
        pytest.fail(str(missing))
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/state/bridge.db"


@pytest.fixture
def postgresql_url(postgresql: PrivatePostgresql) -> str:
    return postgresql.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
