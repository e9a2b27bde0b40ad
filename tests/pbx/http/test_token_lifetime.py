"""How long a token counts: a changed secret, a restart, its lifetime."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = "/uapi/phoneCalls/@me/@self"
UNKNOWN_TOKEN = "A" * 43


def denied(answer: Answer) -> tuple[int, str, str, str]:
    return answer.status, answer.code, answer.message, answer.headers["WWW-Authenticate"]


async def test_given_a_changed_secret_when_reloaded_then_its_tokens_are_dead_for_good(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("own-lab")
    directory = folder / "directory.yaml"
    text = EXAMPLE_FILE.read_text()
    directory.write_text(text)
    lab = await open_lab(folder / "lab", {"directory_file": str(directory)})
    try:
        async with lab.client("user-12") as changed, lab.client("user-13") as unchanged:
            old_token = await changed.authenticate()
            await unchanged.authenticate()

            directory.write_text(with_secret(text, "user-12", "another-secret-1"))
            await reloaded(lab, 1)
            assert (await changed.request("GET", LIST)).status == 401
            assert (await unchanged.request("GET", LIST)).status == 200
            async with ApiClient(lab.bridge.base_url, "user-12", "another-secret-1") as renewed:
                assert (await renewed.request("GET", LIST)).status == 200

                directory.write_text(text)
                await reloaded(lab, 2)
                assert (await renewed.request("GET", LIST)).status == 401
            changed.token = old_token
            assert (await changed.request("GET", LIST)).status == 401
            await changed.authenticate()
            assert (await changed.request("GET", LIST)).status == 200
    finally:
        await lab.close()


async def test_given_tokens_when_the_service_restarts_or_is_killed_then_they_still_count(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lab = await open_lab(tmp_path_factory.mktemp("own-lab") / "lab")
    try:
        async with lab.client() as client:
            token = await client.authenticate()
            await lab.bridge.stop()
            await lab.bridge.start()
            assert (await client.request("GET", LIST)).status == 200
            await lab.bridge.kill()
            await lab.bridge.start()
            assert (await client.request("GET", LIST)).status == 200
            assert client.token == token
        stored = b"".join(x.read_bytes() for x in lab.bridge.state_dir.glob("bridge.db*"))
        assert stored
        assert token.encode() not in stored
        assert token not in lab.bridge.log_text()
    finally:
        await lab.close()


async def test_given_a_token_whose_time_has_passed_when_used_then_401_as_for_a_wrong_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lab = await open_lab(tmp_path_factory.mktemp("own-lab") / "lab")
    try:
        async with lab.client() as client:
            await client.authenticate()
            await lab.bridge.stop()
            # The shortest lifetime of the settings is a minute: the clock is moved in the database.
            with closing(sqlite3.connect(lab.bridge.state_dir / "bridge.db")) as database, database:
                changed = database.execute("UPDATE tokens SET expires_ms = issued_ms + 1")
                assert changed.rowcount == 1
            await lab.bridge.start()
            expired = await client.request("GET", LIST)
            client.token = UNKNOWN_TOKEN
            assert denied(expired) == denied(await client.request("GET", LIST))
            assert (expired.status, expired.code) == (401, "access_denied")
    finally:
        await lab.close()


def with_secret(text: str, client_id: str, secret: str) -> str:
    """The directory file with this app's secret written into it."""
    return text.replace(
        f"  - client_id: {client_id} ", f"  - client_secret: {secret}\n    client_id: {client_id} "
    )


async def reloaded(lab: RunningLab, times: int) -> None:
    """SIGHUP, and wait until the service says that it has reloaded so many times."""
    lab.bridge.reload()
    await eventually(lambda: lab.bridge.log_text().count("directory_reloaded") >= times, 10)
