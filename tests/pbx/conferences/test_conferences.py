"""Create ConferenceInvite, and the members of a conference: heard, muted, taken out."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOC = (Path(__file__).parents[3] / "docs" / "conferences.md").read_text()
MEMBERS = "/uapi/extensions/@me/0003*500/conference/members"
RINGS_FOR_EVER = "3235550180"


async def invite(
    api: ApiClient, *invited: str, query: str = "number=1234&pin=9876", **headers: str
) -> Answer:
    view = {"source": ["0003*500"], "destination": list(invited), "callerId": "Conf <4242425>"}
    body = {"extension": "0003*500", "phoneCallView": [view], "nonce": "n-1"}
    path = f"/uapi/phoneCalls/@me/conferenceInvite/?waitForPickup=20&{query}"
    return await api.request("POST", path, body=body, headers=headers)


async def members(api: ApiClient, **query: str) -> list[Any]:
    answer = await api.request("GET", MEMBERS, params=query)
    assert answer.status == 200, answer.text
    return list(answer.json["entry"])


async def wait_members(api: ApiClient, *parties: str) -> list[Any]:
    async def there() -> list[Any]:
        by_party = {x["party"]: x for x in await members(api)}
        return [by_party[x] for x in parties] if by_party.keys() == set(parties) else []

    return await eventually(there, 10)


async def muted_views(api: ApiClient, call_id: str) -> dict[str, Any]:
    """`muted` of each view, by its extension."""
    [call] = [x for x in await api.calls("0003*500") if x["id"] == call_id]
    return {x["extension"]: x.get("muted") for x in call["phoneCallView"]}


async def is_muted(api: ApiClient, call_id: str) -> bool:
    return 1 in (await muted_views(api, call_id)).values()


async def wait_silent(phone: Softphone, freq_hz: int) -> None:
    """Until the phone has heard nothing of the tone for a second."""

    async def silent() -> bool:
        return await asyncio.to_thread(phone.tone_heard, freq_hz, last_s=1.0) < -40

    await eventually(silent, 10)


async def test_given_two_phones_when_invited_then_they_talk_and_are_muted_and_taken_out(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", tone_hz=440) as alice,
        lab.phone("0003*211", tone_hz=1000) as bob,
    ):
        answer = await invite(api, "210", "0003*211")
        assert answer.status == 202, answer.text
        first, second = (x["id"] for x in answer.json)
        assert [x["extension"] for x in answer.json] == ["0003*500", "0003*500"]
        shown = await alice.wait_ringing()
        assert (shown.caller_name, shown.caller_number) == ("Conf", "4242425")
        await bob.wait_ringing()
        assert await members(api) == []
        await alice.accept()
        await wait_members(api, "0003*210")
        await bob.accept()
        await wait_statuses(api, first, 5, 5)
        await wait_statuses(api, second, 5, 5)
        await alice.wait_tone(1000)
        await bob.wait_tone(440)

        assert len(await members(api, number="1234")) == 2
        listed = await wait_members(api, "0003*210", "0003*211")
        assert [(x["phoneCallId"], x["party"], x["number"], x["muted"]) for x in listed] == [
            (first, "0003*210", "1234", 0),
            (second, "0003*211", "1234", 0),
        ]
        assert await members(api, number="1235") == []
        assert {x["id"] for x in await api.calls("0003*500")} == {first, second}

        one = listed[1]["links"]["self"]
        muted = await api.request("PUT", one, body={"muted": "1"})
        assert (muted.status, muted.json["muted"]) == (200, 1)
        await wait_silent(alice, 1000)
        await bob.wait_tone(440)
        assert await muted_views(api, second) == {"0003*211": 1, "0003*500": None}
        assert await muted_views(api, first) == {"0003*210": None, "0003*500": None}
        await lab.bridge.kill()
        await lab.bridge.start()
        await eventually(lambda: is_muted(api, second), 10)
        again = await api.request("PUT", one, body={"muted": False})
        assert (again.status, again.json["muted"]) == (200, 0)
        await alice.wait_tone(1000)
        assert set((await muted_views(api, second)).values()) == {None}

        kicked = await api.request("DELETE", one)
        assert (kicked.status, kicked.json) == (200, [{"phoneCallId": second}])
        await bob.wait_closed()
        record = await api.wait_ended(second)
        assert (record["disposition"], record["endedBy"]) == (0, "api")
        await wait_members(api, "0003*210")
        gone = await api.request("DELETE", one)
        assert (gone.status, gone.code) == (409, "pc_action_failed")
        await alice.hangup()
        record = await api.wait_ended(first)
        assert record["endedBy"] == "source"


async def test_given_a_phone_in_the_room_of_the_extension_when_a_number_is_invited_then_it_joins(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", tone_hz=440) as alice:
        await alice.dial("500")
        await alice.wait_established()
        await wait_members(api, "0003*210")
        answer = await invite(api, "5354353", query="callDuration=60")
        assert answer.status == 202, answer.text
        [created] = answer.json
        listed = await wait_members(api, "0003*210", "5354353")
        assert all("number" not in x for x in listed)
        for member in listed:
            await api.request("DELETE", member["links"]["self"])
        await alice.wait_closed()
        await api.wait_ended(created["id"])


async def test_given_a_key_when_invited_again_then_nobody_is_called_again(
    lab: RunningLab, api: ApiClient
) -> None:
    key = {"Idempotency-Key": "conference-1"}
    first = await invite(api, RINGS_FOR_EVER, RINGS_FOR_EVER, "5354353", **key)
    assert (first.status, len(first.json)) == (202, 2)
    again = await invite(api, RINGS_FOR_EVER, RINGS_FOR_EVER, "5354353", **key)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {x["id"] for x in await api.calls("0003*500")} <= {x["id"] for x in first.json}


async def test_the_examples_of_the_page(api: ApiClient) -> None:
    requests = re.findall(r"^    (GET|POST|PUT|DELETE) (/\S+)(?:\n    (\{.*\}))?$", DOC, re.M)
    assert [x[0] for x in requests] == ["POST", "GET", "PUT", "DELETE"]
    [(_, path, body), *others] = requests
    answer = await api.request("POST", path, body=json.loads(body))
    assert answer.status == 202, answer.text
    await wait_members(api, "5354353", "3235550201")
    for (method, path, body), created in zip(others, (None, *answer.json), strict=True):
        path = path if created is None else path.replace("c3e92a04ff422a7a0b9f", created["id"])
        sent = await api.request(method, path, body=json.loads(body) if body else None)
        assert sent.status == 200, (method, path, sent.text)
