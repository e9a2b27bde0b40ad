"""Callback and ConferenceInvite where the dialplan is the office's own."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.eventually import eventually

from .acting import views
from .at_an_office import At

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST, SECOND = "3235550200", "3235742879"  # the office's second carrier has the second
MEMBERS = "/uapi/extensions/@me/0003*500/conference/members"


async def members(at: At) -> list[Any]:
    answer = await at.api.request("GET", MEMBERS)
    assert answer.status == 200, answer.text
    return list(answer.json["entry"])


async def test_given_two_public_numbers_when_called_back_then_they_talk_by_the_offices_carriers(
    at: At,
) -> None:
    view = {"source": [FIRST], "destination": [SECOND]}
    body = {"extension": "0003*650", "phoneCallView": [view]}
    answer = await at.api.request("POST", "/uapi/phoneCalls/@me/callback", body=body)
    assert answer.status == 202, answer.text
    [created] = answer.json
    call = await at.api.wait_call(created["id"], lambda x: set(views(x, "status")) == {5})
    assert call["extension"] == "0003*650"
    assert [x["id"] for x in await at.api.calls("0003*650")] == [created["id"]]
    assert (call["phoneCallView"][0]["source"], call["phoneCallView"][0]["destination"]) == (
        [FIRST],
        [SECOND],
    )
    await at.api.hang_up("0003*650", created["id"])
    await at.ends(created, "api")


@pytest.mark.parametrize(
    ("query", "number"),
    [("", ""), ("?number=1234&pin=9876", "1234")],
    ids=["own room", "by number"],
)
async def test_given_two_phones_when_invited_then_both_are_members_and_one_is_taken_out(
    at: At, query: str, number: str
) -> None:
    body = {"extension": "0003*500", "phoneCallView": [{"destination": ["0003*210", "0003*211"]}]}
    for phone in ("210", "211"):
        at.phone(phone).answers_after_s = 0.05
    path = f"/uapi/phoneCalls/@me/conferenceInvite{query}"
    answer = await at.api.request("POST", path, body=body)
    assert answer.status == 202, answer.text
    first, second = answer.json

    async def both() -> list[Any]:
        found = await members(at)
        return found if {x["party"] for x in found} == {"0003*210", "0003*211"} else []

    listed = await eventually(both, 10)
    assert {x["phoneCallId"] for x in listed} == {first["id"], second["id"]}
    assert {x.get("number", "") for x in listed} == {number}
    muted = await at.api.request("PUT", f"{MEMBERS}/{first['id']}", body={"muted": 1})
    assert (muted.status, muted.json["muted"]) == (200, 1), muted.text
    out = await at.api.request("DELETE", f"{MEMBERS}/{first['id']}")
    assert out.status == 200, out.text
    await at.ends(first, "api", "210")
    await at.phone("211").calls[-1].hang_up()
    await at.ends(second, "source", "211")
