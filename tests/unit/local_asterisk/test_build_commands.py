"""Commands of a build: their failure is shown, and they end with all that they have started."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from bridge.local_asterisk import build_commands as module
from bridge.local_asterisk.build_commands import BuildCommands, BuildStopped
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.testing.eventually import eventually

ENDS_WITHIN_S = 5.0


def is_there(pid: int) -> bool:
    """Whether it runs; one that has ended and is not fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_given_a_command_that_fails_then_its_last_lines_are_told() -> None:
    with pytest.raises(NoAsteriskError) as failed:
        BuildCommands().run("sh", "-c", "seq 30; echo wrong >&2; exit 3")
    lines = str(failed.value).splitlines()
    assert lines[0] == "`sh -c seq 30; echo wrong >&2; exit 3` failed:"
    assert lines[1:] == [f"  {x}" for x in [*range(17, 31), "wrong"]]


def test_given_a_command_that_succeeds_then_nothing_is_said() -> None:
    BuildCommands().run("true")


def test_given_a_command_that_takes_too_long_then_it_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "BUILD_TIMEOUT_S", 0.3)
    pid_file = tmp_path / "pid"
    with pytest.raises(NoAsteriskError, match=r"sh took more than 0.3 s"):
        BuildCommands().run("sh", "-c", f"echo $$ > {pid_file}; exec sleep 100")
    assert not is_there(int(pid_file.read_text()))


async def test_given_a_stop_when_a_command_runs_then_all_that_it_started_ends(
    tmp_path: Path,
) -> None:
    commands, pids = BuildCommands(), tmp_path / "pids"
    script = f"sleep 100 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
    running = asyncio.ensure_future(asyncio.to_thread(commands.run, "sh", "-c", script))
    await eventually(pids.exists)
    commands.stop()
    async with asyncio.timeout(ENDS_WITHIN_S):
        with pytest.raises(BuildStopped, match="was stopped"):
            await running
    started = [int(x) for x in pids.read_text().split()]
    await eventually(lambda: not any(is_there(x) for x in started))


def test_given_a_command_that_ignores_the_end_when_stopped_then_it_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "BUILD_TIMEOUT_S", 0.3)
    monkeypatch.setattr(module, "_END_S", 0.3)
    pid_file = tmp_path / "pid"
    with pytest.raises(NoAsteriskError, match="took more than"):
        BuildCommands().run("sh", "-c", f"trap '' TERM; echo $$ > {pid_file}; sleep 9; sleep 9")
    assert not is_there(int(pid_file.read_text()))


def test_given_a_child_that_ignores_the_end_when_its_parent_ends_then_it_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "BUILD_TIMEOUT_S", 0.5)
    pid_file = tmp_path / "pid"
    stays = "trap '' TERM; while :; do sleep 0.1; done"
    with pytest.raises(NoAsteriskError, match="took more than"):
        BuildCommands().run("sh", "-c", f'sh -c "{stays}" & echo $! > {pid_file}; wait')
    deadline_s = time.monotonic() + ENDS_WITHIN_S
    while is_there(int(pid_file.read_text())):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)  # it is being killed


def test_given_a_stop_when_something_is_to_begin_then_it_does_not(tmp_path: Path) -> None:
    commands, made = BuildCommands(), tmp_path / "made"
    commands.stop()
    with pytest.raises(BuildStopped):
        commands.run("touch", str(made))
    began_s = time.monotonic()
    with pytest.raises(BuildStopped):
        commands.wait()
    assert time.monotonic() - began_s < ENDS_WITHIN_S
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names are enough
