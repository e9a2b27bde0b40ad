"""A PostgreSQL for the tests of each file, which they may stop, freeze and cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.lab.tcp_proxy import TcpProxy
from tests.integration.storage.private_postgresql import PrivatePostgresql


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[PrivatePostgresql]:
    server = PrivatePostgresql()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
async def database(own_postgresql: PrivatePostgresql) -> str:
    """The URL of a database with our tables."""
    url = own_postgresql.new_database()
    engine = open_engine(url)
    await migrate(engine)
    await engine.dispose()
    return url


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database)
    yield engine
    await engine.dispose()


@pytest.fixture
async def relay(database: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """A link to that database which can be frozen, and its URL through the link."""
    url = make_url(database)
    proxy = TcpProxy()
    proxy.server_path = Path(str(url.query["host"])) / ".s.PGSQL.5432"
    await proxy.start()
    through = url.set(host="127.0.0.1", port=proxy.port, query={})
    yield proxy, through.render_as_string(hide_password=False)
    await proxy.stop()
