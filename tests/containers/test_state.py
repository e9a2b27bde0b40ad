"""What is kept: over `docker compose down && up`, and over an upgrade of the service's image."""

from __future__ import annotations

import asyncio

import pytest

from bridge.storage.migrations import HEAD
from bridge.testing.lab.api_client import ApiClient
from tests.pbx.calls.live_calls import public_call, wait_statuses

from .compose_system import ComposeSystem, json_lines
from .container_lab import ContainerLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What the first version of the service left: its tables, none of a later one.
_MAKE_OLD_DATABASE = """
import pathlib
for file in pathlib.Path("/state").glob("bridge.db*"):
    file.unlink()
from alembic import command
from sqlalchemy import create_engine
from bridge.storage.migrate import alembic_config
config = alembic_config()
with create_engine("sqlite:////state/bridge.db").begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
"""


async def test_given_an_ended_call_when_down_and_up_then_records_secrets_and_phones_are_kept(
    lab: ContainerLab, compose_system: ComposeSystem, api: ApiClient
) -> None:
    call_id = await public_call(api)
    await wait_statuses(api, call_id, 5, 5)
    await api.hang_up("210", call_id)
    record = await api.wait_ended(call_id)
    secrets = compose_system.secrets()
    before = compose_system.container("bridge")

    await asyncio.to_thread(compose_system.down)
    await asyncio.to_thread(compose_system.up)

    assert compose_system.container("bridge") != before
    assert compose_system.secrets() == secrets
    # With the token of before, too.
    assert await api.wait_ended(call_id) == record
    # Nothing was provisioned anew: Asterisk still had all of them.
    told = [x for x in json_lines(lab.bridge.log_text()) if x["event"] == "phones_provisioned"]
    assert [("added" in x, "updated" in x, bool(x["unchanged"])) for x in told] == [
        (False, False, True)
    ]
    async with lab.phone("0003*210", answer="auto") as alice:
        await api.place(["210"], ["3235550202"])
        await alice.wait_tone(1000)
        await api.hang_up()


async def test_given_the_database_of_an_older_version_when_up_then_it_is_migrated(
    lab: ContainerLab, compose_system: ComposeSystem, api: ApiClient
) -> None:
    system = compose_system
    await asyncio.to_thread(system.compose, "rm", "--stop", "--force", "bridge")
    once = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "python3", "bridge", "-c")
    await asyncio.to_thread(
        system.compose,
        *once,
        "import glob,os\nfor x in glob.glob('/state/bridge.db*'): os.remove(x)",
    )
    await asyncio.to_thread(system.compose, *once, _MAKE_OLD_DATABASE)

    await asyncio.to_thread(system.up)

    migrated = [x for x in json_lines(lab.bridge.log_text()) if x["event"] == "database_migrated"]
    assert [(x["before"], x["now"]) for x in migrated] == [("0001", HEAD)]
    await api.authenticate()
    call_id = await public_call(api)
    await wait_statuses(api, call_id, 5, 5)
    await api.hang_up("210", call_id)
    await api.wait_ended(call_id)
