"""allowPublicTransfer: where a phone may transfer a call of the API with a REFER."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refers
from tests.pbx.actions.acting import act, acted

from .public_network import calls_of_public_network, public_calls, wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

TONE_1000 = "3235550202"
TRANSFERRED_TO = "3235550200"
AFTER_MS = 1500


@pytest.mark.parametrize("sources", [["210"], ["210", "212"]], ids=["direct", "forked"])
@pytest.mark.parametrize("query", [{}, {"allowPublicTransfer": "false"}], ids=str)
async def test_given_no_public_transfer_when_a_source_transfers_to_public_then_it_fails(
    lab: RunningLab, api: ApiClient, sources: list[str], query: dict[str, str]
) -> None:
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS, talk_ms=60_000)
    async with lab.scripted("0003*210", behaviour) as source, lab.phone("0003*212"):
        call_id = await api.place(sources, [TONE_1000], extension="210", **query)
        await api.wait_status(call_id, 5)

        result = await source.wait_transfer()

        assert not result.carried_out
        assert await public_calls(lab, TRANSFERRED_TO) == []
        # The talk goes on.
        await api.wait_status(call_id, 5)
        await wait_public_calls(lab, TONE_1000, 1)
        assert source.incoming_invites == 1


async def test_given_no_public_transfer_when_the_destination_transfers_to_public_then_it_fails(
    lab: RunningLab, api: ApiClient
) -> None:
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS, talk_ms=60_000)
    async with lab.scripted("0003*211", behaviour) as destination:
        call_id = await api.place([TONE_1000], ["211"], extension="210")
        await api.wait_status(call_id, 5)

        result = await destination.wait_transfer()

        assert not result.carried_out
        assert await public_calls(lab, TRANSFERRED_TO) == []
        await api.wait_status(call_id, 5)
        assert destination.incoming_invites == 1


@pytest.mark.parametrize("target", ["212", "0003*212"])
@pytest.mark.parametrize("sources", [["210"], ["210", "211"]], ids=["direct", "forked"])
async def test_given_no_public_transfer_when_a_source_transfers_to_local_then_it_works(
    lab: RunningLab, api: ApiClient, sources: list[str], target: str
) -> None:
    behaviour = refers(target, refer_after_ms=AFTER_MS)
    async with (
        lab.scripted("0003*210", behaviour) as source,
        lab.phone("0003*211"),
        lab.phone("0003*212", answer="auto") as third,
    ):
        await api.place(sources, [TONE_1000], extension="210", allowPublicTransfer="false")

        result = await source.wait_transfer()

        assert result.carried_out
        await third.wait_tone(1000)
        assert (source.incoming_invites, third.incoming_invites) == (1, 1)
        await wait_public_calls(lab, TONE_1000, 1)


@pytest.mark.parametrize("value", ["true", "TRUE", "1"])
async def test_given_public_transfer_when_a_source_transfers_to_public_then_it_works(
    lab: RunningLab, api: ApiClient, value: str
) -> None:
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS)
    async with lab.scripted("0003*210", behaviour) as source:
        await api.place(["210"], [TONE_1000], extension="210", allowPublicTransfer=value)

        result = await source.wait_transfer()

        assert result.carried_out
        await wait_public_calls(lab, TRANSFERRED_TO, 1)
        await wait_public_calls(lab, TONE_1000, 1)
        assert source.incoming_invites == 1


@pytest.mark.parametrize("query", [{}, {"allowPublicTransfer": "false"}], ids=str)
async def test_given_a_local_call_when_transferred_to_public_then_the_flag_is_ignored(
    lab: RunningLab, api: ApiClient, query: dict[str, str]
) -> None:
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS)
    async with (
        lab.scripted("0003*210", behaviour) as source,
        lab.phone("0003*211", answer="auto") as destination,
    ):
        await api.place(["210"], ["211"], extension="210", **query)

        result = await source.wait_transfer()

        assert result.carried_out
        await wait_public_calls(lab, TRANSFERRED_TO, 1)
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


async def test_given_no_public_transfer_when_a_local_call_gets_a_public_number_then_no_second_comes(
    lab: RunningLab, api: ApiClient
) -> None:
    """The app brings the first one, then the app and the phone try another."""
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=4_000, talk_ms=60_000)
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", behaviour) as other:
        call_id = await api.place(["210"], ["211"], extension="210")
        await api.wait_status(call_id, 5)
        busy = await act(api, call_id, "Transfer", sendCallTo="3235550486")
        assert busy.status == 409  # that leaves no rule behind
        await acted(api, call_id, "Transfer", sendCallTo=TONE_1000)
        refused = await act(api, call_id, "Transfer", extension="211", sendCallTo=TRANSFERRED_TO)
        assert (refused.status, refused.code) == (400, "pc_transfer_invalid")

        assert not (await other.wait_transfer()).carried_out

        await wait_public_calls(lab, TONE_1000, 1)
        assert await public_calls(lab, TRANSFERRED_TO) == []
        await api.leave_no_call()


async def test_given_no_public_transfer_when_both_phones_transfer_to_public_then_the_second_fails(
    lab: RunningLab, api: ApiClient
) -> None:
    first = refers(TONE_1000, refer_after_ms=AFTER_MS)
    second = refers(TRANSFERRED_TO, refer_after_ms=3_000, talk_ms=60_000)
    async with lab.scripted("0003*210", first) as source, lab.scripted("0003*211", second) as other:
        call_id = await api.place(["210"], ["211"], extension="210")
        assert (await source.wait_transfer()).carried_out
        await wait_public_calls(lab, TONE_1000, 1)
        before = await calls_of_public_network(lab)

        await other.wait_transfer()

        await api.wait_ended(call_id)
        await wait_public_calls(lab, TONE_1000, 0)
        assert await calls_of_public_network(lab) == before


async def test_given_several_destinations_one_of_them_public_when_a_local_one_answers_then_public_transfer_fails(  # noqa: E501
    lab: RunningLab, api: ApiClient
) -> None:
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS, talk_ms=60_000)
    async with lab.scripted("0003*210", behaviour) as source, lab.phone("0003*211", answer="auto"):
        call_id = await api.place(["210"], ["211", "3235550180"], extension="210")

        result = await source.wait_transfer()

        assert not result.carried_out
        assert await public_calls(lab, TRANSFERRED_TO) == []
        await api.wait_status(call_id, 5)


async def test_given_no_public_transfer_when_a_phone_connects_two_public_numbers_then_all_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto") as source:
        call_id = await api.place(["210"], [TONE_1000], extension="210")
        await api.wait_status(call_id, 5)
        first = await source.wait_established()
        await source.hold(call=first)
        second = await source.dial(TRANSFERRED_TO)
        await source.wait_established(call=second)

        await source.attended_transfer(first, second)

        await wait_public_calls(lab, TONE_1000, 0)
        await wait_public_calls(lab, TRANSFERRED_TO, 0)
        assert (await api.wait_ended(call_id))["endedBy"] == "transfer rule"


async def test_given_no_public_transfer_when_a_phone_connects_a_public_and_a_local_number_then_it_works(  # noqa: E501
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*212", answer="auto") as third,
    ):
        call_id = await api.place(["210"], [TONE_1000], extension="210")
        await api.wait_status(call_id, 5)
        first = await source.wait_established()
        await source.hold(call=first)
        second = await source.dial("212")
        await source.wait_established(call=second)

        assert (await source.attended_transfer(first, second)).carried_out

        await third.wait_tone(1000)
        assert (await api.hang_up("210", call_id)).status == 200
        await third.wait_closed()


@pytest.mark.parametrize("as_", ["source", "destination"])
async def test_given_a_phone_that_may_call_nobody_outside_when_it_transfers_to_public_then_it_fails(
    lab: RunningLab, api: ApiClient, as_: str
) -> None:
    """Nobody in the call is public, so allowPublicTransfer is ignored; the phone's right is not."""
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS, talk_ms=60_000)
    async with (
        lab.scripted("0003*214", behaviour) as lobby,
        lab.phone("0003*210", answer="auto"),
    ):
        parties = (["214"], ["210"]) if as_ == "source" else (["210"], ["214"])
        call_id = await api.place(*parties, extension="210", allowPublicTransfer="true")
        await api.wait_status(call_id, 5)

        result = await lobby.wait_transfer()

        assert not result.carried_out
        assert await public_calls(lab, TRANSFERRED_TO) == []
        await api.wait_status(call_id, 5)


