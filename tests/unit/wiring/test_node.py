"""A node is started and stopped on its own, as often as wanted."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.storage.fenced_writes import FencedWrites
from bridge.supervision.tasks import supervisor
from bridge.testing.eventually import eventually
from bridge.wiring import service as wired
from bridge.wiring.node import Node
from tests.scripted_ami.server import ReceivedAction, Session, log_in, silence
from tests.unit.http.whole_service import WholeService, whole_service

TIMES = 20


async def _again(running: WholeService) -> None:
    """The node is stopped, and another one of the same PBX is started."""
    service = running.service
    settings, queue = service.node.settings, service.write_queue
    await service.end_node(settings.pbx_name)
    assert not service.nodes
    await service.begin_node(settings, queue)
    await eventually(lambda: service.node.link.link.up)


def _only(sessions: list[Session]) -> list[Session] | None:
    """None while the session for recordings is open as well."""
    return sessions if len(sessions) == 1 else None


def _counted() -> dict[str, int]:
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "living": len(supervisor().living),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "nodes": sum(isinstance(x, Node) for x in gc.get_objects()),
    }


async def _settled() -> dict[str, int]:
    """The counts once none has changed for a second: what is about to end has ended."""
    before: dict[str, int] = {}
    now = _counted()
    while now != before:
        await asyncio.sleep(1)  # long enough for a task that is ending to end
        before, now = now, _counted()
    return now


async def test_given_a_node_when_started_and_stopped_twenty_times_then_nothing_is_left_behind(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as running:
        await _again(running)  # the first time may open what is kept for the instance
        await eventually(lambda: len(running.ami.logged_in) == 1)
        before = await _settled()
        for _ in range(TIMES):
            await _again(running)
        await eventually(lambda: len(running.ami.logged_in) == 1)
        await eventually(lambda: _counted() == before, why=lambda: (before, _counted()))


async def test_given_an_instance_without_a_node_when_asked_then_the_answer_is_503(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as running, running.client() as client:
        await running.service.end_node(running.service.settings.pbx_name)
        answer = await client.request("GET", "/uapi/phoneCalls/@me/210")
        assert (answer.status, answer.json["error"]["code"]) == (503, "pbx_unavailable")
        assert answer.headers["Retry-After"]
        ended = await client.request("GET", "/uapi/phoneCalls/@me/210?ended=true")
        assert (ended.status, ended.json["entry"]) == (200, [])


async def test_given_a_node_when_cut_then_its_session_and_its_streams_end_before_that_returns(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as running:
        service, name = running.service, running.service.settings.pbx_name
        node = service.node
        [session] = await eventually(lambda: _only(running.ami.logged_in))
        with node.services.call_feed.followed(["0003*210"]) as follower:
            service.cut_node(name)
            assert follower.ended
        assert not node.link.link.up
        await eventually(lambda: not running.ami.logged_in)
        await service.end_node(name)
        assert session.number not in {x.connection for x in running.ami.actions("Logoff")}
        await service.begin_node(node.settings, service.write_queue)
        await eventually(lambda: service.node.link.link.up)


async def test_given_a_node_that_connects_when_cut_then_no_session_stays_open(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as running:
        service, name = running.service, running.service.settings.pbx_name
        settings = service.node.settings
        await service.end_node(name)
        await service.begin_node(settings, service.write_queue)
        await asyncio.sleep(0)  # it begins to connect
        service.cut_node(name)
        await service.end_node(name)
        await eventually(lambda: not running.ami.logged_in)


async def test_given_an_edge_then_its_numbers_are_written_under_the_lease_of_the_node(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as running:
        service = running.service
        given: list[FencedWrites] = []
        edge: Any = SimpleNamespace(
            subscribers=SimpleNamespace(of_node=given.append), registered=None
        )
        writes = FencedWrites(service.write_queue, lambda: None)
        shared = replace(service._shared, edge=edge)  # noqa: SLF001 - only this part differs
        Node(service.node.settings, shared, writes)
        assert given == [writes]


async def _create(running: WholeService) -> tuple[int, str, int]:
    """The status, the message, and how many Originates were sent until then."""
    async with running.client() as client:
        answer = await client.create(["5354353"], ["3235742879"], extension="210")
    text = "" if answer.status == 202 else answer.json["error"]["message"]
    return answer.status, text, len(running.ami.actions("Originate"))


async def test_given_a_pbx_that_was_taken_over_when_it_connects_then_creates_find_it_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The router of several instances has a request wait as long as the node is not to be found."""
    monkeypatch.setattr(wired, "LINKED_WITHIN_S", 600.0)
    may_log_in = asyncio.Event()

    async def log_in_later(session: Session, action: ReceivedAction) -> None:
        await may_log_in.wait()
        await log_in(session, action)

    async with whole_service(tmp_path) as running:
        service, settings = running.service, running.service.node.settings
        await service.end_node(settings.pbx_name)
        before = len(running.ami.actions("Login"))
        running.ami.on["Login"] = log_in_later
        begins = service.begin_node(settings, service.write_queue, lambda: True, taken_over=True)
        beginning = asyncio.create_task(begins)
        await eventually(lambda: len(running.ami.actions("Login")) > before)
        status, text, originates = await _create(running)
        assert (status, originates) == (503, 0)
        assert "does not hold it" in text
        assert not beginning.done()
        may_log_in.set()
        await beginning
        assert await _create(running) == (202, "", 1)


async def test_given_a_pbx_that_was_taken_over_when_it_is_away_then_creates_are_told_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wired, "LINKED_WITHIN_S", 0.05)
    async with whole_service(tmp_path) as running:
        service, settings = running.service, running.service.node.settings
        await service.end_node(settings.pbx_name)
        running.ami.on["Login"] = silence
        await service.begin_node(settings, service.write_queue, lambda: True, taken_over=True)
        status, text, originates = await _create(running)
        assert (status, originates) == (503, 0)
        assert "does not hold it" not in text
