"""How a call ends that a party does not answer: disposition, cause, SIP status, who, why.

dispositions: 1 busy, 2 failed, 3 no answer. `endedBy` is the party where it said so itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refuses, rings

pytestmark = pytest.mark.asyncio(loop_scope="session")

# SIP status of the refusal: (disposition, hangup cause, refused by the party itself?, reason)
OF_STATUS = {
    403: (1, 21, True, "rejected"),
    404: (2, 1, False, "no such number"),
    408: (3, 18, False, "no answer"),
    410: (2, 22, False, "no such number"),
    480: (3, 19, True, "no answer"),
    484: (2, 28, False, "no such number"),
    486: (1, 17, True, "busy"),
    488: (2, 58, False, "incompatible"),
    500: (2, 38, False, "congestion"),
    503: (2, 34, False, "congestion"),
    600: (1, 17, True, "busy"),
    603: (1, 21, True, "rejected"),
}


def end_of(record: Any) -> tuple[object, ...]:
    assert "answered" not in record
    names = ("disposition", "hangupCause", "sipCode", "endedBy", "reason")
    return tuple(record.get(name) for name in names)


def expected(status: int, side: str) -> tuple[object, ...]:
    disposition, cause, itself, reason = OF_STATUS[status]
    return disposition, cause, status, side if itself else "pbx", reason


@pytest.mark.parametrize("status", [x for x in OF_STATUS if x not in (408, 600)])
async def test_given_a_public_destination_that_refuses_when_called_then_the_record_says_how(
    lab: RunningLab, api: ApiClient, status: int
) -> None:
    async with lab.phone("0003*210", answer="auto") as source:
        call_id = await api.place(["210"], [f"3235550{status}"], extension="210")

        assert end_of(await api.wait_ended(call_id)) == expected(status, "destination")
        # The source is told why.
        assert (await source.wait_closed()).close_cause == OF_STATUS[status][1]
        assert source.incoming_invites == 1


@pytest.mark.parametrize("status", OF_STATUS)
async def test_given_a_phone_as_destination_that_refuses_when_called_then_the_record_says_how(
    lab: RunningLab, api: ApiClient, status: int
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.scripted("0003*211", refuses(status)) as destination,
    ):
        call_id = await api.place(["210"], ["211"], extension="210")

        assert end_of(await api.wait_ended(call_id)) == expected(status, "destination")
        assert (await source.wait_closed()).close_cause == OF_STATUS[status][1]
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


@pytest.mark.parametrize("status", OF_STATUS)
async def test_given_a_source_that_refuses_when_called_then_the_record_says_how(
    lab: RunningLab, api: ApiClient, status: int
) -> None:
    async with (
        lab.scripted("0003*210", refuses(status)) as source,
        lab.phone("0003*211") as destination,
    ):
        call_id = await api.place(["210"], ["211"], extension="210")

        assert end_of(await api.wait_ended(call_id)) == expected(status, "source")
        assert (source.incoming_invites, destination.incoming_invites) == (1, 0)


@pytest.mark.parametrize("status", [404, 480, 486, 503, 603])
async def test_given_several_sources_that_all_refuse_when_called_then_the_record_says_how(
    lab: RunningLab, api: ApiClient, status: int
) -> None:
    async with (
        lab.scripted("0003*210", refuses(status)) as first,
        lab.scripted("0003*212", refuses(status)) as second,
        lab.phone("0003*211") as destination,
    ):
        call_id = await api.place(["210", "212"], ["211"], extension="210")

        assert end_of(await api.wait_ended(call_id)) == expected(status, "source")
        phones = (first, second, destination)
        assert [x.incoming_invites for x in phones] == [1, 1, 0]


@pytest.mark.parametrize("destinations", [["211"], ["211", "212"]], ids=len)
async def test_given_destinations_that_are_not_registered_when_called_then_failed_unavailable(
    lab: RunningLab, api: ApiClient, destinations: list[str]
) -> None:
    async with lab.phone("0003*210", answer="auto") as source:
        call_id = await api.place(["210"], destinations, extension="210")

        record = await api.wait_ended(call_id)

        assert (record["disposition"], record["hangupCause"]) == (2, 3)
        assert (record["endedBy"], record["reason"]) == ("pbx", "unavailable")
        await source.wait_closed()
        assert source.incoming_invites == 1
        [line] = [
            x
            for x in lab.bridge.log_lines()
            if x["event"] == "call_ended" and x["call_id"] == call_id
        ]
        assert "no phone is registered at PJSIP/0003*211" in str(line["help"])


async def test_given_a_busy_and_an_unregistered_destination_when_called_then_busy(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.scripted("0003*211", refuses(486)) as busy,
    ):
        call_id = await api.place(["210"], ["212", "211"], extension="210")

        assert end_of(await api.wait_ended(call_id)) == expected(486, "destination")
        assert busy.incoming_invites == 1


async def test_given_a_source_that_refuses_after_ringing_when_called_then_busy_by_the_source(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", refuses(603, ring_ms=500)) as source:
        call_id = await api.place(["210"], ["3235550201"], extension="210")
        await source.wait_ringing()

        record = await api.wait_ended(call_id)

        assert end_of(record) == expected(603, "source")
        assert record["ringingMs"] < record["endedMs"]
        assert source.incoming_invites == 1


async def test_given_two_sources_one_busy_and_one_ringing_when_time_is_over_then_no_answer(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.scripted("0003*210", refuses(486)) as refusing,
        lab.scripted("0003*211", rings()) as ringing,
    ):
        call_id = await api.place(
            ["210", "211"], ["3235550201"], extension="210", waitForPickup="4"
        )

        # Who let it ring to the end decides before who refused: each view has its own.
        record = await api.wait_ended(call_id)
        assert end_of(record) == (3, 19, None, "pickup timeout", "no answer")
        assert [x.get("disposition") for x in record["phoneCallView"]] == [1, 3, None]
        await ringing.wait_closed()
        assert (refusing.incoming_invites, ringing.incoming_invites) == (1, 1)
