"""Somebody else's AMI client, or the stop of Asterisk, ends a call that rings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.config.secrets_file import AMI_SECRET
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.sipp_behaviour import rings
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .live_calls import statuses, wait_only_call, wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUT_OFF = (3, "pbx", "cancelled", 16)
RANG_OUT = (3, "pickup timeout", "no answer", 19)
PHONE_211 = "PJSIP/0003*211-"
SOURCE, FORK = "PJSIP/0003*210-", "Local/ring@"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    """Not in containers: their AMI is not for strangers."""
    ensure_phone_tools()
    lab = await open_lab(tmp_path_factory.mktemp("ended"))
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crm(lab: RunningLab) -> AsyncIterator[PlainAmi]:
    crm = PlainAmi()
    await crm.open("127.0.0.1", lab.asterisk.ports.ami, "bridge", lab.bridge.secret(AMI_SECRET))
    yield crm
    await crm.close()


@pytest_asyncio.fixture(loop_scope="session")
async def alice(lab: RunningLab) -> AsyncIterator[Softphone]:
    async with lab.phone("0003*210") as phone:
        yield phone


async def hang_up(crm: PlainAmi, begins: str, ends: str = "", **fields: str) -> None:
    """The one channel with such a name."""
    names = [x["Channel"] for x in await crm.channels()]
    [name] = [x for x in names if x.startswith(begins) and x.endswith(ends)]
    answer = await crm.action("Hangup", Channel=name, **fields)
    assert answer["Response"] == "Success", answer


def verdict(record: Any) -> tuple[object, ...]:
    assert {x["disposition"] for x in record["phoneCallView"] if "disposition" in x} == {3}
    return tuple(record[x] for x in ("disposition", "endedBy", "reason", "hangupCause"))


async def dials_211(alice: Softphone, api: ApiClient) -> str:
    """The id of the call once 211 rings."""
    await alice.dial("211")
    return str((await wait_only_call(api, "211", lambda x: statuses(x) == [4, 3]))["id"])


@pytest.mark.parametrize("cause", ["", "16", "17", "21"])
async def test_given_a_dialled_phone_rings_when_others_hang_it_up_then_the_record_says_so(
    lab: RunningLab, api: ApiClient, crm: PlainAmi, alice: Softphone, cause: str
) -> None:
    async with lab.scripted("0003*211", rings()):
        call_id = await dials_211(alice, api)
        await hang_up(crm, PHONE_211, **({"Cause": cause} if cause else {}))
        assert verdict(await api.wait_ended(call_id)) == CUT_OFF


async def test_given_a_dialled_phone_rings_when_its_time_is_over_then_the_record_says_so(
    lab: RunningLab, api: ApiClient, alice: Softphone
) -> None:
    await lab.asterisk.pbx.console("dialplan set global PHONE_RING_S 2")
    try:
        async with lab.scripted("0003*211", rings()):
            call_id = await dials_211(alice, api)
            assert verdict(await api.wait_ended(call_id)) == RANG_OUT
    finally:
        await lab.asterisk.pbx.console("dialplan set global PHONE_RING_S 60")


@pytest.mark.parametrize(
    ("begins", "ends", "cause"),
    [
        (SOURCE, "", ""),
        (SOURCE, "", "16"),
        (SOURCE, "", "17"),
        (FORK, ";1", ""),
        (FORK, ";2", ""),
        (FORK, ";1", "17"),
    ],
)
async def test_given_a_source_rings_when_others_hang_it_up_then_the_record_says_so(
    lab: RunningLab, api: ApiClient, crm: PlainAmi, begins: str, ends: str, cause: str
) -> None:
    async with lab.scripted("0003*210", rings()):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 3)
        await hang_up(crm, begins, ends, **({"Cause": cause} if cause else {}))
        assert verdict(await api.wait_ended(call_id)) == CUT_OFF


@pytest.mark.parametrize(
    ("begins", "ends", "cause"),
    [(PHONE_211, "", "16"), (PHONE_211, "", "17"), (FORK, ";1", "17"), (FORK, ";2", "17")],
)
async def test_given_a_destination_rings_when_others_hang_up_with_a_cause_then_nobody_was_busy(
    lab: RunningLab, api: ApiClient, crm: PlainAmi, begins: str, ends: str, cause: str
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", rings()):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 4, 3)
        await hang_up(crm, begins, ends, Cause=cause)
        assert verdict(await api.wait_ended(call_id)) == CUT_OFF


async def test_given_a_dialled_phone_rings_when_asterisk_is_stopped_then_the_record_says_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lab = await open_lab(tmp_path_factory.mktemp("stopped"))
    try:
        async with (
            lab.client() as api,
            lab.phone("0003*210") as alice,
            lab.scripted("0003*211", rings()) as bob,
        ):
            call_id = await dials_211(alice, api)
            await lab.asterisk.stop()
            for phone in (alice, bob):
                await phone.kill()  # else each waits 15 s for a registrar that is gone

            async def ended() -> Any:
                return next(iter(await api.calls("210", call_id, ended="true")), None)

            assert verdict(await eventually(ended)) == CUT_OFF
    finally:
        await lab.close()
