"""Each container is lost or stopped in the middle of a call, and everything recovers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import wait_no_calls, wait_statuses
from tests.pbx.serving.test_stop import HalfRequest, refuses_connections

from .compose_system import ComposeSystem, json_lines
from .container_lab import ContainerLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RESTART_S = 60.0


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def all_up(
    compose_system: ComposeSystem, lab: ContainerLab, api: ApiClient
) -> AsyncIterator[None]:
    yield
    await asyncio.to_thread(compose_system.compose, "start")
    await lab.bridge.wait_ready(_RESTART_S)
    await api.hang_up()
    await wait_no_calls(api)


async def crash(system: ComposeSystem, service: str) -> None:
    """Every process but the init is killed; Docker starts the container again by itself."""
    before = system.inspect(service)["State"]["StartedAt"]
    await asyncio.to_thread(system.exec, service, "sh", "-c", "kill -9 -1", check=False)
    await eventually(
        lambda: system.inspect(service)["State"]["StartedAt"] != before, timeout=_RESTART_S
    )


async def talking(api: ApiClient, alice: Softphone, bob: Softphone) -> str:
    call_id: str = await api.place(["210"], ["211"])
    await wait_statuses(api, call_id, 5, 5)
    await alice.wait_tone(1000)
    await bob.wait_tone(440)
    return call_id


async def test_given_a_call_when_the_service_crashes_then_it_goes_on_and_can_be_ended(
    lab: ContainerLab, compose_system: ComposeSystem, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        call_id = await talking(api, alice, bob)

        await crash(compose_system, "bridge")
        await lab.bridge.wait_ready(_RESTART_S)

        await alice.wait_tone(1000)
        await bob.wait_tone(440)
        await wait_statuses(api, call_id, 5, 5)
        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        await alice.wait_closed()
        await bob.wait_closed()
    assert (await api.wait_ended(call_id))["disposition"] == 0


async def test_given_a_reload_when_the_service_crashes_then_docker_starts_it_again(
    lab: ContainerLab, compose_system: ComposeSystem
) -> None:
    lab.bridge.reload()
    await eventually(lambda: "directory_reloaded" in lab.bridge.log_text(), timeout=_RESTART_S)

    await crash(compose_system, "bridge")

    await lab.bridge.wait_ready(_RESTART_S)


async def test_given_a_call_and_a_request_when_the_service_is_stopped_then_both_are_finished_well(
    lab: ContainerLab, compose_system: ComposeSystem, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        call_id = await talking(api, alice, bob)
        request = await HalfRequest.begin(lab.bridge.base_url, str(api.token))

        stopping = asyncio.create_task(lab.bridge.stop())
        await refuses_connections(lab.bridge.base_url)
        placed = await request.finish()
        await stopping  # with exit code 0

        await alice.wait_tone(1000)
        await bob.wait_tone(440)
        await lab.bridge.start()
        await wait_statuses(api, call_id, 5, 5)
        await wait_statuses(api, placed, 5, 5)
        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        await alice.wait_closed()
        await bob.wait_closed()


async def test_given_a_call_when_asterisk_crashes_then_it_is_recorded_and_new_calls_work(
    lab: ContainerLab, compose_system: ComposeSystem, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        call_id = await talking(api, alice, bob)

        await crash(compose_system, "asterisk")

        record = await api.wait_ended(call_id, _RESTART_S)
        assert record["reason"] == "lost while disconnected"
    await lab.bridge.wait_ready(_RESTART_S)
    async with lab.phone("0003*212", answer="auto") as carol:
        call_id = await api.place(["212"], ["3235550202"])
        await wait_statuses(api, call_id, 5, 5)
        await carol.wait_tone(1000)
        await api.hang_up("212", call_id)


async def test_given_a_call_when_asterisk_is_restarted_then_the_service_links_again(
    lab: ContainerLab, compose_system: ComposeSystem, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"):
        call_id = await api.place(["210"], ["3235550202"])
        await wait_statuses(api, call_id, 5, 5)

        await asyncio.to_thread(compose_system.compose, "restart", "asterisk")

        assert (await api.wait_ended(call_id, _RESTART_S))["disposition"] == 0
    await lab.bridge.wait_ready(_RESTART_S)
    assert any(x["event"] == "ami_link_down" for x in json_lines(lab.bridge.log_text()))
    async with lab.phone("0003*210", answer="auto") as alice:
        call_id = await api.place(["210"], ["3235550202"])
        await alice.wait_tone(1000)


async def test_given_a_public_call_when_the_public_network_is_restarted_then_the_next_one_works(
    lab: ContainerLab, compose_system: ComposeSystem, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto") as alice:
        call_id = await api.place(["210"], ["3235550202"])
        await alice.wait_tone(1000)

        await asyncio.to_thread(compose_system.compose, "restart", "public-network")
        await asyncio.to_thread(compose_system.wait_healthy, "public-network")

        await api.hang_up("210", call_id)
        assert (await api.wait_ended(call_id))["disposition"] == 0
        call_id = await api.place(["210"], ["3235550202"])
        await wait_statuses(api, call_id, 5, 5)
        await alice.wait_tone(1000)
