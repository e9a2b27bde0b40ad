"""A call that is not answered goes to the mailbox, and nobody has answered it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refuses, rings
from tests.pbx.calls.live_calls import statuses, wait_no_calls, wait_only_call

pytestmark = pytest.mark.asyncio(loop_scope="session")

NO_ANSWER, BUSY = 3, 1
BEHAVIOURS = pytest.mark.parametrize(
    ("behaviour", "disposition"),
    [(refuses(486, "Busy Here"), BUSY), (rings(), NO_ANSWER), (None, NO_ANSWER)],
    ids=["busy", "no answer", "not registered"],
)


async def phone_that(lab: RunningLab, behaviour: Any, stack: AsyncExitStack) -> None:
    if behaviour is not None:
        await stack.enter_async_context(lab.scripted("0003*213", behaviour))


def end_of(call: Any) -> dict[str, Any]:
    return {x: call.get(x) for x in ("disposition", "takenBy", "reason", "answered")}


@BEHAVIOURS
async def test_given_a_phone_that_does_not_answer_when_a_phone_dials_it_then_voicemail_takes_it(
    lab: RunningLab, api: ApiClient, behaviour: Any, disposition: int
) -> None:
    async with AsyncExitStack() as stack:
        await phone_that(lab, behaviour, stack)
        caller = await stack.enter_async_context(lab.phone("0003*210"))
        await caller.wait_established(call=await caller.dial("213"), timeout_s=20)
        live = await wait_only_call(api, "210", lambda x: statuses(x) == [5])
        assert (live["takenBy"], "answered" in live) == ("voicemail", False)
        await caller.hangup()
        await wait_no_calls(api)
        assert end_of(await api.wait_ended(live["id"])) == {
            "disposition": disposition,
            "takenBy": "voicemail",
            "reason": "taken by the PBX",
            "answered": None,
        }


@BEHAVIOURS
async def test_given_a_phone_that_does_not_answer_when_an_app_calls_it_then_delete_ends_voicemail(
    lab: RunningLab, api: ApiClient, behaviour: Any, disposition: int
) -> None:
    async with AsyncExitStack() as stack:
        await phone_that(lab, behaviour, stack)
        caller = await stack.enter_async_context(lab.phone("0003*210", answer="auto"))
        call_id = await api.place(["210"], ["213"], extension="210")
        await wait_only_call(api, "210", lambda x: x.get("takenBy") == "voicemail")
        await api.hang_up("210", call_id)
        ended = await api.wait_ended(call_id)
        assert end_of(ended) == {
            "disposition": disposition,
            "takenBy": "voicemail",
            "reason": "taken by the PBX",
            "answered": None,
        }
        await caller.wait_closed()


async def test_given_voicemail_when_the_call_is_as_long_as_it_may_be_then_it_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto") as caller:
        call_id = await api.place(["210"], ["213"], extension="210", callDuration="1")
        ended = await api.wait_ended(call_id, time_limit_s=30)
        assert (ended["endedBy"], ended["takenBy"]) == ("duration limit", "voicemail")
        await caller.wait_closed()


async def test_given_a_caller_from_outside_when_nobody_answers_then_voicemail_takes_the_call(
    lab: RunningLab, api: ApiClient
) -> None:
    await lab.asterisk.call_in("5550003213")
    live = await wait_only_call(api, "213", lambda x: x.get("takenBy") == "voicemail")
    assert "answered" not in live
    await api.hang_up("213", live["id"])
    assert (await api.wait_ended(live["id"]))["disposition"] == NO_ANSWER


async def test_given_an_extension_without_voicemail_when_not_answered_then_the_call_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"):
        call_id = await api.place(["210"], ["214"], extension="210")
        ended = await api.wait_ended(call_id)
        assert "takenBy" not in ended


async def test_given_several_destinations_when_nobody_answers_then_there_is_no_mailbox(
    lab: RunningLab, api: ApiClient
) -> None:
    busy = refuses(486, "Busy Here")
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.scripted("0003*211", busy),
        lab.scripted("0003*213", busy),
    ):
        call_id = await api.place(["210"], ["211", "213"], extension="210")
        assert "takenBy" not in await api.wait_ended(call_id)
