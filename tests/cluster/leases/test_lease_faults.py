"""Processes that die, freeze or are cut off, with leases of the real lengths and a real PostgreSQL.

In each story `a` has the lease of the one PBX, and `b` stands by. `a` must have ended to act before
`b` may begin.
"""

from __future__ import annotations

import asyncio
import signal
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.testing.eventually import eventually
from bridge.testing.lab.tcp_proxy import TcpProxy
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lease_instance import lease_instances

PBX = "pbx:one"
TAKEOVER_S = 8.0
FENCE_S = 4.0
NOTICED_S = 0.3
"""What a busy machine adds to a moment."""


async def test_given_wrong_clocks_when_the_holder_is_killed_then_it_is_replaced_within_8_s(
    database: str,
) -> None:
    clocks = (3600.0, -3600.0)
    async with lease_instances([PBX], clocks, a=database, b=database) as (a, b):
        await asyncio.sleep(3)  # b looks several times meanwhile
        assert b.story() == ""
        killed_at_s = time.monotonic()
        a.signal(signal.SIGKILL)
        won = await b.hears("won", 2)
        assert won["at_s"] - killed_at_s <= TAKEOVER_S
        assert b.logged("lease_won")


async def test_given_a_holder_when_stopped_then_another_has_the_lease_within_a_second(
    database: str,
) -> None:
    async with lease_instances([PBX], a=database, b=database) as (a, b):
        stopped_at_s = time.monotonic()
        a.signal(signal.SIGTERM)
        won = await b.hears("won", 2)
        assert won["at_s"] - stopped_at_s <= 1.0
        assert await a.ended() == 0
        assert a.story() == "won 1, hand_over 1, lost 1"


async def test_given_a_frozen_holder_when_it_goes_on_then_it_drops_the_lease_in_a_tenth_of_a_second(
    database: str,
) -> None:
    async with lease_instances([PBX], a=database, b=database) as (a, b):
        frozen_at_s = time.monotonic()
        a.signal(signal.SIGSTOP)
        won = await b.hears("won", 2)
        assert won["at_s"] - frozen_at_s <= TAKEOVER_S
        thawed_at_s = time.monotonic()
        a.signal(signal.SIGCONT)
        lost = await a.hears("lost", 1)
        assert lost["at_s"] - thawed_at_s <= 0.1
        assert lost["acted_at_s"] < won["at_s"], "it never acted beside the new holder"
        lines = [x["event"] for x in a.lines if x.get("level") in ("warning", "error")]
        assert lines == ["leases_lost"]
        assert a.logged("leases_lost")[0]["why"] == "taken by b"


async def test_given_its_session_ended_by_the_server_then_the_holder_renews_over_a_new_one(
    database: str, engine: AsyncEngine
) -> None:
    async with lease_instances([PBX], a=database, b=database) as (a, b):
        for _ in range(3):
            async with engine.connect() as connection:
                ended = await connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'uapi-bridge a leases'"
                    )
                )
                assert ended.scalar() is True
            await asyncio.sleep(2)  # more than one renewal
        assert (a.story(), b.story()) == ("won 1", "")


async def test_given_a_half_open_link_then_the_holder_pauses_at_4_s_and_is_replaced_by_8_s(
    database: str, relay: tuple[TcpProxy, str]
) -> None:
    proxy, through = relay
    async with lease_instances([PBX], a=through, b=database) as (a, b):
        cut_at_s = time.monotonic()
        proxy.freeze_to_server()
        proxy.freeze_to_client()
        paused = await a.hears("paused", 1)
        won = await b.hears("won", 2)
        assert paused["at_s"] - cut_at_s <= FENCE_S + NOTICED_S
        assert paused["acted_at_s"] < won["at_s"]
        assert won["at_s"] - cut_at_s <= TAKEOVER_S
        assert a.logged("leases_paused")[0]["why"]
        proxy.thaw()
        await a.hears("lost", 1)
        assert a.story() == "won 1, paused 1, lost 1"


async def test_given_a_database_down_for_10_s_then_the_same_holders_go_on_within_3_s(
    database: str, own_postgresql: PrivatePostgresql
) -> None:
    async with lease_instances([PBX], a=database, b=database) as (a, b):
        own_postgresql.stop()
        try:
            await a.hears("paused", 1)
            await asyncio.sleep(6)  # 10 s in all, so that every lease has run out
        finally:
            await asyncio.to_thread(own_postgresql.start)
        back_at_s = time.monotonic()
        resumed = await a.hears("resumed", 1)
        assert resumed["at_s"] - back_at_s <= 3.0
        await asyncio.sleep(3)  # b looks several times meanwhile
        assert (a.story(), b.story()) == ("won 1, paused 1, resumed 1", "")


async def test_given_a_backup_when_restored_then_all_that_saw_newer_epochs_end_loudly(
    database: str, engine: AsyncEngine
) -> None:
    async with lease_instances([PBX], a=database, b=database) as (a, b):
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE backup AS SELECT * FROM leases"))
        a.signal(signal.SIGTERM)
        await b.hears("won", 2)
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM leases"))
            await connection.execute(text("INSERT INTO leases SELECT * FROM backup"))
        assert await b.ended() == 1
        assert b.story() == "won 2, lost 2"
        [died] = b.logged("background_task_died")
        assert died["level"] == "critical"
        assert "EpochsWentBack" in died["why"]


async def test_given_a_second_process_of_a_name_when_started_then_it_ends_and_the_first_stays(
    database: str,
) -> None:
    async with lease_instances([PBX], a=database, b=database) as (a, b):
        wrong = await asyncio.create_subprocess_exec(
            *[x.replace('"b"', '"a"') for x in _command(b.process)],
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await wrong.communicate()
        assert wrong.returncode == 1
        assert b"InstanceNameInUse" in said
        await eventually(lambda: a.story() == "won 1")


def _command(process: asyncio.subprocess.Process) -> list[str]:
    with open(f"/proc/{process.pid}/cmdline") as file:  # noqa: PTH123
        return file.read().rstrip("\0").split("\0")
