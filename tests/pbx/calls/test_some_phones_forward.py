"""Of several phones that ring, some answer 302: those are busy, the others ring on."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import forwards, rings

from .public_network import calls_of_public_network

pytestmark = pytest.mark.asyncio(loop_scope="session")

OUTSIDE = "sip:PJSIP/3235550200%40trunk@pbx"
BUSY, ANSWERED, NO_ANSWER = 1, 0, 3


def why(record: Any) -> tuple[object, ...]:
    return tuple(record.get(x) for x in ("disposition", "reason", "endedBy"))


def dispositions(record: Any) -> dict[str, object]:
    return {x["extension"]: x.get("disposition") for x in record["phoneCallView"]}


async def test_given_one_source_forwards_when_another_answers_then_that_one_talks(
    lab: RunningLab, api: ApiClient
) -> None:
    before = await calls_of_public_network(lab)
    async with (
        lab.scripted("0003*214", forwards(OUTSIDE)) as forwarder,
        lab.phone("0003*211") as bob,
        lab.phone("0003*212", answer="auto") as carol,
    ):
        call_id = await api.place(["214", "211"], ["212"], extension="214")
        await forwarder.wait_closed()
        await bob.wait_ringing()
        await bob.accept()
        live = await api.wait_status(call_id, 5)
        assert [x["extension"] for x in live["phoneCallView"]] == ["211", "212"]
        await carol.hangup()
        record = await api.wait_ended(call_id)
    assert why(record) == (ANSWERED, "normal clearing", "destination")
    assert dispositions(record) == {"214": BUSY, "211": ANSWERED, "212": ANSWERED}
    assert forwarder.incoming_invites == 1
    assert await calls_of_public_network(lab) == before


async def test_given_all_sources_forward_when_called_then_the_call_is_busy_for_that_reason(
    lab: RunningLab, api: ApiClient
) -> None:
    before = await calls_of_public_network(lab)
    async with (
        lab.scripted("0003*214", forwards(OUTSIDE)) as one,
        lab.scripted("0003*211", forwards("sip:Local%2F3235550200%40public@pbx")) as other,
    ):
        call_id = await api.place(["214", "211"], ["212"], extension="214")
        record = await api.wait_ended(call_id)
    assert why(record) == (BUSY, "forwarding refused", "source")
    assert dispositions(record) == {"214": BUSY, "211": BUSY, "212": None}
    assert (one.incoming_invites, other.incoming_invites) == (1, 1)
    assert await calls_of_public_network(lab) == before


async def test_given_one_source_forwarded_when_deleted_while_another_rings_then_all_is_over(
    lab: RunningLab, api: ApiClient
) -> None:
    before = await calls_of_public_network(lab)
    async with (
        lab.scripted("0003*214", forwards(OUTSIDE)) as forwarder,
        lab.scripted("0003*211", rings()) as bob,
    ):
        call_id = await api.place(["214", "211"], ["212"], extension="214")
        await forwarder.wait_closed()
        await bob.wait_ringing()
        assert (await api.hang_up("214", call_id)).json == [{"id": call_id}]
        record = await api.wait_ended(call_id)
        await bob.wait_closed()
    assert why(record) == (NO_ANSWER, "cancelled", "api")
    assert dispositions(record) == {"214": BUSY, "211": NO_ANSWER, "212": None}
    assert await calls_of_public_network(lab) == before
    assert "0 active channels" in await lab.asterisk.pbx.console("core show channels count")


async def test_given_one_destination_forwards_when_another_answers_then_that_one_talks(
    lab: RunningLab, api: ApiClient
) -> None:
    before = await calls_of_public_network(lab)
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.scripted("0003*214", forwards(OUTSIDE)) as forwarder,
        lab.phone("0003*211") as bob,
    ):
        call_id = await api.place(["210"], ["214", "211"], extension="210")
        await forwarder.wait_closed()
        await bob.wait_ringing()
        await bob.accept()
        live = await api.wait_status(call_id, 5)
        assert [x["extension"] for x in live["phoneCallView"]] == ["210", "211"]
        await bob.hangup()
        record = await api.wait_ended(call_id)
    assert why(record) == (ANSWERED, "normal clearing", "destination")
    assert dispositions(record) == {"210": ANSWERED, "214": BUSY, "211": ANSWERED}
    assert await calls_of_public_network(lab) == before
