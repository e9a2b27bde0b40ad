"""What each phone is shown: callerId on the source, callerIdDestination on the destination."""

from __future__ import annotations

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.dialog_log import Dialog

from .public_network import wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

RINGS_FOR_EVER = "3235550180"


def shown(call: Dialog | None) -> tuple[str, str]:
    assert call is not None
    return call.caller_name, call.caller_number


@pytest.mark.parametrize("destination_field", ["callerIdDestination", "callerDestination"])
@pytest.mark.parametrize(
    ("source_id", "destination_id"),
    [
        (("John Doe", "4242425"), ("Jane", "123")),
        (("Ján Žižka", "+4219001234"), ("Мария 山田", "0003*210")),
        (("O'Neil & Co. No_1-a", "1"), ("", "5550001111")),
        (("Ř" * 80, "9" * 32), ("山" * 66, "+" + "1" * 31)),
        (("Doe, John (Sales) [1]", "1"), ("Acme; IT/Support #2 100% + more!", "2")),
        (("O\u2019Neil · 50 % A$AP", "1"), ("a=b,CALLERID(num)=666,X=%2C&y|z~`^{}", "2")),
        (("می\u200cبینم 👩‍👩‍👧", "1"), ("क्\u200dष 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "2")),
    ],
    ids=ascii,
)
async def test_given_both_caller_ids_when_called_then_each_side_is_shown_its_own(
    lab: RunningLab,
    api: ApiClient,
    source_id: tuple[str, str],
    destination_id: tuple[str, str],
    destination_field: str,
) -> None:
    view = {
        "callerId": "{} <{}>".format(*source_id),
        destination_field: "{} <{}>".format(*destination_id).lstrip(),
    }
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211") as destination,
    ):
        call_id = await api.place(["210"], ["211"], extension="210", view=view)
        await destination.wait_ringing()

        assert shown(source.last_incoming) == source_id
        assert shown(destination.last_incoming) == destination_id
        live = await api.call(call_id)
        assert [x["callerId"] for x in live["phoneCallView"]] == list(view.values())
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ('"Doe, John" <+333 44-44>', ("Doe, John", "+3334444")),
        ('Jo "the \\ boss" <1>', ("Jo 'the / boss'", "1")),
        ("${SHELL(id)} $[1+1] <1>", ("$(SHELL(id)} $(1+1]", "1")),
        ("Jan\u00a0<b>\u202eX <tel:+1-201-555-0123>", ("Jan (b)X", "+12015550123")),
    ],
    ids=ascii,
)
async def test_given_signs_that_sip_cannot_carry_when_called_then_the_nearest_are_shown(
    lab: RunningLab, api: ApiClient, written: str, seen: tuple[str, str]
) -> None:
    view = {"callerId": written, "callerIdDestination": written}
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211") as destination,
    ):
        await api.place(["210"], ["211"], extension="210", view=view)
        await destination.wait_ringing()

        assert shown(source.last_incoming) == seen
        assert shown(destination.last_incoming) == seen
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


@pytest.mark.parametrize(
    ("view", "source_id", "destination_id"),
    [
        ({}, ("Alice Desk", "5550003211"), ("Alice Desk", "5550003211")),
        ({"callerId": "Jo <12>"}, ("Jo", "12"), ("Alice Desk", "5550003211")),
        ({"callerIdDestination": "Jo <12>"}, ("Alice Desk", "5550003211"), ("Jo", "12")),
        ({"callerId": "4242425"}, ("", "4242425"), ("Alice Desk", "5550003211")),
    ],
    ids=str,
)
async def test_given_a_caller_id_is_left_out_when_called_then_that_of_the_paying_extension_is_shown(
    lab: RunningLab,
    api: ApiClient,
    view: dict[str, str],
    source_id: tuple[str, str],
    destination_id: tuple[str, str],
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*212") as destination,
    ):
        await api.place(["210"], ["212"], extension="211", view=view)
        await destination.wait_ringing()

        assert shown(source.last_incoming) == source_id
        assert shown(destination.last_incoming) == destination_id


async def test_given_several_sources_and_destinations_when_called_then_all_of_a_side_see_the_same(
    lab: RunningLab, api: ApiClient
) -> None:
    view = {"callerId": "Ján Žižka <+42190>", "callerIdDestination": "Zoë Ñandú <4711>"}
    async with (
        lab.phone("0003*210", answer="auto") as winner,
        lab.phone("0003*211") as loser,
        lab.phone("0003*212") as left,
        lab.phone("0003*213") as right,
    ):
        await api.place(["210", "211"], ["212", "213"], extension="210", view=view)
        await left.wait_ringing()
        await right.wait_ringing()
        await eventually(lambda: loser.last_incoming is not None)

        assert shown(winner.last_incoming) == shown(loser.last_incoming) == ("Ján Žižka", "+42190")
        assert shown(left.last_incoming) == shown(right.last_incoming) == ("Zoë Ñandú", "4711")
        phones = (winner, loser, left, right)
        assert [x.incoming_invites for x in phones] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("view", "number"),
    [({}, "5550003210"), ({"callerIdDestination": "Jo <+4219001234>"}, "+4219001234")],
    ids=str,
)
async def test_given_a_public_destination_when_called_then_the_trunk_is_shown_the_caller_id(
    lab: RunningLab, api: ApiClient, view: dict[str, str], number: str
) -> None:
    async with lab.phone("0003*210", answer="auto"):
        await api.place(["210"], [RINGS_FOR_EVER], extension="210", view=view)

        assert await wait_public_calls(lab, RINGS_FOR_EVER, 1) == [number]


async def test_given_numbers_as_people_write_them_when_called_then_they_are_dialled(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"):
        call_id = await api.place(["tel:2-10"], ["(323) 555-0180"], extension=" 210 ")
        await wait_public_calls(lab, RINGS_FOR_EVER, 1)
        live = await api.call(call_id)
        assert live["phoneCallView"][0]["destination"] == [RINGS_FOR_EVER]
        answer = await api.hang_up("210", phoneNumber="323-555 0180")
        assert answer.json == [{"id": call_id}]


async def test_given_a_public_source_when_called_then_the_trunk_is_shown_caller_id(
    lab: RunningLab, api: ApiClient
) -> None:
    view = {"callerId": "Jo <4242425>"}
    call_id = await api.place([RINGS_FOR_EVER], ["3235550201"], extension="210", view=view)

    assert await wait_public_calls(lab, RINGS_FOR_EVER, 1) == ["4242425"]
    await api.hang_up("210", call_id)
    await wait_public_calls(lab, RINGS_FOR_EVER, 0)
