"""`uapi-bridge cluster node drain`: when it says that a PBX has nothing any more.

Until an instance has read of a move, it may place a call where the organization was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from bridge.cluster.placement_choice import PLACED_EVERY_S, PbxCondition, PbxState
from bridge.command.cluster import commands, pbx_commands


class DrainedPbx:
    """A PBX with organizations until `moves_at_s`; `calls` is what it has at each look after.

    Its clock begins with the command, and goes on by the waits of the command.
    """

    def __init__(self) -> None:
        self.now_s = 100.0
        self.moves_at_s = 0.0
        self.calls: Callable[[float], int] = lambda _: 0
        self.looks: list[float] = []

    async def set_pbx_draining(self, name: str, draining: bool) -> bool:
        return name == "pbx1" and draining

    async def move_away(self, name: str) -> list[PbxState]:
        return [PbxState(name, PbxCondition.READY, 30.0, draining=True)]

    async def left_on(self, _name: str) -> tuple[int, int]:
        at_s = self.now_s - 100.0
        self.looks.append(at_s)
        return (0 if at_s >= self.moves_at_s else 3), self.calls(at_s)

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def pbx(monkeypatch: pytest.MonkeyPatch) -> DrainedPbx:
    made = DrainedPbx()

    def run(work: Callable[[DrainedPbx], Awaitable[int | str]]) -> None:
        done = asyncio.run(with_clock(work))
        if isinstance(done, str):
            typer.echo(done, err=True)
        raise SystemExit(int(bool(done)))

    async def with_clock(work: Callable[[DrainedPbx], Awaitable[int | str]]) -> int | str:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: made.now_s)
        return await work(made)

    monkeypatch.setattr(pbx_commands, "run", run)
    monkeypatch.setattr("bridge.command.cluster.pbx_commands.asyncio.sleep", made.sleep)
    return made


def drain(*more: str) -> Result:
    return CliRunner().invoke(commands.app, ["node", "drain", "pbx1", *more])


def test_it_ends_once_each_instance_knows_of_the_moves(pbx: DrainedPbx) -> None:
    pbx.moves_at_s = 1.0
    done = drain()
    assert (done.exit_code, done.stderr) == (0, "")
    assert pbx.looks[-1] > pbx.moves_at_s + PLACED_EVERY_S


def test_a_call_that_comes_to_it_meanwhile_is_waited_for(pbx: DrainedPbx) -> None:
    pbx.calls = lambda at_s: int(1.0 <= at_s < 9.0)
    assert drain().exit_code == 0
    assert pbx.looks[-1] == 9.0


def test_with_no_time_for_calls_it_still_waits_until_each_instance_knows(pbx: DrainedPbx) -> None:
    pbx.calls = lambda _: 1
    done = drain("--within-s", "0")
    assert done.exit_code == 1
    assert "pbx1 still has organizations: 0, live calls: 1." in done.stderr
    assert pbx.looks[-1] > PLACED_EVERY_S


def test_organizations_that_stay_end_it_when_its_time_is_over(pbx: DrainedPbx) -> None:
    pbx.moves_at_s = 99.0
    done = drain("--within-s", "3")
    assert done.exit_code == 1
    assert "organizations: 3, live calls: 0; no PBX can take organizations now" in done.stderr
    assert pbx.looks[-1] == 3.0
