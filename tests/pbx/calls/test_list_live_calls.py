"""GET shows every live call of an extension, whoever started it, as the phones see it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import answers, early_media
from tests.pbx.calls.live_calls import (
    extensions,
    statuses,
    wait_no_calls,
    wait_only_call,
    wait_statuses,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_call_of_api_when_phones_go_on_then_status_numbers_follow_them(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*211") as bob:
        call_id = await api.place(["210"], ["0003*211"], body={"nonce": "n-1"})
        ringing = await wait_statuses(api, call_id, 3, 0)
        assert "answered" not in ringing
        assert "ringing" in ringing["phoneCallView"][0]
        assert "ringing" not in ringing["phoneCallView"][1]
        await alice.accept()
        other_side = await wait_statuses(api, call_id, 4, 3)
        assert "answered" in other_side["phoneCallView"][0]
        assert "answered" not in other_side
        assert "answeredMs" not in other_side
        await bob.wait_ringing()
        await bob.accept()
        call = await wait_statuses(api, call_id, 5, 5)

        assert call["id"] == call_id
        assert call["nonce"] == "n-1"
        # An app wrote one number in the extended form, so all are.
        assert call["extension"] == "0003*210"
        assert (call["ownerId"], call["ownerName"]) == ("3", "Default Organization")
        assert call["links"] == call["link"]
        published = datetime.fromisoformat(call["published"])
        assert abs((datetime.now(UTC) - published).total_seconds()) < 30
        assert datetime.fromisoformat(call["answered"]) >= published
        moments = {x: call[x] for x in ("publishedMs", "ringingMs", "answeredMs")}
        assert list(moments.values()) == sorted(moments.values())
        assert moments["answeredMs"] // 1000 == datetime.fromisoformat(call["answered"]).timestamp()
        assert "endedMs" not in call
        first, second = call["phoneCallView"]
        assert (first["id"], second["id"]) == ("00", "01")
        assert extensions(call) == ["0003*210", "0003*211"]
        assert first["source"] == second["source"] == ["0003*210"]
        assert first["destination"] == second["destination"] == ["0003*211"]
        assert (first["flow"], second["flow"]) == (2, 2)
        assert first["callerId"] == "Alice Adams <5550003210>"
        assert not {x for x in call if call[x] is None}
        # The URL is polled as it was given, and every name of the extension shows the same call.
        by_link = await api.request("GET", call["links"]["self"])
        assert [x["id"] for x in by_link.json["entry"]] == [call_id]
        assert by_link.json["entry"][0]["links"] == call["links"]
        for extension in ("210", "0003*211", "0003%2A211", "@self"):
            listed = await api.calls(extension)
            assert [x["id"] for x in listed] == [call_id]
        assert await api.calls("212") == []
        await alice.hangup()
        record = await api.wait_ended(call_id)
        assert {x: record[x] for x in moments} == moments
        assert (await api.request("GET", call["links"]["self"])).json["entry"] == []


async def test_given_destination_with_early_media_when_source_is_up_then_it_rings(
    lab: RunningLab, api: ApiClient
) -> None:
    call_id = await api.place(["3235550202"], ["3235550183"], extension="210")

    call = await wait_statuses(api, call_id, 4, 3)

    assert call["phoneCallView"][0]["flow"] == 4
    assert extensions(call) == [None, None]
    await api.hang_up("210", call_id)


async def test_given_two_sources_when_one_answers_then_the_other_is_no_party_any_more(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*211") as bob:
        call_id = await api.place(["210", "211"], ["3235550201"])
        both = await wait_statuses(api, call_id, 3, 3, 0)
        assert both["phoneCallView"][0]["source"] == ["210", "211"]
        await bob.wait_ringing()
        await bob.accept()
        talk = await wait_statuses(api, call_id, 5, 5)
        assert extensions(talk) == ["211", None]
        assert talk["phoneCallView"][0]["source"] == ["211"]
        assert talk["phoneCallView"][0]["destination"] == ["3235550201"]
        await alice.wait_closed()
        assert alice.missed_calls == []
        await api.hang_up("@self", call_id)


async def test_given_phone_that_dials_when_other_answers_then_call_is_listed_for_both(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*211") as bob:
        await alice.dial("211")
        ringing = await wait_only_call(api, "211", lambda x: statuses(x) == [4, 3])
        assert re.fullmatch("[0-9a-f]{20}", ringing["id"])
        await bob.wait_ringing()
        await bob.accept()
        call = await wait_statuses(api, ringing["id"], 5, 5)
        assert call["extension"] == "0003*210"
        assert extensions(call) == ["0003*210", "0003*211"]
        assert call["phoneCallView"][0]["source"] == ["0003*210"]
        assert call["phoneCallView"][0]["destination"] == ["0003*211"]
        assert call["phoneCallView"][0]["flow"] == 2
        assert "nonce" not in call
        assert [x["id"] for x in await api.calls("210")] == [call["id"]]
        by_link = await api.request("GET", call["links"]["self"])
        assert by_link.json["entry"] == [call]
        await bob.hangup()
        await wait_no_calls(api)


async def test_given_phone_that_dials_out_when_public_number_answers_then_flow_is_outgoing(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice:
        await alice.dial("3235550201")
        call = await wait_only_call(api, "210", lambda x: statuses(x) == [5, 5])
        assert extensions(call) == ["210", None]
        assert call["phoneCallView"][1]["destination"] == ["3235550201"]
        assert {x["flow"] for x in call["phoneCallView"]} == {4}
        await alice.hangup()
        await wait_no_calls(api)


async def test_given_call_from_trunk_when_phone_answers_then_it_is_incoming(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice:
        await lab.asterisk.call_in("5550003210", caller_number="3235550111")
        call = await wait_only_call(api, "210", lambda x: statuses(x) == [4, 3])
        await alice.wait_ringing()
        await alice.accept()
        call = await wait_statuses(api, call["id"], 5, 5)
        assert call["extension"] == "0003*210"
        assert extensions(call) == [None, "0003*210"]
        assert call["phoneCallView"][0]["source"] == ["3235550111"]
        assert call["phoneCallView"][0]["destination"] == ["0003*210"]
        assert {x["flow"] for x in call["phoneCallView"]} == {8}
        await alice.hangup()
        await wait_no_calls(api)


async def test_given_colleague_who_calls_when_called_user_lists_then_its_link_works_for_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*220") as bob,
        lab.phone("0003*210", answer="auto"),
        lab.client("user-13") as of_bob,
    ):
        await bob.dial("210")
        mine = await wait_only_call(api, "210", lambda x: statuses(x) == [5, 5])
        his = await wait_only_call(of_bob, "220")
        assert mine["id"] == his["id"]
        for client, call in ((api, mine), (of_bob, his)):
            answer = await client.request("GET", call["links"]["self"])
            assert answer.status == 200, answer.text
            assert [x["id"] for x in answer.json["entry"]] == [call["id"]]
            assert statuses(answer.json["entry"][0]) == [5, 5]
        everything = (await api.calls("@self"))[0]
        assert everything["extension"] == "0003*220"
        assert everything["links"]["self"].endswith(f"/@me/0003*210/{mine['id']}")
        await bob.hangup()
        await wait_no_calls(api)


async def test_given_call_when_a_phone_holds_and_resumes_then_views_say_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto"),
    ):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        await alice.hold()
        held = await api.wait_call(call_id, lambda x: "onHold" in x["phoneCallView"][0])
        assert held["phoneCallView"][0]["holder"] == 1
        assert held["phoneCallView"][1]["onHold"] == held["phoneCallView"][0]["onHold"]
        assert held["phoneCallView"][1]["holder"] == 0
        await alice.resume()
        await api.wait_call(call_id, lambda x: "onHold" not in x["phoneCallView"][0])
        await api.hang_up("@self", call_id)


async def test_given_call_of_another_user_when_listed_then_it_looks_as_if_it_did_not_exist(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.scripted("0003*210", answers()),
        lab.client("user-13") as other_user,
        lab.client("organization-0004") as other_organization,
    ):
        call_id = await api.place(["210"], ["3235550201"])
        await wait_statuses(api, call_id, 5, 5)
        for client, user in ((other_user, "@me"), (other_organization, "21")):
            seen = await client.request("GET", f"/uapi/phoneCalls/{user}/@self/{call_id}")
            unknown = await client.request("GET", f"/uapi/phoneCalls/{user}/@self/{'0' * 20}")
            assert (seen.status, seen.json) == (200, unknown.json)
            assert seen.json["entry"] == []
            everything = await client.request("GET", f"/uapi/phoneCalls/{user}/@self")
            assert everything.json["entry"] == []
            of_theirs = await client.request("GET", f"/uapi/phoneCalls/{user}/0003*210/{call_id}")
            nobody = await client.request("GET", f"/uapi/phoneCalls/{user}/0003*299/{call_id}")
            assert (of_theirs.status, of_theirs.code) == (400, "extension_invalid")
            assert of_theirs.message.replace("210", "299") == nobody.message
        foreign_user = await other_organization.request("GET", f"/uapi/phoneCalls/12/210/{call_id}")
        unknown_user = await other_organization.request("GET", f"/uapi/phoneCalls/99/210/{call_id}")
        assert (foreign_user.status, foreign_user.code) == (400, "user_invalid")
        assert foreign_user.message.replace("12", "99") == unknown_user.message
        await api.hang_up("@self", call_id)
        await api.wait_ended(call_id)
        past = await other_user.request(
            "GET", f"/uapi/phoneCalls/@me/@self/{call_id}", params={"ended": "true"}
        )
        assert (past.status, past.json["entry"]) == (200, [])


async def test_given_early_media_when_the_called_side_sends_it_then_it_rings(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", early_media(ring_ms=1000)):
        call_id = await api.place(["210"], ["3235550183"])
        ringing = await wait_statuses(api, call_id, 3, 0)
        assert "ringing" in ringing["phoneCallView"][0]
        ringing = await wait_statuses(api, call_id, 4, 3)
        assert "ringing" in ringing["phoneCallView"][1]
        await api.hang_up("210", call_id)
        record = await api.wait_ended(call_id)
        assert "ringingMs" in record
