"""The commands that speak to a running service, as docs/commands.md says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.running_lab import RunningLab, open_lab

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (Path(__file__).parents[3] / "docs" / "commands.md").read_text()
ANSWERS, BUSY, RINGS = "3235550201", "3235550486", "3235550180"


@dataclass
class Ended:
    code: int
    out: str
    err: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with await open_lab(tmp_path_factory.mktemp("remote")) as lab:
        yield lab


def environment(lab: RunningLab) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "200",
        "UAPI_URL": lab.bridge.base_url,
        "UAPI_CLIENT_ID": "user-12",
        "UAPI_CLIENT_SECRET": lab.bridge.secret("app/user-12"),
    }


async def started(
    lab: RunningLab, *words: str, env: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        # A shell lets what it starts in the background ignore Ctrl-C, and that is inherited.
        *("env", "--default-signal=INT", *words),
        env=environment(lab) | (env or {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(lab: RunningLab, *words: str, env: dict[str, str] | None = None) -> Ended:
    process = await started(lab, "uapi-bridge", *words, env=env)
    async with asyncio.timeout(40):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def test_the_example_of_the_page(lab: RunningLab, api: ApiClient) -> None:
    example = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]  # the other is of the operator
    process = await started(lab, "bash", "-ec", example)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err
    call_id = re.findall(r"[0-9a-f]{20}", out.decode())[0]
    assert out.decode().count(call_id) >= 3  # followed, listed, hung up
    assert (await api.wait_ended(call_id))["endedBy"] == "api"


async def test_given_a_call_that_is_busy_when_placed_then_the_code_says_so(
    lab: RunningLab,
) -> None:
    ended = await run(lab, "call", ANSWERS, BUSY, "--extension", "210")
    assert ended.code in (0, 4)
    record = await run(lab, "calls", "210", "--ended", "--json")
    shown = json.loads(record.out)[0]
    assert shown["disposition"] == 1
    one = await run(lab, "call", shown["id"])
    assert one.code == 0
    assert shown["id"] in one.out
    assert "busy" in one.out
    assert "accepted" in one.out
    as_json = json.loads((await run(lab, "call", shown["id"], "--json")).out)
    assert as_json["id"] == shown["id"]
    told = [x["type"] for x in as_json["timeline"]["entry"]]
    assert (told[0], told[-1]) == ("accepted", "ended")
    assert all(x in one.out for x in told)


async def test_given_ctrl_c_while_it_rings_then_the_call_is_hung_up(
    lab: RunningLab, api: ApiClient
) -> None:
    process = await started(lab, "uapi-bridge", "call", RINGS, ANSWERS, "--extension", "210")
    [call] = await eventually(lambda: api.calls("210"), 10)
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        assert await process.wait() == 130
    assert (await api.wait_ended(call["id"]))["endedBy"] == "api"


async def test_events_come_as_lines_of_json(lab: RunningLab, api: ApiClient) -> None:
    process = await started(lab, "uapi-bridge", "events", "--json")
    try:
        assert process.stdout is not None
        call_id = await api.place([RINGS], [ANSWERS], extension="210")
        async with asyncio.timeout(20):
            line = await process.stdout.readline()
        assert json.loads(line)["id"] == call_id
    finally:
        process.kill()
        await process.wait()


async def test_phones_are_listed(lab: RunningLab) -> None:
    async with lab.scripted("0003*210"):
        listed = await run(lab, "phones", "210")
        assert "free" in listed.out
        assert "SIPp" in listed.out or "127.0.0.1" in listed.out
    assert {x["extension"] for x in json.loads((await run(lab, "phones", "--json")).out)}


@pytest.mark.parametrize(
    ("words", "env", "code"),
    [
        (["call", ANSWERS, ANSWERS, "--extension", "999"], {}, 1),
        (["call", "0" * 20], {}, 1),
        (["calls"], {"UAPI_CLIENT_SECRET": "wrong"}, 1),
        (["calls", "--nonsense"], {}, 2),
        (["calls"], {"UAPI_URL": f"http://127.0.0.1:{free_http_port()}"}, 3),
    ],
)
async def test_each_failure_has_its_exit_code_and_one_line(
    lab: RunningLab, words: list[str], env: dict[str, str], code: int
) -> None:
    ended = await run(lab, *words, env=env)
    assert ended.code == code
    assert ended.out == ""
    assert ended.err
    assert "Traceback" not in ended.err


async def test_in_the_folder_of_the_service_no_account_is_needed(lab: RunningLab) -> None:
    state = lab.bridge.state_dir
    port = lab.bridge.base_url.rpartition(":")[2]
    nothing = dict.fromkeys(("UAPI_URL", "UAPI_CLIENT_ID", "UAPI_CLIENT_SECRET"), "")
    local = {**nothing, "BRIDGE_STATE_DIR": str(state), "BRIDGE_HTTP_PORT": port}
    ended = await run(lab, "calls", "--json", env=local)
    assert (ended.code, json.loads(ended.out)) == (0, [])
    elsewhere = await run(lab, "calls", env={**local, "BRIDGE_STATE_DIR": "/nowhere"})
    assert elsewhere.code == 2
