"""A talk with an agent of a queue: actions do the same whether an app or a phone has begun it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call

from .acting import MUSIC_HZ, act, acted, hear_each_other, views

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLER_HZ, AGENT_HZ, OTHER_HZ = 440, 620, 850
QUEUE = "0003*300"


@dataclass
class Talk:
    """212 has come to the queue, and 211 has answered. `other`: a phone that is free."""

    call: Any
    caller_view: str
    agent_view: str
    caller: Softphone
    agent: Softphone
    other: Softphone

    async def hear_each_other(self) -> None:
        await hear_each_other(self.caller, CALLER_HZ, self.agent, AGENT_HZ)


@asynccontextmanager
async def queue_talk(lab: RunningLab, api: ApiClient, begun_by: str) -> AsyncIterator[Talk]:
    async with (
        lab.phone("0003*212", answer="auto", tone_hz=CALLER_HZ) as caller,
        lab.phone("0003*211", answer="auto", tone_hz=AGENT_HZ) as agent,
    ):
        if begun_by == "api":
            await api.place(["212"], [QUEUE], extension="212")
        elif begun_by == "transfer":
            async with lab.phone("0003*220", answer="auto"):
                call_id = await api.place(["220"], ["212"], extension="212")
                await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
                body = {"extension": "@self", "transferNumber": "212", "sendCallTo": QUEUE}
                await acted(api, call_id, "Transfer", **body)
        else:
            await caller.dial(QUEUE)

        def talks(call: Any) -> bool:
            return ("0003*211", 5) in [
                (x.get("extension"), x["status"]) for x in call["phoneCallView"]
            ]

        call = await wait_only_call(api, "0003*211", talks)
        [caller_view] = [x["id"] for x in call["phoneCallView"] if x["extension"] == "0003*212"]
        [agent_view] = [x["id"] for x in call["phoneCallView"] if x["extension"] == "0003*211"]
        # It registers now: an agent that is free would ring, too.
        async with lab.phone("0003*213", answer="auto", tone_hz=OTHER_HZ) as other:
            talk = Talk(call, caller_view, agent_view, caller, agent, other)
            await talk.hear_each_other()
            yield talk
            await api.leave_no_call()
        await wait_no_calls(api, "@self")


@pytest.mark.parametrize("begun_by", ["api", "phone"])
async def test_given_an_agent_that_has_answered_when_acted_on_then_each_action_is_done(
    lab: RunningLab, api: ApiClient, begun_by: str
) -> None:
    async with queue_talk(lab, api, begun_by) as talk:
        call_id, agent = talk.call["id"], talk.agent_view
        for view, held in ((agent, talk.caller), ("00", talk.agent)):
            body = {"extension": "@self", "phoneCallViewId": view}
            on_hold = await acted(api, call_id, "OnHold", **body)
            holders = {x["id"]: x.get("holder") for x in on_hold["phoneCallView"]}
            assert (holders["00"], holders[agent]) == ((1, 0) if view == "00" else (0, 1))
            await held.wait_tone(MUSIC_HZ)
            resumed = await acted(api, call_id, "OffHold", **body)
            assert set(views(resumed, "onHold")) == {None}
            await talk.hear_each_other()
            for action in ("StartRecording", "StopRecording"):
                await acted(api, call_id, action, **body)
            await acted(api, call_id, "SendDTMF", digits="1", **body)
            listener = await acted(api, call_id, "Monitor", sendCallTo="0003*213", **body)
            await api.hang_up("@self", listener["id"])
            await api.wait_ended(listener["id"])

        moved = await acted(
            api,
            call_id,
            "Transfer",
            extension="@self",
            transferNumber="0003*212",
            sendCallTo="0003*213",
        )

        assert views(moved, "status") == [5, 5]
        await hear_each_other(talk.caller, CALLER_HZ, talk.other, OTHER_HZ)
        await talk.agent.wait_closed()
        await talk.other.hangup()
        ended = await api.wait_ended(call_id)
        assert (ended["endedBy"], ended["disposition"]) == ("destination", 0)


@pytest.mark.parametrize("parker", ["agent", "caller"])
@pytest.mark.parametrize("begun_by", ["api", "phone", "transfer"])
async def test_given_an_agent_that_has_answered_when_one_parks_the_other_then_it_is_fetched(
    lab: RunningLab, api: ApiClient, begun_by: str, parker: str
) -> None:
    async with queue_talk(lab, api, begun_by) as talk:
        call_id = talk.call["id"]
        view = talk.agent_view if parker == "agent" else talk.caller_view
        parked = await act(api, call_id, "Park", extension="@self", phoneCallViewId=view)
        assert parked.status == 200, parked.text
        waits, hz = (talk.caller, CALLER_HZ) if parker == "agent" else (talk.agent, AGENT_HZ)
        [[seen]] = [x["phoneCallView"] for x in parked.json]
        assert seen["id"] == (talk.caller_view if parker == "agent" else talk.agent_view)
        await waits.wait_tone(MUSIC_HZ)
        await acted(api, call_id, "UnPark", extension="@self", sendCallTo="0003*213")
        await hear_each_other(waits, hz, talk.other, OTHER_HZ)
        await waits.hangup()
        assert (await api.wait_ended(call_id))["disposition"] == 0


async def test_given_an_api_call_to_a_queue_when_its_own_view_is_named_then_it_holds_nobody(
    lab: RunningLab, api: ApiClient
) -> None:
    async with queue_talk(lab, api, "api") as talk:
        body = {"extension": "@self", "phoneCallViewId": "01"}
        for action in ("OnHold", "Park"):
            refused = await act(api, talk.call["id"], action, **body)
            assert (refused.status, refused.code) == (409, "pc_action_failed")
            assert f"{QUEUE} is no phone" in refused.message
        await talk.hear_each_other()
