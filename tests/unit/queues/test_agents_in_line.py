"""Agents of a queue: what is changed on the PBX, and what is said if it does not change."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Extension
from bridge.queues.agent import AgentStatus, is_member
from bridge.queues.provisioning import RETRY_FIRST_S, QueueProvisioning
from bridge.queues.queue_agents import NoSuchAgent, QueueAgents
from bridge.queues.queue_pbx import QueueMember, QueueRefused, QueuesNotPossible, QueueState
from tests.lab.instant_time import instant

from .fakes import FakeAgentStore, FakeQueuePbx

FILE = """\
organizations:
  - {id: 3, prefix: 1, name: A, users: [{id: 1, name: A}], extensions: [
      {number: 1*1, type: Phone Terminal, user: 1},
      {number: 1*2, type: Phone Terminal, user: 1, devices: 2},
      {number: 1*3, type: Phone Terminal, user: 1},
      {number: 1*8, type: Queue, user: 1, queue: {name: sales, members: [1, 2], strategy: %s}},
      {number: 1*9, type: Queue, user: 1, queue: {name: own}}]}
"""
ONE, TWO = "PJSIP/1*1", "Local/1*2@queue-agents/n"
OFF, ON, PAUSED = AgentStatus.LOGGED_OUT, AgentStatus.ONLINE, AgentStatus.PAUSED


def member(interface: str, *, fixed: bool = False, paused: bool = False) -> QueueMember:
    return QueueMember(interface, interface, paused=paused, fixed=fixed, available=True)


class Office:
    """The queue `sales` with two agents in the directory, and `own`, whose agents the PBX knows."""

    def __init__(self, folder: Path, strategy: str = "ringall", *there: QueueMember) -> None:
        path = folder / "directory.yaml"
        path.write_text(FILE % strategy)
        self.directory = CurrentDirectory(path, ThrowawaySecrets())
        self.pbx = FakeQueuePbx(
            sales=QueueState(strategy, there, ()), own=QueueState("ringall", there, ())
        )
        self.store = FakeAgentStore()
        self.agents = QueueAgents(self.directory, self.pbx, self.store)
        self.file = folder / "queues.conf"

    @property
    def sales(self) -> Extension:
        return self.directory.directory.extensions["1*8"]

    @property
    def own(self) -> Extension:
        return self.directory.directory.extensions["1*9"]

    def provisioning(self, file: Path | None = None) -> QueueProvisioning:
        return QueueProvisioning(self.directory, self.agents, self.pbx, file)


async def test_given_a_started_pbx_then_the_agents_of_the_directory_replace_all_others(
    tmp_path: Path,
) -> None:
    fixed = member("PJSIP/desk", fixed=True)
    office = Office(tmp_path, "ringall", member("PJSIP/1*3"), fixed)
    office.store.kept["1*8"] = {"1*2": PAUSED}
    assert await office.agents.bring_in_line(office.sales) == 3
    assert office.pbx.interfaces("sales") == ["PJSIP/desk", ONE, TWO]
    assert [x.status for x in await office.agents.agents(office.sales)] == [ON, PAUSED]
    assert await office.agents.bring_in_line(office.sales) == 0


async def test_given_a_phone_with_another_dial_string_then_its_agent_is_logged_in_anew(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path, "ringall", member(ONE), member("PJSIP/1*2"))
    assert await office.agents.bring_in_line(office.sales) == 1
    assert office.pbx.diary == ["remove PJSIP/1*2", f"add {TWO}"]


async def test_given_an_agent_with_browsers_then_a_hint_tells_of_it_and_it_is_logged_in_anew(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path, "ringall", member(ONE), member(TWO))
    path = tmp_path / "directory.yaml"
    path.write_text(path.read_text().replace("devices: 2", "webrtc: yes"))
    office.directory.reload()
    assert await office.agents.bring_in_line(office.sales) == 1
    states = {x.interface: x.state_interface for x in office.pbx.queues["sales"].members}
    assert states == {ONE: ONE, TWO: "hint:1*2@queue-agents"}
    assert await office.agents.bring_in_line(office.sales) == 0


async def test_given_a_linear_queue_with_a_gap_then_all_agents_are_logged_in_in_order(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path, "linear", member(TWO))
    office.store.kept["1*8"] = {"1*1": OFF}
    await office.agents.bring_in_line(office.sales)
    assert office.pbx.interfaces("sales") == [ONE, TWO]
    assert [x.status for x in await office.agents.agents(office.sales)] == [OFF, ON]


async def test_given_a_queue_of_the_pbx_then_only_fixed_agents_get_their_status_back(
    tmp_path: Path,
) -> None:
    fixed = member("Local/3@from-queue/n", fixed=True)
    office = Office(tmp_path, "ringall", member(ONE), fixed)
    office.store.kept["1*9"] = {"1*1": PAUSED, "1*3": PAUSED}
    assert await office.agents.bring_in_line(office.own) == 1
    assert office.pbx.diary == ["Local/3@from-queue/n paused"]
    assert [x.number for x in await office.agents.agents(office.own)] == ["1*1", "1*3"]


@pytest.mark.parametrize(
    ("interface", "is_phone"),
    [("PJSIP/1*3", True), ("Local/3@x/n", True), ("Local/1*3@x", True), ("PJSIP/3", False)],
)
def test_a_member_is_the_phone_that_it_names(
    tmp_path: Path, interface: str, is_phone: bool
) -> None:
    phone = Office(tmp_path).directory.directory.extensions["1*3"]
    assert is_member(member(interface), phone) is is_phone


@pytest.mark.parametrize(
    ("before", "after", "done"),
    [
        ([], ON, [f"add {ONE}"]),
        ([], OFF, []),
        ([member(ONE)], PAUSED, [f"{ONE} paused"]),
        ([member(ONE)], ON, []),
        ([member(ONE)], OFF, [f"remove {ONE}"]),
        ([member(ONE, fixed=True)], OFF, [f"{ONE} logged out"]),
        ([member(ONE, paused=True)], ON, [f"{ONE} online"]),
    ],
)
async def test_an_app_gives_an_agent_a_status(
    tmp_path: Path, before: list[QueueMember], after: AgentStatus, done: list[str]
) -> None:
    office = Office(tmp_path, "ringall", *before)
    assert (await office.agents.set_status(office.sales, "1*1", after)).status is after
    assert office.pbx.diary == done
    assert office.store.kept == {"1*8": {"1*1": after}}


async def test_what_the_pbx_did_not_change_is_no_success(tmp_path: Path) -> None:
    office = Office(tmp_path, "ringall", member(ONE))
    with pytest.raises(NoSuchAgent):
        await office.agents.set_status(office.sales, "1*3", ON)
    office.pbx.refuses = "Unable to pause"
    with pytest.raises(QueueRefused, match="Unable to pause"):
        await office.agents.set_status(office.sales, "1*1", PAUSED)
    assert office.store.kept == {}
    office.pbx.refuses, office.pbx.deaf = "", True
    with pytest.raises(QueueRefused, match="shows another status"):
        await office.agents.set_status(office.sales, "1*1", PAUSED)
    del office.pbx.queues["sales"]
    with pytest.raises(QueuesNotPossible, match=r"its queues.conf needs \[sales\]"):
        await office.agents.agents(office.sales)


@instant
async def test_given_a_refusal_then_it_is_a_problem_until_it_is_mended(tmp_path: Path) -> None:
    office = Office(tmp_path)
    provisioning = office.provisioning()
    office.pbx.refuses = "no"
    with capture_logs() as lines:
        await provisioning.push()
        assert provisioning.problem == "1*8: no"
        await asyncio.sleep(RETRY_FIRST_S + 1)
        assert [x["event"] for x in lines] == ["queues_not_told_began"]
        office.pbx.refuses = ""
        await asyncio.sleep(2 * RETRY_FIRST_S + 1)
    assert [x["event"] for x in lines][1:] == ["queues_told", "queues_not_told_ended"]
    assert provisioning.problem == ""
    assert office.pbx.interfaces("sales") == [ONE, TWO]


async def test_given_a_queue_with_another_strategy_then_it_goes_and_comes_back(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path)
    office.pbx.queues["sales"] = QueueState("linear", (), ())
    provisioning = office.provisioning(office.file)
    await provisioning.push()
    assert provisioning.problem == "sales: it gets its strategy when no caller waits in it"
    assert office.pbx.diary[:3] == ["reload"] * 3
    assert "[sales]" in office.file.read_text()
    provisioning.stop()


async def test_given_no_link_or_no_place_for_the_file_then_that_is_the_problem(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path)
    office.pbx.down = True
    provisioning = office.provisioning(office.file)
    await provisioning.push()
    assert provisioning.problem == "the link to the PBX is down"
    office.pbx.down = False
    office.file.unlink()
    office.file.mkdir()
    await provisioning.push()
    assert provisioning.problem.startswith("the queues file: ")
    provisioning.stop()


async def test_given_linear_agents_in_another_order_then_they_are_logged_in_anew(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path, "linear", member(TWO), member(ONE))
    await office.provisioning(office.file).push()
    assert office.pbx.interfaces("sales") == [ONE, TWO]
    office.pbx.diary.clear()
    await office.provisioning(office.file).push()
    assert office.pbx.diary == ["reload"]


async def test_given_another_instance_may_hold_the_pbx_then_no_queue_is_changed(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path)
    may_act = [False]
    provisioning = QueueProvisioning(
        office.directory, office.agents, office.pbx, office.file, lambda: may_act[0]
    )
    await provisioning.push()
    assert office.pbx.diary == []
    assert "another instance" in provisioning.problem
    may_act[0] = True
    await provisioning.push()
    assert office.pbx.diary != []
    assert provisioning.problem == ""
    provisioning.stop()
