"""The four kinds of work: what becomes of a fault, of a death, and of a caller that leaves."""

from __future__ import annotations

import ast
import asyncio
import gc
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import bridge
from bridge.faults import StorageUnavailable
from bridge.supervision.intervals import every
from bridge.supervision.tasks import (
    awaited,
    carried_through,
    in_background,
    log_lost_fault,
    must_live,
    supervisor,
)
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

ROOT = Path(bridge.__file__).parent


class Broken(Exception):
    pass


async def raise_broken() -> None:
    await asyncio.sleep(0)  # the tasks run
    raise Broken("by the test")


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_task_that_must_live_and_raises_is_dead_by_name() -> None:
    with capture_logs() as lines:
        must_live(raise_broken(), "writer")
        why = await asyncio.wait_for(supervisor().until_a_task_died(), 5)
    assert why == "writer has ended: Broken: by the test"
    assert supervisor().problem == why
    assert [(x["event"], x["task"]) for x in lines] == [("background_task_died", "writer")]


@pytest.mark.parametrize(("ends", "why"), [("returns", "returned"), ("cancelled", "cancelled")])
async def test_any_end_that_the_owner_did_not_ask_for_is_a_death(ends: str, why: str) -> None:
    living = must_live(asyncio.sleep(0) if ends == "returns" else for_ever(), "watch")
    await asyncio.sleep(0)  # the tasks run
    if ends == "cancelled":
        living.task.cancel()
    assert await asyncio.wait_for(supervisor().until_a_task_died(), 5) == f"watch has ended: {why}"


async def test_what_its_owner_ends_is_no_death() -> None:
    first, second = must_live(for_ever(), "first"), must_live(asyncio.sleep(0), "second")
    assert [x.name for x in supervisor().living] == ["first", "second"]
    second.let_end()
    await first.stop()
    await second.ended()
    await asyncio.sleep(0)  # the tasks run
    assert supervisor().living == ()
    assert supervisor().problem == ""


async def test_work_in_the_background_is_held_and_its_fault_is_logged() -> None:
    done = asyncio.Event()

    async def work() -> None:
        waits_for_nobody = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.05, waits_for_nobody.set_result, None)
        await waits_for_nobody
        done.set()
        raise Broken("by the test")

    with capture_logs() as lines:
        in_background(work(), "once")
        gc.collect()
        await asyncio.wait_for(done.wait(), 5)
        await asyncio.sleep(0)  # the tasks run
    assert [(x["event"], x["task"]) for x in lines] == [("background_task_failed", "once")]
    assert supervisor().problem == ""


async def test_the_caller_of_work_carried_through_gets_its_outcome() -> None:
    async def result() -> int:
        return 7

    with capture_logs() as lines:
        assert await carried_through(result(), "sum") == 7
        with pytest.raises(Broken):
            await carried_through(raise_broken(), "sum")
        with pytest.raises(Broken):
            await awaited(raise_broken(), "sum")
    assert lines == []


async def test_work_is_carried_through_without_its_caller_and_a_fault_is_logged() -> None:
    go_on = asyncio.Event()

    async def work() -> None:
        await go_on.wait()
        raise Broken("by the test")

    caller = asyncio.ensure_future(carried_through(work(), "placing"))
    await asyncio.sleep(0)  # the tasks run
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    with capture_logs() as lines:
        go_on.set()
        await eventually(lambda: bool(lines), 15)
    assert [(x["event"], x["task"]) for x in lines] == [("background_task_failed", "placing")]


async def test_a_fault_after_its_owner_let_it_end_is_logged_and_no_death() -> None:
    with capture_logs() as lines:
        living = must_live(raise_broken(), "writer")
        living.let_end()
        await eventually(lambda: bool(lines), 15)
    assert [(x["event"], x["task"]) for x in lines] == [("background_task_failed", "writer")]
    assert supervisor().problem == ""


async def test_a_fault_of_a_timer_is_logged() -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_lost_fault)
    fault = Broken("by the test")

    def break_off() -> None:
        raise fault

    with capture_logs() as lines:
        loop.call_soon(break_off)
        await eventually(lambda: bool(lines), 15)
    assert [(x["event"], x["exc_info"]) for x in lines] == [("fault_reached_nobody", fault)]


@instant
async def test_maintenance_goes_on_after_a_failed_round() -> None:
    rounds: list[int] = []

    async def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise Broken("by the test")

    with capture_logs() as lines:
        maintenance = must_live(every(60, "purge", work), "maintenance")
        await asyncio.sleep(125)
        await maintenance.stop()
    assert rounds == [0, 1]
    assert [(x["event"], x["work"]) for x in lines] == [("maintenance_failed", "purge")]


def bare_tasks(source: str) -> list[str]:
    """`LINE: what`, for each task that is made without a supervisor."""
    tree = ast.parse(source)
    of_group = {
        item.optional_vars.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.optional_vars, ast.Name) and "TaskGroup" in ast.unparse(item)
    }
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, name = called.rpartition(".")
        bare = name in {"create_task", "ensure_future"} and owner not in of_group
        if name == "shield":  # of a task or future that somebody holds, nothing else
            bare = isinstance(node.args[0], ast.Call) and not ast.unparse(node.args[0]).startswith(
                "awaited("
            )
        if bare:
            found.append(f"{node.lineno}: {called}")
    return found


def test_the_search_for_bare_tasks_finds_them() -> None:
    source = """
async def f():
    asyncio.create_task(g())
    loop.create_task(g())
    x = ensure_future(g())
    await asyncio.shield(g())
    await asyncio.shield(x)
    async with asyncio.TaskGroup() as group:
        group.create_task(g())
"""
    assert [x.split(":")[0] for x in sorted(bare_tasks(source))] == ["3", "4", "5", "6"]


def test_no_task_of_the_service_is_without_a_supervisor() -> None:
    found = {
        f"{file.relative_to(ROOT)}:{line}"
        for file in sorted(ROOT.rglob("*.py"))
        if file != ROOT / "supervision" / "tasks.py"
        if ROOT / "testing" not in file.parents  # it is no part of the service
        for line in bare_tasks(file.read_text())
    }
    assert found == set()


@instant
async def test_given_the_database_is_away_when_work_is_repeated_then_two_lines_tell_it() -> None:
    away = [False, True, True, True, False, True, False]
    rounds = iter(away)

    async def work() -> None:
        if next(rounds):
            raise StorageUnavailable("no route to it")

    with capture_logs() as lines:
        maintenance = must_live(every(2, "placements", work), "maintenance")
        await asyncio.sleep(2 * len(away) + 1)
        await maintenance.stop()
    told = [x["event"].removeprefix("maintenance_put_off_") for x in lines]
    assert told == ["began", "ended", "began", "ended"]
    assert (lines[0]["work"], lines[0]["why"]) == ("placements", "no route to it")
    assert {x["log_level"] for x in lines} == {"warning"}
