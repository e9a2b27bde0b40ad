"""A full disk of recordings, a real one: the log and readiness say so, and when it ends."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .conftest import QUICK

_DISK = "256k"
_TALK_S = 2.0
_WITHIN_S = 20.0


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of its own. Asterisk must start after that, to see it in its private root."""
    folder.mkdir(mode=0o700, parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=0700", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as full:
        try:
            while True:
                full.write(bytes(4096))
        except OSError:
            return


async def readiness(lab: RunningLab) -> tuple[int, dict[str, Any]]:
    url = f"{lab.bridge.base_url}/health/ready"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.json()


async def a_recorded_talk(lab: RunningLab, api: ApiClient) -> str:
    call_id = await api.place(["210"], ["211"], extension="210", recording="true")
    await api.wait_status(call_id, 5)
    await asyncio.sleep(_TALK_S)  # what would be recorded
    await api.hang_up("210", call_id)
    await api.wait_ended(call_id)
    return call_id


async def until_logged(lab: RunningLab, event: str) -> dict[str, object]:
    """The one line of that name."""
    [line] = await eventually(
        lambda: [x for x in lab.bridge.log_lines() if x["event"] == event], _WITHIN_S
    )
    return line


async def test_given_a_full_disk_when_calls_are_recorded_then_it_is_said_at_its_begin_and_end(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("lab")
    recordings = folder / "asterisk" / "pbx" / "spool" / "recording"
    with small_disk(recordings):
        lab = await open_lab(folder, QUICK | {"recording_close_limit_ms": "1000"})
        try:
            fill(recordings / "others")
            async with (
                lab.client() as api,
                lab.phone("0003*210", answer="auto"),
                lab.phone("0003*211", answer="auto", tone_hz=1000),
            ):
                first = await a_recorded_talk(lab, api)
                began = await until_logged(lab, "recordings_empty_began")
                assert began["level"] == "error"
                assert "is the disk of the recordings full?" in str(began["why"])
                assert (await until_logged(lab, "recording_empty"))["call_id"] == first
                status, body = await readiness(lab)
                assert (status, body["status"]) == (200, "ready"), "calls can be placed"
                assert body["recordings"] == {"up": False, "why": began["why"]}

                (recordings / "others").unlink()
                await a_recorded_talk(lab, api)
                await until_logged(lab, "recordings_empty_ended")
                _, body = await readiness(lab)
                assert "recordings" not in body
                assert await until_logged(lab, "recordings_empty_began") == began
        finally:
            await lab.close()
