"""The file `.env` beside docker-compose.yml: its variables, and any setting of the service."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .compose_system import ComposeSystem
from .container_lab import ContainerLab


@pytest.mark.asyncio(loop_scope="session")
async def test_given_settings_in_the_file_only_when_up_then_compose_and_the_service_follow_them(
    compose_system: ComposeSystem, tmp_path: Path
) -> None:
    system = compose_system.another("dotenv", {}, directory=tmp_path)
    in_the_file = system.settings | {"BRIDGE_CREATE_STATUS": "200"}
    system.settings = {}
    (tmp_path / ".env").write_text("".join(f"{k}={v}\n" for k, v in in_the_file.items()))
    try:
        await asyncio.to_thread(system.up)

        # The port of the file is the one outside; inside it would be in the way.
        assert system.published("bridge") == {f"127.0.0.1:{system.http_port}->8080/tcp"}
        async with ContainerLab(system, tmp_path / "lab").client() as api:
            placed = await api.create(["3235550180"], ["3235550200"], extension="210")
            assert placed.status == 200  # 202 if the service has not heard of the file
            await api.hang_up()
            await api.wait_ended(placed.json[0]["id"])
    finally:
        await asyncio.to_thread(system.remove)
