"""`serve` while the database is down: alive and not ready until it is there, as with the PBX."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.softphones.ports import free_port
from tests.integration.storage.private_postgresql import PrivatePostgresql
from tests.integration.storage.test_database_down import locked

LIMIT_S = 60.0


class Starting:
    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self._log = log

    async def get(self, path: str) -> tuple[int, Any, Any]:
        async with aiohttp.ClientSession() as client, client.get(self.url + path) as answer:
            return answer.status, await answer.json(), answer.headers

    async def wait_storage(self, *, up: bool) -> Any:
        """The body of /health/ready once it says so."""

        async def said() -> Any:
            assert self.process.returncode is None, self._log.read_text()
            with contextlib.suppress(aiohttp.ClientError):
                _, body, _ = await self.get("/health/ready")
                return body if body["storage"]["up"] is up else None
            return None

        return await eventually(said, LIMIT_S)

    async def ended(self) -> int:
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)

    def log_text(self) -> str:
        return self._log.read_text()

    def events(self) -> list[str]:
        lines = [json.loads(x) for x in self.log_text().splitlines() if x.startswith("{")]
        return [x["event"] for x in lines if x["event"].startswith("storage_")]


@asynccontextmanager
async def starting(folder: Path, database_url: str) -> AsyncIterator[Starting]:
    port, log = free_http_port(), folder / "log"
    settings = {
        "BRIDGE_STATE_DIR": str(folder / "state"),
        "BRIDGE_HTTP_PORT": str(port),
        "BRIDGE_PBX_HOST": "127.0.0.1",
        "BRIDGE_AMI_PORT": str(free_port()),
        "BRIDGE_DATABASE_URL": database_url,
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from bridge.cli import main; main()", "serve"),
            stdout=output,
            stderr=output,
            env=os.environ | settings,
        )
    try:
        yield Starting(process, f"http://127.0.0.1:{port}", log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_given_a_server_that_is_down_then_the_start_waits_and_goes_on_once_it_is_there(
    tmp_path: Path, postgresql: PrivatePostgresql, postgresql_url: str
) -> None:
    postgresql.stop()
    try:
        async with starting(tmp_path, postgresql_url) as service:
            body = await service.wait_storage(up=False)
            assert "PostgreSQL" in body["storage"]["why"]
            assert body["error"]["code"] == "storage_unavailable"
            assert (await service.get("/health/ready"))[0] == 503
            assert (await service.get("/health/live"))[0] == 200
            status, refused, headers = await service.get("/uapi/phoneCalls/@me/210")
            assert (status, refused["error"]["code"]) == (503, "storage_unavailable")
            assert "Retry-After" in headers
            postgresql.start()
            body = await service.wait_storage(up=True)
            assert body["pbx"]["why"] != "not started"
            assert (await service.get("/uapi/phoneCalls/@me/210"))[0] == 401
            assert service.events() == ["storage_unavailable_began", "storage_unavailable_ended"]
            service.process.send_signal(signal.SIGTERM)
            assert await service.ended() == 0, service.log_text()
    finally:
        postgresql.stop()
        postgresql.start()


@pytest.mark.parametrize("hangs", ["postgresql", "sqlite"])
async def test_given_a_database_that_hangs_then_the_start_waits_too(
    tmp_path: Path, postgresql: PrivatePostgresql, hangs: str
) -> None:
    if hangs == "postgresql":
        url = postgresql.new_database()
        hanging = postgresql.frozen()
    else:
        url = f"sqlite+aiosqlite:///{tmp_path}/b.db"
        engine = open_engine(url)
        await migrate(engine)
        await engine.dispose()
        hanging = locked(url)
    with hanging:
        async with starting(tmp_path, url) as service:
            await service.wait_storage(up=False)
            assert (await service.get("/health/live"))[0] == 200
            service.process.send_signal(signal.SIGTERM)
            assert await service.ended() == 0, service.log_text()


@pytest.mark.parametrize(
    ("part", "wrong", "said"),
    [
        ("/test_", "/no_such_database_", "does not exist"),
        ("bridge_tests@", "nobody_at_all@", "does not exist"),
    ],
)
async def test_given_what_waiting_cannot_cure_then_serve_ends_and_says_where(
    tmp_path: Path, postgresql_url: str, part: str, wrong: str, said: str
) -> None:
    async with starting(tmp_path, postgresql_url.replace(part, wrong)) as service:
        assert await service.ended() == 1
    text = service.log_text()
    assert "the database cannot be used: cannot migrate PostgreSQL" in text
    assert said in text
    assert "Traceback" not in text


async def test_given_a_file_that_is_no_database_then_serve_ends(tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    file.write_text("not a database, but long enough to be looked at by SQLite" * 20)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(file).execute("SELECT * FROM sqlite_master")
    async with starting(tmp_path, f"sqlite+aiosqlite:///{file}") as service:
        assert await service.ended() == 1
    assert f"SQLite {file}: file is not a database" in service.log_text()
