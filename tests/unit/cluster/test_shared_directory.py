"""The directory file of all instances: each push that changes it has a version of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cluster.shared_directory import VERSIONS_KEPT, SharedDirectory, content_hash
from bridge.command.directory_push import NoOthers, push
from bridge.config.settings import Settings
from bridge.directory.loader import EXAMPLE_FILE
from bridge.directory.problems import DirectoryError
from bridge.storage.cluster_tables import shared_changes, shared_directories

from .sqlite_database import Clock, database, engine_in, instead_of_postgresql

URL = "postgresql+asyncpg://db/cluster"


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async with database(tmp_path):
        pass
    instead_of_postgresql(tmp_path, monkeypatch.setattr)
    return tmp_path


async def test_the_newest_content_is_that_of_the_last_push(folder: Path) -> None:
    shared = SharedDirectory(URL)
    assert shared.where == "PostgreSQL cluster"
    assert shared.newest() is None
    assert shared.push("one: é") == 1
    assert shared.push("two") == 2
    newest = shared.newest()
    assert newest is not None
    assert (newest.version, newest.content) == (2, "two")


async def test_the_same_content_keeps_its_version_and_tells_nobody(folder: Path) -> None:
    shared = SharedDirectory(URL)
    assert [shared.push(x) for x in ("one", "one", "two", "one")] == [1, 1, 2, 3]
    async with engine_in(folder, Clock()).connect() as connection:
        rows = (await connection.execute(shared_changes.select())).all()
        kept = (await connection.execute(shared_directories.select())).all()
    assert sorted((x.kind, x.key) for x in rows) == [("directory", x) for x in "123"]
    assert [x.hash for x in kept] == [content_hash(x) for x in ("one", "two", "one")]


async def test_old_versions_are_forgotten(folder: Path) -> None:
    shared = SharedDirectory(URL)
    for number in range(VERSIONS_KEPT + 2):
        shared.push(str(number))
    async with engine_in(folder, Clock()).connect() as connection:
        kept = [x.version for x in await connection.execute(shared_directories.select())]
    assert kept == list(range(3, VERSIONS_KEPT + 3))


def several() -> Settings:
    return Settings(
        instance_name="a",
        instance_url="http://127.0.0.1:1",
        cluster_secret="0123456789abcdef0123456789abcdef",
        database_url=URL,
    )


async def test_a_valid_file_is_pushed_as_it_is(folder: Path) -> None:
    assert push(several(), EXAMPLE_FILE) == 1
    newest = SharedDirectory(URL).newest()
    assert newest is not None
    assert newest.content == EXAMPLE_FILE.read_text()


async def test_a_file_with_a_fault_is_not_pushed(folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "directory.yaml"
    wrong.write_text("organizations: 7\n")
    with pytest.raises(DirectoryError, match="organizations"):
        push(several(), wrong)
    assert SharedDirectory(URL).newest() is None


async def test_one_instance_alone_has_its_own_file() -> None:
    with pytest.raises(NoOthers, match="BRIDGE_INSTANCE_NAME is not set"):
        push(Settings(), EXAMPLE_FILE)
