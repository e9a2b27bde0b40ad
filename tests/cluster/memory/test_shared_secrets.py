"""The generated secrets of several instances: one of each name, and sealed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.shared_secrets import SharedSecrets
from bridge.config.secrets_file import SecretsFileError, UnknownSecretError
from bridge.faults import StorageUnavailable
from bridge.storage.cluster_tables import shared_changes, shared_secrets
from bridge.storage.engine import reading

CLUSTER_SECRET = "c" * 40
INSTANCES = 3
NAMES = [f"sip/0003*{number}" for number in range(200, 300)]


async def opened(url: str, secret: str = CLUSTER_SECRET) -> SharedSecrets:
    return await asyncio.to_thread(SharedSecrets.open, url, secret)


async def test_given_instances_that_start_at_once_then_each_phone_has_one_password(
    migrated: AsyncEngine, postgresql_url: str
) -> None:
    def of_one(number: int) -> dict[str, str]:
        names = NAMES if number % 2 else NAMES[::-1]
        return SharedSecrets.open(postgresql_url, CLUSTER_SECRET).get_or_create_all(names)

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(INSTANCES) as threads:
        found = await asyncio.gather(
            *(loop.run_in_executor(threads, of_one, x) for x in range(INSTANCES))
        )
    assert found == [found[0]] * INSTANCES
    assert len(set(found[0].values())) == len(NAMES)
    async with reading(migrated) as connection:
        sealed = (await connection.execute(select(shared_secrets.c.sealed))).scalars().all()
    assert not [x for x in found[0].values() if any(x in text for text in sealed)]


async def test_given_another_cluster_secret_then_the_start_says_so(
    migrated: AsyncEngine, postgresql_url: str
) -> None:
    await opened(postgresql_url)  # before any secret is made
    with pytest.raises(SecretsFileError, match="BRIDGE_CLUSTER_SECRET"):
        await opened(postgresql_url, "d" * 40)


async def test_given_a_rotation_then_the_others_have_the_new_one(
    migrated: AsyncEngine, postgresql_url: str
) -> None:
    one, other = await opened(postgresql_url), await opened(postgresql_url)
    before = await asyncio.to_thread(one.get_or_create_all, NAMES[:2])
    assert await asyncio.to_thread(other.get_or_create_all, NAMES[:2]) == before
    await asyncio.to_thread(one.rotate, NAMES[:1])
    await asyncio.to_thread(other.read_again)
    after = await asyncio.to_thread(other.get_or_create_all, NAMES[:2])
    assert after == await asyncio.to_thread(one.get_or_create_all, NAMES[:2])
    assert after[NAMES[0]] != before[NAMES[0]]
    assert after[NAMES[1]] == before[NAMES[1]]
    async with reading(migrated) as connection:
        assert (await connection.execute(select(shared_changes.c.kind))).scalars().all() == [
            "secrets"
        ]
    with pytest.raises(UnknownSecretError):
        await asyncio.to_thread(one.rotate, [NAMES[0], "sip/none"])
    assert sorted(NAMES[:2]) == one.names()


async def test_given_secrets_of_the_time_alone_then_phones_keep_their_passwords(
    migrated: AsyncEngine, postgresql_url: str
) -> None:
    own = {name: f"old {name}" for name in NAMES}
    one = await asyncio.to_thread(SharedSecrets.open, postgresql_url, CLUSTER_SECRET, own)
    theirs = {NAMES[0]: "another", "ami": "theirs"}
    other = await asyncio.to_thread(SharedSecrets.open, postgresql_url, CLUSTER_SECRET, theirs)
    assert await asyncio.to_thread(one.get_or_create_all, NAMES) == own
    assert await asyncio.to_thread(other.get_or_create_all, NAMES) == own
    assert await asyncio.to_thread(one.get_or_create, "ami") == "theirs"


async def test_given_a_database_that_is_down_then_the_start_waits_for_it() -> None:
    with pytest.raises(StorageUnavailable):
        await opened("postgresql+asyncpg://nobody@/none?host=/nowhere")
