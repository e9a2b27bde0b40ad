"""Who is called second: local, public, the sandbox, services, several at once; and who pays."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.dialog_log import ANSWERED_ELSEWHERE
from bridge.testing.softphones.sipp_behaviour import refuses

from .public_network import public_calls, wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

RINGS_FOR_EVER = "3235550180"
SILENT = "3235550200"
ECHO = "3235550201"
TONE_1000 = "3235550202"


@pytest.mark.parametrize("number", [TONE_1000, "+" + TONE_1000])
async def test_given_a_public_destination_when_the_source_answers_then_both_hear_each_other(
    lab: RunningLab, api: ApiClient, number: str
) -> None:
    async with lab.phone("0003*210", answer="auto") as source:
        call_id = await api.place(["210"], [number], extension="210")

        on_call = await api.wait_status(call_id, 5)

        assert [x["flow"] for x in on_call["phoneCallView"]] == [4, 4]
        assert on_call["phoneCallView"][0]["destination"] == [number]
        await source.wait_tone(1000)
        # Dialled as it was written, over the trunk.
        await wait_public_calls(lab, TONE_1000, 1)
        assert source.incoming_invites == 1


async def test_given_public_source_and_destination_when_called_then_both_are_connected(
    lab: RunningLab, api: ApiClient
) -> None:
    call_id = await api.place([TONE_1000], [ECHO], extension="0003*210")

    on_call = await api.wait_status(call_id, 5)

    assert on_call["extension"] == "0003*210"
    assert [x.get("extension") for x in on_call["phoneCallView"]] == [None, None]
    await wait_public_calls(lab, TONE_1000, 1)
    await wait_public_calls(lab, ECHO, 1)
    assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
    await wait_public_calls(lab, TONE_1000, 0)
    await wait_public_calls(lab, ECHO, 0)


@pytest.mark.parametrize(
    ("destination", "tone_hz"),
    [("0003*00", 440), ("00", 440), ("400", 600), ("0003*400", 600)],
)
async def test_given_the_sandbox_or_an_ivr_as_destination_when_called_then_its_tone_is_heard(
    lab: RunningLab, api: ApiClient, destination: str, tone_hz: int
) -> None:
    async with lab.phone("0003*210", answer="auto", tone_hz=1500) as source:
        call_id = await api.place(["210"], [destination], extension="210")

        await api.wait_status(call_id, 5)

        await source.wait_tone(tone_hz)
        assert source.incoming_invites == 1


async def test_given_a_queue_as_destination_when_called_then_an_agent_rings_and_is_connected(
    lab: RunningLab, api: ApiClient
) -> None:
    # The agents are 210 to 214 of the organization; the source is none of them.
    async with (
        lab.client("organization-0003") as organization,
        lab.phone("0003*220", answer="auto", tone_hz=1500) as source,
        lab.phone("0003*211", tone_hz=1000) as agent,
    ):
        answer = await organization.create(["220"], ["300"], user="13", extension="220")
        assert answer.status == 202
        await agent.wait_ringing()
        await agent.accept()

        await source.wait_tone(1000)
        await agent.wait_tone(1500)
        assert (source.incoming_invites, agent.incoming_invites) == (1, 1)
        ended = await organization.request("DELETE", answer.json[0]["links"]["self"])
        assert ended.status == 200
        await agent.wait_closed()


async def test_given_several_destinations_when_one_answers_then_the_others_stop(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211") as first,
        lab.phone("0003*212", tone_hz=1000) as second,
        lab.scripted("0003*213", refuses(486)) as busy,
    ):
        call_id = await api.place(
            ["210"], ["211", RINGS_FOR_EVER, "212", "213", "214"], extension="210"
        )
        await first.wait_ringing()
        await second.wait_ringing()
        await busy.wait_closed()
        await wait_public_calls(lab, RINGS_FOR_EVER, 1)
        await api.wait_status(call_id, 4)

        await second.accept()

        ended = await first.wait_closed()
        assert (ended.close_reason, ended.close_cause) == ("CANCEL received", ANSWERED_ELSEWHERE)
        assert first.missed_calls == []
        await wait_public_calls(lab, RINGS_FOR_EVER, 0)
        on_call = await api.wait_call(
            call_id, lambda call: [x["status"] for x in call["phoneCallView"]] == [5, 5]
        )
        assert [x["extension"] for x in on_call["phoneCallView"]] == ["210", "212"]
        await source.wait_tone(1000)
        assert [x.incoming_invites for x in (source, first, second, busy)] == [1, 1, 1, 1]


async def test_given_the_source_hangs_up_while_the_destination_rings_then_it_stops_ringing(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211") as destination,
    ):
        call_id = await api.place(["210"], ["211"], extension="210")
        await destination.wait_ringing()

        await source.hangup()

        assert (await destination.wait_closed()).close_reason == "CANCEL received"
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (3, "source")
        assert record["reason"] == "cancelled"
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


@pytest.mark.parametrize("sources", [["210"], ["210", "211"]], ids=["direct", "forked"])
async def test_given_an_extension_that_is_no_party_when_it_pays_then_account_names_it(
    lab: RunningLab, api: ApiClient, sources: list[str]
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211") as other,
        lab.phone("0003*213", answer="auto") as destination,
        lab.phone("0003*212") as payer,
    ):
        call_id = await api.place(sources, ["213"], extension="212")
        call = await api.wait_status(call_id, 5)
        await source.wait_established()

        assert call["extension"] == "212"
        assert [x["extension"] for x in call["phoneCallView"]] == ["210", "213"]
        assert [x["id"] for x in await api.calls("212")] == [call_id]
        assert await account_of(lab, call_id) == "0003*212"
        invites = [x.incoming_invites for x in (source, other, destination, payer)]
        assert invites == [1, len(sources) - 1, 1, 0]


async def account_of(lab: RunningLab, uniqueid: str) -> str:
    """The account code that Asterisk shows for the channel."""
    lines = (await lab.asterisk.pbx.console("core show channels concise")).splitlines()
    # Channel!Context!Exten!Priority!State!Application!Data!CallerID!AccountCode!…!UniqueID
    [account] = [x.split("!")[8] for x in lines if x.endswith(f"!{uniqueid}")]
    return account


async def test_given_the_same_nonce_twice_when_created_then_two_calls_are_placed(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as source:
        body = {"nonce": "n1"}

        first = await api.create(["210"], [ECHO], extension="210", body=body)
        second = await api.create(["210"], [ECHO], extension="210", body=body)

        assert (first.status, second.status) == (202, 202)
        assert (first.json[0]["nonce"], second.json[0]["nonce"]) == ("n1", "n1")
        ids = {first.json[0]["id"], second.json[0]["id"]}
        await source.wait_ringing()
        await source.wait_ringing()
        live = await api.calls("210")
        assert {x["id"] for x in live} == ids
        assert [x["nonce"] for x in live] == ["n1", "n1"]
        assert source.incoming_invites == 2
        assert await public_calls(lab, ECHO) == []
