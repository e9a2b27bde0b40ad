"""Which calls a DELETE means: by id, extension, @self, phoneNumber; and those it must not touch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import answers, rings
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call, wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(lab: RunningLab) -> AsyncIterator[None]:
    async with lab.scripted("0003*210", answers()), lab.scripted("0003*211", answers()):
        yield


async def test_given_calls_of_two_extensions_when_one_extension_is_deleted_then_the_other_stays(
    api: ApiClient, phones: None
) -> None:
    one = await api.place(["210"], ["3235550201"])
    two = await api.place(["210"], ["0003*00"])
    other = await api.place(["211"], ["3235550201"])
    for call_id in (one, two, other):
        await wait_statuses(api, call_id, 5, 5)

    ended = await api.hang_up("0003*210")

    assert ended.status == 200
    assert {x["id"] for x in ended.json} == {one, two}
    await api.wait_ended(one)
    await api.wait_ended(two)
    assert [x["id"] for x in await api.calls()] == [other]
    assert (await api.hang_up("210")).status == 204


async def test_given_calls_of_several_extensions_when_self_is_deleted_then_all_of_user_end(
    lab: RunningLab, api: ApiClient, phones: None
) -> None:
    async with lab.scripted("0003*220", rings()) as bob, lab.client("user-13") as of_bob:
        mine = [await api.place([x], ["3235550201"]) for x in ("210", "211")]
        his = (await of_bob.create(["220"], ["3235550201"])).json[0]["id"]
        await bob.wait_ringing()

        ended = await api.hang_up()

        assert {x["id"] for x in ended.json} == set(mine)
        await wait_no_calls(api)
        assert [x["id"] for x in await of_bob.calls()] == [his]
        assert (await api.hang_up()).status == 204
        assert (await of_bob.hang_up("220", his)).json == [{"id": his}]
        await bob.wait_closed()


@pytest.mark.parametrize(
    ("destination", "number"),
    [
        ("3235550201", "3235550201"),
        ("3235550201", "%2B3235550201"),
        ("3235550201", "+3235550201"),
        ("+3235550201", "3235550201"),
        ("211", "211"),
        ("0003*211", "211"),
    ],
)
async def test_given_number_of_a_party_when_deleted_by_it_then_only_that_call_ends(
    api: ApiClient, phones: None, destination: str, number: str
) -> None:
    other = await api.place(["210"], ["3235550200"])
    call_id = await api.place(["210"], [destination])
    await wait_statuses(api, call_id, 5, 5)

    ended = await api.request("DELETE", f"/uapi/phoneCalls/@me/210/?phoneNumber={number}")

    assert (ended.status, ended.json) == (200, [{"id": call_id}])
    await api.wait_ended(call_id)
    assert [x["id"] for x in await api.calls("210")] == [other]
    again = await api.request("DELETE", f"/uapi/phoneCalls/@me/210/?phoneNumber={number}")
    assert again.status == 204


async def test_given_id_and_number_that_do_not_belong_together_when_deleted_then_nothing_ends(
    api: ApiClient, phones: None
) -> None:
    one = await api.place(["210"], ["3235550201"])
    two = await api.place(["210"], ["3235550200"])
    for call_id in (one, two):
        await wait_statuses(api, call_id, 5, 5)
    for number in ("3235550200", "323555020", "5550201", "211", "0"):
        assert (await api.hang_up("210", one, phoneNumber=number)).status == 204
    assert {x["id"] for x in await api.calls("210")} == {one, two}
    ended = await api.hang_up("210", one, phoneNumber="3235550201")
    assert ended.json == [{"id": one}]


async def test_given_source_that_lost_a_fork_when_deleted_by_its_number_then_call_goes_on(
    lab: RunningLab, api: ApiClient, phones: None
) -> None:
    async with lab.scripted("0003*212", rings()) as loser:
        call_id = await api.place(["211", "212"], ["3235550201"])
        await wait_statuses(api, call_id, 5, 5)
        await loser.wait_closed()
        assert (await api.hang_up("@self", call_id, phoneNumber="212")).status == 204
        assert (await api.hang_up("@self", call_id, phoneNumber="211")).status == 200


async def test_given_destination_that_lost_a_fork_when_its_user_deletes_then_the_call_goes_on(
    lab: RunningLab, api: ApiClient, phones: None
) -> None:
    async with lab.scripted("0003*220", rings()) as loser, lab.client("user-13") as of_bob:
        call_id = (await api.create(["210"], ["220", "211"])).json[0]["id"]
        await loser.wait_closed()
        await wait_statuses(api, call_id, 5, 5)
        assert await of_bob.calls("220") == []
        assert (await of_bob.hang_up("220")).status == 204
        assert (await of_bob.hang_up("220", call_id)).status == 204
        assert await of_bob.calls() == []
        assert (await api.call(call_id)) is not None
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)
        ended = await of_bob.request("GET", "/uapi/phoneCalls/@me/220?ended=true")
        assert call_id in [x["id"] for x in ended.json["entry"]]


async def test_given_fields_when_deleted_then_they_are_answered_and_unknown_ones_end_nothing(
    api: ApiClient, phones: None
) -> None:
    call_id = await api.place(["210"], ["3235550201"])
    await wait_statuses(api, call_id, 5, 5)
    refused = await api.hang_up("210", call_id, fields="id,nonsense")
    assert (refused.status, refused.code) == (400, "fields_invalid")
    assert await api.call(call_id) is not None
    ended = await api.hang_up("210", call_id, fields="id,extension")
    assert ended.json == [{"id": call_id, "extension": "210"}]


async def test_given_caller_of_incoming_call_when_deleted_by_its_number_then_it_ends(
    lab: RunningLab, api: ApiClient, phones: None
) -> None:
    await lab.asterisk.call_in("5550003210", caller_number="3235550123")
    call = await wait_only_call(api, "210")
    assert (await api.hang_up("210", phoneNumber="3235550124")).status == 204
    ended = await api.hang_up("210", phoneNumber="+3235550123")
    assert ended.json == [{"id": call["id"]}]
    await wait_no_calls(api)


@pytest.mark.parametrize("call_id", ["0" * 20, "b817", "b817-x", "a" * 256, "x y", "é"])
async def test_given_id_that_never_was_when_deleted_then_400_phoncall_invalid(
    api: ApiClient, call_id: str
) -> None:
    answer = await api.request("DELETE", f"/uapi/phoneCalls/@me/210/{call_id}")
    assert (answer.status, answer.code) == (400, "pc_phoncall_invalid")


@pytest.mark.parametrize("number", ["", "abc", "12a", "0003*211", "++1", "1+", "1" * 40, "1/2"])
async def test_given_number_that_is_none_when_deleted_then_400_phonenumber_invalid(
    api: ApiClient, phones: None, number: str
) -> None:
    call_id = await api.place(["210"], ["3235550201"])
    for target in ("", call_id):
        answer = await api.hang_up("210", target, phoneNumber=number)
        assert (answer.status, answer.code) == (400, "pc_phonenumber_invalid")
    assert await api.call(call_id) is not None


async def test_given_call_of_another_organization_when_deleted_then_it_looks_unknown_and_lives_on(
    lab: RunningLab, api: ApiClient, phones: None
) -> None:
    call_id = await api.place(["210"], ["3235550201"])
    await wait_statuses(api, call_id, 5, 5)
    async with (
        lab.client("organization-0004") as stranger,
        lab.client("user-13") as colleague,
        lab.client("organization-0003") as organization,
    ):
        for client, user in ((stranger, "21"), (colleague, "@me")):
            path = f"/uapi/phoneCalls/{user}/@self"
            seen = await client.request("DELETE", f"{path}/{call_id}")
            unknown = await client.request("DELETE", f"{path}/{'0' * 20}")
            assert (seen.status, seen.json) == (400, unknown.json)
            assert (await client.request("DELETE", path)).status == 204
            by_number = await client.request("DELETE", f"{path}?phoneNumber=3235550201")
            assert by_number.status == 204
            foreign = await client.request("DELETE", f"/uapi/phoneCalls/{user}/0003*210/{call_id}")
            assert (foreign.status, foreign.code) == (400, "extension_invalid")
        foreign = await stranger.request("DELETE", f"/uapi/phoneCalls/12/210/{call_id}")
        assert (foreign.status, foreign.code) == (400, "user_invalid")
        assert await api.call(call_id) is not None
        # Also after its end it stays unknown to them.
        allowed = await organization.request("DELETE", f"/uapi/phoneCalls/12/210/{call_id}/")
        assert allowed.json == [{"id": call_id}]
        await api.wait_ended(call_id)
        late = await stranger.request("DELETE", f"/uapi/phoneCalls/21/@self/{call_id}")
        assert (late.status, late.json) == (400, unknown.json)
    assert (await api.hang_up("210", call_id)).status == 204
    assert (await api.hang_up("211", call_id)).status == 400


async def test_given_many_calls_when_all_are_deleted_at_once_by_two_then_each_is_named_once(
    api: ApiClient, phones: None
) -> None:
    ids = [await api.place(["210"], ["3235550201"]) for _ in range(6)]
    answers_ = await asyncio.gather(*(api.hang_up("210") for _ in range(2)))
    named = [x["id"] for answer in answers_ for x in answer.json or []]
    assert sorted(named) == sorted(ids)
    await wait_no_calls(api)
