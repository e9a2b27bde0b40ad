"""An extension on a desk phone and in a pocket: both ring as one party, the first answer wins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.sipp_behaviour import forwards, refuses
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .live_calls import extensions, statuses, wait_no_calls, wait_only_call, wait_statuses
from .test_sip_over_websocket import after_options, digest, register

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_DEVICES = ("0003*210", "0003*211")


def directory() -> str:
    lines = []
    for line in EXAMPLE_FILE.read_text().splitlines():
        lines.append(line)
        if any(line.startswith(f"      - number: {number}") for number in TWO_DEVICES):
            lines.append("        devices: 2")
    return "\n".join(lines) + "\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("devices")
    file = folder / "directory.yaml"
    file.write_text(directory())
    lab = await open_lab(folder, {"directory_file": str(file)})
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    async with lab.client() as client:
        yield client
        await client.leave_no_call()


async def both_ring(desk: Softphone, mobile: Softphone) -> None:
    await desk.wait_ringing()
    await mobile.wait_ringing()


async def won_by(winner: Softphone, loser: Softphone) -> None:
    """The other one stops, and shows no missed call."""
    await winner.wait_established()
    closed = await loser.wait_closed()
    assert not closed.missed
    assert (winner.incoming_invites, loser.incoming_invites) == (1, 1)


async def ended_once(lab: RunningLab, api: ApiClient, call_id: str) -> Any:
    record = await api.wait_ended(call_id)
    ends = [x for x in lab.bridge.log_lines() if x["event"] == "call_ended"]
    assert [x["call_id"] for x in ends].count(call_id) == 1
    return record


@pytest.mark.parametrize("answers", ["desk", "mobile"])
async def test_given_two_devices_of_the_destination_when_called_then_both_ring_and_one_wins(
    lab: RunningLab, api: ApiClient, answers: str
) -> None:
    async with (
        lab.phone("0003*212", answer="auto") as source,
        lab.phone("0003*211") as desk,
        lab.phone("0003*211", tone_hz=1000) as mobile,
    ):
        call_id = await api.place(["212"], ["211"], extension="212")
        await both_ring(desk, mobile)
        call = await wait_statuses(api, call_id, 4, 3)
        assert [str(x).removeprefix("0003*") for x in extensions(call)] == ["212", "211"]

        winner, loser = (desk, mobile) if answers == "desk" else (mobile, desk)
        await winner.accept()
        await wait_statuses(api, call_id, 5, 5)
        await won_by(winner, loser)
        await source.wait_tone(440 if answers == "desk" else 1000)
        await winner.hangup()
        record = await ended_once(lab, api, call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "destination")
        assert len(record["phoneCallView"]) == 2


@pytest.mark.parametrize("answers", ["desk", "mobile"])
async def test_given_two_devices_of_the_source_when_called_then_both_ring_and_one_wins(
    lab: RunningLab, api: ApiClient, answers: str
) -> None:
    async with (
        lab.phone("0003*210") as desk,
        lab.phone("0003*210", tone_hz=1000) as mobile,
        lab.phone("0003*212", answer="auto") as destination,
    ):
        call_id = await api.place(["210"], ["212"], extension="210")
        await both_ring(desk, mobile)
        await wait_statuses(api, call_id, 3, 0)

        winner, loser = (desk, mobile) if answers == "desk" else (mobile, desk)
        await winner.accept()
        await wait_statuses(api, call_id, 5, 5)
        await won_by(winner, loser)
        await destination.wait_tone(440 if answers == "desk" else 1000)
        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        record = await ended_once(lab, api, call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "api")
        assert len(record["phoneCallView"]) == 2


async def test_given_both_parties_have_two_devices_when_called_then_each_is_one_view(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*210"),
        lab.phone("0003*211") as desk,
        lab.phone("0003*211") as mobile,
    ):
        call_id = await api.place(["210"], ["211"], extension="210")
        await both_ring(desk, mobile)
        await wait_statuses(api, call_id, 4, 3)
        await mobile.accept()
        await wait_statuses(api, call_id, 5, 5)
        await api.hang_up("210", call_id)
        await ended_once(lab, api, call_id)
    assert "0 active channels" in await lab.asterisk.pbx.console("core show channels count")


async def test_given_two_devices_when_a_phone_or_the_trunk_dials_then_both_ring_as_one(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*212") as caller,
        lab.phone("0003*211") as desk,
        lab.phone("0003*211") as mobile,
    ):
        await caller.dial("211")
        await both_ring(desk, mobile)
        call = await wait_only_call(api, "211", lambda call: statuses(call) == [4, 3])
        await desk.accept()
        await wait_statuses(api, call["id"], 5, 5)
        await won_by(desk, mobile)
        await caller.hangup()
        await ended_once(lab, api, call["id"])

        await lab.asterisk.call_in("5550003211")
        await both_ring(desk, mobile)
        call = await wait_only_call(api, "211", lambda call: statuses(call) == [4, 3])
        await mobile.accept()
        await wait_statuses(api, call["id"], 5, 5)
        await api.hang_up("211", call["id"])
        await ended_once(lab, api, call["id"])
        await wait_no_calls(api, "211")


async def test_given_an_agent_with_two_devices_when_a_queue_rings_then_both_ring_as_one(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*220") as caller,
        lab.phone("0003*211") as desk,
        lab.phone("0003*211") as mobile,
    ):
        await caller.dial("300")
        await both_ring(desk, mobile)
        call = await wait_only_call(api, "211")
        assert statuses(call).count(3) == 1
        await mobile.accept()
        await won_by(mobile, desk)
        await wait_only_call(api, "211", lambda call: statuses(call).count(5) == 2)
        await caller.hangup()
        await wait_no_calls(api, "211")


async def test_given_one_device_refuses_when_called_then_the_other_rings_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*212", answer="auto"),
        lab.scripted("0003*211", refuses(486)) as busy,
        lab.phone("0003*211") as desk,
    ):
        call_id = await api.place(["212"], ["211"], extension="212")
        await desk.wait_ringing()
        await eventually(lambda: busy.incoming_invites == 1)
        await wait_statuses(api, call_id, 4, 3)
        await desk.accept()
        await wait_statuses(api, call_id, 5, 5)
        await api.hang_up("212", call_id)
        assert (await ended_once(lab, api, call_id))["disposition"] == 0


@pytest.mark.parametrize("side", ["source", "destination"])
async def test_given_one_device_forwards_when_called_then_the_other_rings_on(
    lab: RunningLab, api: ApiClient, side: str
) -> None:
    async with (
        lab.phone("0003*212", answer="auto") as other,
        lab.scripted("0003*211", forwards("sip:213@pbx")) as forwarder,
        lab.phone("0003*211") as desk,
        lab.phone("0003*213") as bystander,
    ):
        parties = (["211"], ["212"]) if side == "source" else (["212"], ["211"])
        call_id = await api.place(*parties, extension="212")
        await desk.wait_ringing()
        await eventually(lambda: forwarder.incoming_invites == 1)
        await desk.accept()
        await wait_statuses(api, call_id, 5, 5)
        await other.hangup()
        record = await ended_once(lab, api, call_id)
        assert (record["disposition"], len(record["phoneCallView"])) == (0, 2)
        assert [x["disposition"] for x in record["phoneCallView"]] == [0, 0]
        assert bystander.incoming_invites == 0


@pytest.mark.parametrize("side", ["source", "destination"])
async def test_given_both_devices_forward_when_called_then_the_party_is_busy_once(
    lab: RunningLab, api: ApiClient, side: str
) -> None:
    async with (
        lab.phone("0003*212", answer="auto"),
        lab.scripted("0003*211", forwards("sip:213@pbx")),
        lab.scripted("0003*211", forwards("sip:213@pbx")),
        lab.phone("0003*213") as bystander,
    ):
        parties = (["211"], ["212"]) if side == "source" else (["212"], ["211"])
        record = await ended_once(lab, api, await api.place(*parties, extension="212"))
        assert (record["disposition"], record["reason"]) == (1, "forwarding refused")
        assert len(record["phoneCallView"]) == 2
        assert bystander.incoming_invites == 0


async def test_given_both_devices_refuse_when_called_then_the_party_is_busy_once(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*212", answer="auto"),
        lab.scripted("0003*211", refuses(486)),
        lab.scripted("0003*211", refuses(486)),
    ):
        call_id = await api.place(["212"], ["211"], extension="212")
        record = await ended_once(lab, api, call_id)
        assert (record["disposition"], record["hangupCause"]) == (1, 17)
        assert len(record["phoneCallView"]) == 2


@pytest.mark.parametrize("contact", ["x,1,m", "x&Local/00", "x&PJSIP/3235550202%40trunk"])
async def test_given_a_contact_with_signs_of_a_dial_string_when_called_then_they_mean_nothing(
    lab: RunningLab, api: ApiClient, contact: str
) -> None:
    """Of a registered phone: it must not choose how, or who else, is dialled."""
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    user, call_id = "0003*211", uuid4().hex
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",)) as socket,
        lab.phone("0003*212", answer="auto"),
        lab.phone(user) as desk,
    ):
        await socket.send_str(register(call_id, 1, "", user, contact))
        more = digest(await after_options(socket), lab.bridge.secret(f"sip/{user}"), user)
        await socket.send_str(register(call_id, 2, more, user, contact))
        assert (await after_options(socket)).startswith("SIP/2.0 200")
        contacts = await lab.asterisk.pbx.console("pjsip show contacts")
        assert contact.partition("%")[0] in contacts

        placed = await api.place(["212"], ["211"], extension="212")
        await desk.wait_ringing()
        await asyncio.sleep(2.0)  # what an option of Dial would have limited to a second
        assert statuses(await api.call(placed)) == [4, 3]
        await desk.accept()
        await wait_statuses(api, placed, 5, 5)
        await api.hang_up("212", placed)
        assert len((await ended_once(lab, api, placed))["phoneCallView"]) == 2


async def test_given_one_device_is_all_when_a_second_registers_then_it_replaces_and_the_log_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    def replaced() -> list[dict[str, object]]:
        lines = lab.bridge.log_lines("info")
        return [
            x for x in lines if x["event"] == "phone_replaced" and x["endpoint"] == "PJSIP/0003*213"
        ]

    async with lab.phone("0003*213") as old, lab.phone("0003*213", answer="auto") as new:
        await eventually(lambda: len(replaced()) == 1)
        assert replaced()[0]["old"] != replaced()[0]["new"]
        await api.wait_status(await api.place(["213"], ["0003*00"], extension="213"), 5)
        assert (old.incoming_invites, new.incoming_invites) == (0, 1)


async def test_given_a_desk_phone_and_a_mobile_when_asked_then_presence_has_both(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210"), lab.phone("0003*210"):
        answer = await api.request("GET", "/uapi/extensions/@me/210/presence/")
    [entry] = answer.json["entry"]
    assert entry["status"] == "1"
    assert [x["registration"] for x in entry["registration"]] == ["1", "1"]
    assert len({x["address"] for x in entry["registration"]}) == 2
