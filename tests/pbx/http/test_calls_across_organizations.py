"""One call, seen by the apps of all who take part: it belongs to the one that pays for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bridge.testing.lab.running_lab import RunningLab

from .refusals import RINGS_FOR_EVER

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def seen(lab: RunningLab, client_id: str, user: str, extension: str) -> Mapping[str, Any]:
    async with lab.client(client_id) as client:
        answer = await client.request("GET", f"/uapi/phoneCalls/{user}/{extension}")
    [call] = answer.json["entry"]
    assert isinstance(call, dict)
    return call


async def test_given_a_call_into_another_organization_when_listed_then_each_sees_its_own_spelling(
    lab: RunningLab,
) -> None:
    async with lab.client("administrator") as administrator:
        placed = await administrator.create(
            [RINGS_FOR_EVER],
            ["0004*210"],
            user="12",
            extension="0003*210",
            body={"nonce": "mine"},
        )
        assert placed.status == 202, placed.text
        try:
            mine = await seen(lab, "user-12", "@me", "210")
            theirs = await seen(lab, "organization-0004", "21", "@self")
            operator = await seen(lab, "administrator", "21", "@self")
        finally:
            await administrator.request("DELETE", "/uapi/phoneCalls/12/@self")
            async with lab.client() as alice:
                await alice.leave_no_call()
    for call in (mine, theirs, operator):
        assert (call["ownerId"], call["ownerName"]) == ("3", "Default Organization")
        assert call["phoneCallView"][0]["destination"] == ["0004*210"]
    assert (mine["extension"], mine["nonce"]) == ("210", "mine")
    assert (theirs["extension"], operator["extension"]) == ("0003*210", "0003*210")
    assert "nonce" not in theirs


async def test_given_short_numbers_when_others_than_their_organization_list_then_they_are_extended(
    lab: RunningLab,
) -> None:
    async with lab.client() as alice:
        await alice.place([RINGS_FOR_EVER, "300"], ["400"], extension="210")
        try:
            mine = await seen(lab, "user-12", "@me", "@self")
            colleague = await seen(lab, "organization-0003", "12", "@self")
            operator = await seen(lab, "administrator", "12", "@self")
        finally:
            await alice.leave_no_call()
    for call in (mine, colleague):
        assert call["extension"] == "210"
        assert call["phoneCallView"][0]["destination"] == ["400"]
    assert operator["extension"] == "0003*210"
    assert operator["phoneCallView"][0]["destination"] == ["0003*400"]
    assert "0003*300" in operator["phoneCallView"][0]["source"]
