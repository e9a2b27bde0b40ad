"""The console command for an Asterisk that another process runs: the right one, or none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.local_asterisk.console import console_command
from bridge.local_asterisk.docker_engine import project_of
from bridge.local_asterisk.errors import LocalAsteriskError

from .programs import program

_WAITS = "import time; print(1, flush=True); time.sleep(100)"  # until it is killed


@contextmanager
def running(state: Path, config: Path) -> Iterator[None]:
    """A process with that configuration in its command line, which the pid file names."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WAITS, "-C", str(config)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        (state / "pbx").mkdir(parents=True)
        (state / "pbx/pid").write_text(f"{process.pid}\n")
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_given_its_asterisk_runs_then_that_binary_is_asked_with_its_configuration(
    tmp_path: Path,
) -> None:
    config = tmp_path / "pbx/conf/asterisk.conf"
    with running(tmp_path, config):
        command = console_command(tmp_path, "core show channels")
    binary = os.path.realpath(sys.executable)
    assert command == [binary, "-C", str(config), "-rx", "core show channels"]


def test_given_another_process_with_its_pid_then_there_is_none(tmp_path: Path) -> None:
    with (
        running(tmp_path, tmp_path / "other.conf"),
        pytest.raises(LocalAsteriskError, match="no Asterisk runs with the state folder"),
    ):
        console_command(tmp_path, "core show channels")


def test_given_a_container_then_it_is_asked(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", f'echo "$*" > {tmp_path}/asked; echo 4f2a; echo 77')
    command = console_command(tmp_path, "core show uptime", public_network=True)
    assert command == ["docker", "exec", "4f2a", "asterisk", "-rx", "core show uptime"]
    asked = (tmp_path / "asked").read_text()
    assert f"com.docker.compose.project={project_of(tmp_path)}" in asked
    assert "com.docker.compose.service=public-network" in asked