async def test_given_an_agent_that_may_call_nobody_outside_when_it_transfers_there_then_it_fails(
    lab: RunningLab, api: ApiClient
) -> None:
    """The call was made before the queue chose the agent; so the rule of the call lets it."""
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS, talk_ms=60_000)
    async with (
        lab.scripted("0003*214", behaviour) as lobby,
        lab.phone("0003*210", answer="auto"),
    ):
        call_id = await api.place(["210"], ["0003*300"], extension="210")

        result = await lobby.wait_transfer()

        assert not result.carried_out
        assert await public_calls(lab, TRANSFERRED_TO) == []
        await api.wait_status(call_id, 5)


async def test_given_a_call_picked_up_by_a_phone_that_may_call_nobody_outside_then_none_goes_there(
    lab: RunningLab, api: ApiClient
) -> None:
    behaviour = refers(TRANSFERRED_TO, refer_after_ms=AFTER_MS, talk_ms=60_000)
    async with (
        lab.scripted("0003*214", behaviour) as lobby,
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211") as called,
    ):
        call_id = await api.place(["210"], ["211"], extension="210", allowPublicTransfer="true")
        await called.wait_ringing()
        body = {"action": "PickUp", "sendCallTo": "0003*214", "phoneCallViewId": "01"}
        answer = await api.request("PUT", f"/uapi/phoneCalls/@me/210/{call_id}", body=body)
        assert answer.status == 200

        await lobby.wait_transfer()

        assert await public_calls(lab, TRANSFERRED_TO) == []
