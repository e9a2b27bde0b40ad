"""One directory file for all instances: the one that was pushed last."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.shared_directory import VERSIONS_KEPT, PushedDirectory, SharedDirectory
from bridge.command.directory_push import NoOthers, push
from bridge.config.settings import Settings
from bridge.directory.loader import EXAMPLE_FILE
from bridge.directory.problems import DirectoryError
from bridge.storage.cluster_tables import shared_changes, shared_directories
from bridge.storage.engine import reading

EXAMPLE = EXAMPLE_FILE.read_text()


def settings(url: str, **more: object) -> Settings:
    values = {
        "instance_name": "one",
        "instance_url": "http://127.0.0.1:8080",
        "cluster_secret": "c" * 40,
        "database_url": url,
        **more,
    }
    return Settings.model_validate(values)


async def test_given_two_who_push_at_once_then_one_is_the_newest_and_all_hear_of_both(
    migrated: AsyncEngine, postgresql_url: str
) -> None:
    shared = SharedDirectory(postgresql_url)
    assert await asyncio.to_thread(shared.newest) is None
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as threads:
        versions = await asyncio.gather(
            *(
                loop.run_in_executor(threads, shared.push, f"{EXAMPLE}# {number}\n")
                for number in range(2)
            )
        )
    assert sorted(versions) == [1, 2]
    newest = PushedDirectory(2, f"{EXAMPLE}# {versions.index(2)}\n")
    assert await asyncio.to_thread(shared.newest) == newest
    assert await asyncio.to_thread(shared.push, newest.content) == 2
    async with reading(migrated) as connection:
        changes = (await connection.execute(select(shared_changes.c.key))).scalars().all()
    assert sorted(changes) == ["1", "2"]


async def test_given_many_versions_then_the_last_ones_are_kept(
    migrated: AsyncEngine, postgresql_url: str
) -> None:
    shared = SharedDirectory(postgresql_url)
    for number in range(VERSIONS_KEPT + 2):
        await asyncio.to_thread(shared.push, str(number))
    async with reading(migrated) as connection:
        kept = (await connection.execute(select(shared_directories.c.version))).scalars().all()
    assert sorted(kept) == list(range(3, VERSIONS_KEPT + 3))


async def test_given_a_wrong_file_then_it_is_not_pushed(
    migrated: AsyncEngine, postgresql_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("organizations: 5\n")
    with pytest.raises(DirectoryError):
        await asyncio.to_thread(push, settings(postgresql_url), file)
    assert await asyncio.to_thread(push, settings(postgresql_url), EXAMPLE_FILE) == 1


def test_given_one_instance_then_its_file_is_named() -> None:
    with pytest.raises(NoOthers, match="SIGHUP"):
        push(Settings(), EXAMPLE_FILE)
