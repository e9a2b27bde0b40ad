"""`uapi-bridge serve` and `check` as somebody types them: exit codes and messages."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.directory.loader import EXAMPLE_FILE


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
    [("http_port", "70000"), ("no_such_setting", "1"), ("calls_per_second", "0")],
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
