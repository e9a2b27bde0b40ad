"""`uapi-bridge serve` and `check` as somebody types them: exit codes and messages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bridge.directory.loader import EXAMPLE_FILE
from bridge.settings import Settings
from bridge.state_folder import state_folder_locked
from tests.softphones.ports import free_port

from .unlinked_service import unlinked_service


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BRIDGE_")}
    return subprocess.run(
        [sys.executable, "-c", "from bridge.cli import main; main()", *arguments],
        env=environment | {f"BRIDGE_{k.upper()}": v for k, v in settings.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_given_the_example_when_checked_then_it_is_valid_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    done = run("check", str(EXAMPLE_FILE), state_dir=str(tmp_path / "state"))

    assert done.returncode == 0, done.stderr
    assert "2 organizations, 3 users, 10 extensions" in done.stdout
    assert "note:" not in done.stdout
    assert not (tmp_path / "state").exists()


def test_given_a_wrong_directory_file_when_checked_then_every_problem_is_named_with_its_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "directory.yaml"
    text = EXAMPLE_FILE.read_text()
    line = text[: text.index("type: Phone Terminal")].count("\n") + 1
    file.write_text(text.replace("type: Phone Terminal", "type: Telephone", 1))

    done = run("check", str(file))

    assert done.returncode == 1
    assert done.stderr.startswith(f"{file}:{line}: organizations[0]")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("http_port", "70000"),
        ("no_such_setting", "1"),
        ("calls_per_second", "0"),
        ("call_duration_default_s", "99999"),
        ("wait_for_pickup_default_s", "999"),
        ("rtp_port_min", "20000"),
        ("sip_port", "5038"),
        ("public_base_url", "xx"),
        ("database_url", "postgresql://somewhere/x"),
        ("phone_media_address", "somewhere"),
        ("audio_codecs", "ulaw,bogus"),
        ("video_codecs", "ulaw"),
    ],
)
def test_given_a_wrong_setting_when_started_then_one_line_names_it(
    setting: str, value: str
) -> None:
    done = run("check", **{setting: value})

    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"BRIDGE_{setting.upper()}" in done.stderr


def test_given_a_taken_http_port_when_served_then_the_message_names_the_setting(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", state_dir=str(tmp_path / "state"), http_port=port, pbx_host="127.0.0.1")

    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert port in last
    assert "BRIDGE_HTTP_PORT" in last
    assert "Traceback" not in done.stderr


def test_given_no_way_to_an_asterisk_when_served_then_one_message_names_the_ways(
    tmp_path: Path,
) -> None:
    done = run("serve", state_dir=str(tmp_path / "state"), asterisk="external")

    assert done.returncode == 1
    assert "BRIDGE_PBX_HOST" in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"http_host": "bogus..host"}, "BRIDGE_HTTP_HOST"),
        ({"http_host": "192.0.2.1"}, "BRIDGE_HTTP_HOST"),
        ({"record_pbx_events_to": "/nonexistent/x/y"}, "/nonexistent/x/y"),
        ({"database_url": "postgresql+asyncpg://u:s3cret@127.0.0.1:1/x"}, "the database cannot"),
        ({"state_dir": "/proc/nowhere"}, "/proc/nowhere"),
    ],
)
def test_given_what_cannot_work_when_served_then_the_last_line_says_what_and_there_is_no_traceback(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    port = free_port()
    common = {"state_dir": str(tmp_path / "state"), "http_port": str(port), "pbx_host": "127.0.0.1"}
    done = run("serve", **{**common, **settings})

    assert done.returncode == 1
    assert said in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


def test_given_a_state_folder_in_use_when_served_then_it_is_refused_with_who_uses_it(
    tmp_path: Path,
) -> None:
    settings = Settings(state_dir=tmp_path / "state")
    with state_folder_locked(settings):
        done = run("serve", state_dir=str(settings.state_dir), pbx_host="127.0.0.1")
    assert done.returncode == 1
    assert f"process {os.getpid()}" in done.stderr
    with state_folder_locked(settings):
        pass


def test_given_a_reader_that_leaves_when_checked_then_there_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "check"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


async def test_given_a_pbx_that_is_not_there_when_asked_then_it_is_alive_and_not_ready(
    tmp_path: Path,
) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        async with (
            unlinked_service(tmp_path / "state", port, log.fileno()),
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
            asyncio.timeout(30),
        ):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with session.get("/health/live") as alive:
                        assert (alive.status, (await alive.json())["status"]) == (200, "alive")
                    break
                await asyncio.sleep(0.05)
            async with session.get("/health/ready") as ready:
                assert ready.status == 503
