"""Phones that lose power: their calls end with a reason of their own, and nobody rings them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .live_calls import statuses, wait_no_calls, wait_only_call

pytestmark = pytest.mark.asyncio(loop_scope="session")

RTP_TIMEOUT_S, QUALIFY_S = 3, 2
SILENT, PLAYS_A_TONE = "3235550200", "3235550202"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def impatient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    settings = {
        "phone_rtp_timeout_s": str(RTP_TIMEOUT_S),
        "phone_qualify_frequency_s": str(QUALIFY_S),
    }
    lab = await open_lab(tmp_path_factory.mktemp("vanished"), settings)
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(loop_scope="session")
async def api(impatient: RunningLab) -> AsyncIterator[ApiClient]:
    async with impatient.client() as client:
        yield client
        await client.leave_no_call()


async def talking(api: ApiClient, source: str, destination: str) -> str:
    call_id = await api.place([source], [destination], extension=source)
    await api.wait_call(call_id, lambda call: statuses(call) == [5, 5])
    return call_id


async def assert_ended_by_silence(lab: RunningLab, api: ApiClient, call_id: str) -> None:
    """Within the time-out and what Asterisk's clock, of whole seconds, adds to it."""
    ended: Any = await api.wait_ended(call_id, 3 * RTP_TIMEOUT_S)
    assert (ended["endedBy"], ended["reason"]) == ("pbx", "media timeout")
    assert (ended["disposition"], ended["hangupCause"]) == (0, 44)
    assert "0 active channels" in await lab.asterisk.pbx.console("core show channels count")


@pytest.mark.parametrize("who", ["destination", "source", "both"])
async def test_given_a_phone_loses_power_in_a_call_then_the_call_ends_and_says_why(
    impatient: RunningLab, api: ApiClient, who: str
) -> None:
    async with (
        impatient.phone("0003*210", answer="auto") as source,
        impatient.phone("0003*211", answer="auto") as destination,
    ):
        call_id = await talking(api, "210", "211")
        if who != "source":
            await destination.kill()
        if who != "destination":
            await source.kill()

        await assert_ended_by_silence(impatient, api, call_id)
        if who == "destination":
            assert (await source.wait_closed()).close_reason == "BYE received"
        if who == "source":
            assert (await destination.wait_closed()).close_reason == "BYE received"


@pytest.mark.parametrize("number", ["0003*00", PLAYS_A_TONE])
async def test_given_a_phone_that_dialled_loses_power_then_its_call_ends_and_says_why(
    impatient: RunningLab, api: ApiClient, number: str
) -> None:
    async with impatient.phone("0003*212") as phone:
        await phone.dial(number)
        call = await wait_only_call(api, "212", lambda call: statuses(call)[0] == 5)
        await phone.kill()

        await assert_ended_by_silence(impatient, api, call["id"])


async def test_given_talk_silence_and_hold_when_they_last_then_the_call_goes_on(
    impatient: RunningLab, api: ApiClient
) -> None:
    async with (
        impatient.phone("0003*210", answer="auto") as source,
        impatient.phone("0003*211", answer="auto") as destination,
        impatient.phone("0003*212") as caller,
    ):
        call_id = await talking(api, "210", "211")
        await caller.dial(SILENT)
        silent = await wait_only_call(api, "212", lambda call: statuses(call)[0] == 5)

        await asyncio.sleep(2 * RTP_TIMEOUT_S)  # Asterisk counts by its own clock
        assert statuses(await api.call(call_id)) == [5, 5]
        await source.hold()
        await asyncio.sleep(2 * RTP_TIMEOUT_S)  # Asterisk counts by its own clock
        assert statuses(await api.call(call_id)) == [5, 5]
        await source.resume()
        await destination.hold()
        await asyncio.sleep(2 * RTP_TIMEOUT_S)  # Asterisk counts by its own clock
        assert statuses(await api.call(call_id)) == [5, 5]
        await destination.resume()
        assert statuses(await api.call(call_id)) == [5, 5]

        # The number that is silent as a carrier is: with comfort noise.
        assert (await api.call(silent["id"]))["id"] == silent["id"]


async def test_given_a_phone_on_hold_loses_power_then_the_call_outlives_the_time_limit_of_talk(
    impatient: RunningLab, api: ApiClient
) -> None:
    async with (
        impatient.phone("0003*210", answer="auto"),
        impatient.phone("0003*211", answer="auto") as holder,
    ):
        call_id = await talking(api, "210", "211")
        await holder.hold()
        await holder.kill()
        await asyncio.sleep(2 * RTP_TIMEOUT_S)  # Asterisk counts by its own clock
        # As with a phone that sends nothing on hold: nobody can tell one from the other.
        assert (await api.call(call_id))["id"] == call_id


async def test_given_a_registered_phone_loses_power_then_it_is_refused_as_a_source_until_it_is_back(
    impatient: RunningLab, api: ApiClient
) -> None:
    phone: Softphone = impatient.phone("0003*213", answer="auto")
    await phone.start()
    await asyncio.sleep(3 * QUALIFY_S)  # it is asked again, and stays reachable
    await api.hang_up("213", await api.place(["213"], ["0003*00"], extension="213"))
    await wait_no_calls(api, "213")
    await phone.kill()

    async def refused() -> Answer | None:
        answer = await api.create(["213"], ["0003*00"], extension="213")
        if answer.status == 400:
            return answer
        await api.hang_up("213")
        return None

    answer = await eventually(refused, timeout=30)
    assert answer.code == "pc_source_invalid"

    async with impatient.phone("0003*213", answer="auto"):
        # It may be on the port of before: the OPTIONS that Asterisk sent there last then still
        # runs into its time limit, and makes the phone unavailable once more.
        async def is_called() -> bool:
            answer = await api.create(["213"], ["0003*00"], extension="213")
            if answer.status == 400:
                return False
            try:
                await api.wait_status(answer.json[0]["id"], 5, time_limit_s=3)
            except AssertionError:
                return False
            return True

        await eventually(is_called, timeout=30)


async def test_given_asterisk_restarts_when_it_is_back_then_registered_phones_are_soon_reachable(
    impatient: RunningLab, api: ApiClient
) -> None:
    async with impatient.phone("0003*220", answer="auto"):
        await impatient.asterisk.stop()
        await impatient.asterisk.start()
        await impatient.bridge.wait_ready()

        async def accepted() -> bool:
            answer = await api.create(["0003*220"], ["0003*00"], extension="210")
            return answer.status == 202

        await eventually(accepted, timeout=10)
