"""What becomes of an action whose phone does not answer, or whose call ends before it does."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.actions.listening import ALICE_HZ, act, talk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _listener(api: ApiClient, talk_id: str) -> str:
    """The id of the call to 212, once that rings."""

    async def ringing() -> str | None:
        for call in await api.calls("212"):
            if call["id"] != talk_id and call["phoneCallView"][0]["status"] == 3:
                return str(call["id"])
        return None

    return await eventually(ringing, 10)


async def test_given_a_phone_that_does_not_answer_then_the_action_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, boss="manual") as call:
        answer = await act(api, call.call_id, "Monitor", waitForPickup=1)
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "212 did not answer within 1 s" in answer.message
        await call.boss.wait_closed()
        [record] = await api.calls("212", ended="true", sortOrder="descending", count="1")
        assert (record["disposition"], record["reason"]) == (3, "no answer")
        await api.wait_status(call.call_id, 5)


async def test_given_a_busy_phone_then_the_action_says_so(lab: RunningLab, api: ApiClient) -> None:
    async with talk(lab, api, boss="reject_busy") as call:
        answer = await act(api, call.call_id, "BargeIn")
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "212 is busy" in answer.message


async def test_given_no_registered_phone_then_the_action_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        answer = await act(api, call.call_id, "Whisper", sendCallTo="213", callerId=None)
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "213" in answer.message
        assert await api.calls("213") == []


async def test_given_a_ringing_phone_when_the_call_ends_then_it_stops_and_the_action_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, boss="manual") as call:
        asked = asyncio.create_task(act(api, call.call_id, "Monitor"))
        listener = await _listener(api, call.call_id)
        await call.boss.wait_ringing()

        await call.alice.hangup()

        answer = await asked
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "the call listened to has ended" in answer.message
        await call.boss.wait_closed()
        record = await api.wait_ended(listener)
        assert (record["disposition"], record["endedBy"]) == (3, "other call")


async def test_given_a_ringing_phone_when_its_own_call_is_deleted_then_the_action_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, boss="manual") as call:
        asked = asyncio.create_task(act(api, call.call_id, "Monitor"))
        listener = await _listener(api, call.call_id)
        await api.hang_up("212", listener)
        answer = await asked
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "was hung up" in answer.message
        await api.wait_status(call.call_id, 5)


async def test_given_a_request_that_is_repeated_while_the_phone_rings_then_it_rings_once(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, boss="manual") as call:
        first = asyncio.create_task(act(api, call.call_id, "Monitor"))
        listener = await _listener(api, call.call_id)
        second = asyncio.create_task(act(api, call.call_id, "Monitor"))
        await call.boss.accept()
        answers = [await first, await second]
        assert [x.json["id"] for x in answers] == [listener, listener]
        assert len(call.boss.log.dialogs) == 1


async def test_given_a_service_that_restarts_while_the_phone_rings_then_it_listens_all_the_same(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, boss="manual") as call:
        asked = asyncio.create_task(act(api, call.call_id, "Monitor"))
        listener = await _listener(api, call.call_id)
        await lab.bridge.kill()
        with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone
            await asked
        await call.boss.accept()
        await call.boss.wait_tone(ALICE_HZ)
        await lab.bridge.start()
        live = await api.wait_status(listener, 5)
        assert live["actsOn"]["phoneCallId"] == call.call_id
        await call.alice.hangup()
        await call.boss.wait_closed()
        await api.wait_ended(listener)


async def test_given_a_service_that_is_away_when_the_call_ends_then_the_ring_ends_later(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, boss="manual") as call:
        asked = asyncio.create_task(act(api, call.call_id, "Monitor", waitForPickup=60))
        listener = await _listener(api, call.call_id)
        await lab.bridge.kill()
        with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone
            await asked
        await call.alice.hangup()
        await call.bob.wait_closed()
        await lab.bridge.start()
        await call.boss.wait_closed()
        record = await api.wait_ended(listener)
        assert record["endedBy"] == "other call"


async def test_given_a_phone_that_answers_when_the_call_is_gone_then_it_hears_nobody(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, boss="manual") as call:
        asked = asyncio.create_task(act(api, call.call_id, "Monitor", waitForPickup=60))
        listener = await _listener(api, call.call_id)
        await lab.bridge.kill()
        with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone
            await asked
        await call.alice.hangup()
        await call.bob.wait_closed()
        await call.boss.accept()
        await call.boss.wait_closed()
        await lab.bridge.start()
        await api.wait_ended(listener)
