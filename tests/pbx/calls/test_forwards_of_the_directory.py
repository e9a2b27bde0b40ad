"""`forward` of an extension: carried out by the PBX itself, for whoever calls the phone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.sipp_behaviour import answers, forwards, refers, refuses, rings
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .live_calls import wait_only_call
from .public_network import calls_of_public_network, wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "3235550200"
FORWARDS = {
    "0003*211": "{busy: 212, no_answer: 0003*212, no_answer_s: 2, unregistered: 212}",
    "0003*212": f"{{busy: '{NUMBER}', always: 0003*213}}",
    "0003*213": f"{{busy: '{NUMBER}', no_answer: 211, no_answer_s: 2}}",
    "0003*214": "{no_answer: 210, no_answer_s: 2}",
    "0003*220": f"{{always: '{NUMBER}'}}",
}
BUSY = 1


def directory(of: Mapping[str, str]) -> str:
    text = EXAMPLE_FILE.read_text()
    for number, forward in of.items():
        entry = f"      - number: {number}"
        assert entry in text
        text = text.replace(entry, f"{entry}\n        forward: {forward}\n        #", 1)
    shown = "        caller_id: Alice Desk <5550003211>\n"
    assert shown in text
    return text.replace(shown, "", 1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("forwards")
    file = folder / "directory.yaml"
    file.write_text(directory(FORWARDS))
    lab = await open_lab(folder, {"directory_file": str(file)})
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(loop_scope="session")
async def alice(lab: RunningLab) -> AsyncIterator[Softphone]:
    async with lab.phone("0003*210", answer="auto") as phone:
        yield phone


async def is_connected(phone: Softphone, number: str) -> bool:
    call = await phone.dial(number)
    await eventually(lambda: call.established or call.closed, timeout=20)
    return call.established


def parties(call: Any) -> list[str]:
    return [x.get("extension", "outside") for x in call["phoneCallView"]]


def forwarded(call: Any) -> dict[str, str]:
    """By the party that was reached, who forwarded."""
    views = [x for x in call["phoneCallView"] if "forwardedFrom" in x]
    return {x.get("extension", "outside"): x["forwardedFrom"] for x in views}


@pytest.mark.parametrize(
    "behaviour",
    [refuses(486, "Busy Here"), forwards("sip:0003*220@pbx"), rings(), None],
    ids=["busy", "forwards itself", "no answer", "not registered"],
)
async def test_given_a_phone_that_cannot_take_it_when_called_then_the_next_one_is_rung(
    lab: RunningLab, api: ApiClient, alice: Softphone, behaviour: Any
) -> None:
    """211 → 212, whose calls always go to 213: by an app and by a phone."""
    bob = None if behaviour is None else lab.scripted("0003*211", behaviour)
    if bob is not None:
        await bob.start()
    try:
        async with lab.scripted("0003*213", answers()) as dora:
            call_id = await api.place(["210"], ["211"], extension="210")
            call = await api.wait_status(call_id, 5, time_limit_s=40)
            assert dora.incoming_invites == 1
            assert forwarded(call) == {"213": "212"}
            await api.hang_up("210", call_id)
            ended = await api.wait_ended(call_id)
            assert forwarded(ended) == {"213": "212"}
            # 212 was never rung: it is no party, but where it was ordered.
            assert parties(ended) == ["210", "211", "213"]

            assert await is_connected(alice, "211")
            assert dora.incoming_invites == 2
            [live] = await api.calls("213")
            assert forwarded(live) == {"213": "212"}
            await alice.hangup()
            if bob is not None:
                assert bob.incoming_invites == 2
    finally:
        if bob is not None:
            await bob.stop()


async def test_given_an_always_forward_to_a_public_number_when_called_then_it_pays(
    lab: RunningLab, api: ApiClient, alice: Softphone
) -> None:
    assert await is_connected(alice, "220")
    await wait_public_calls(lab, NUMBER, 1)
    await alice.hangup()
    await wait_public_calls(lab, NUMBER, 0)

    call_id = await api.place(["210"], ["220"], extension="210")
    await api.wait_status(call_id, 5)
    await wait_public_calls(lab, NUMBER, 1)
    await api.hang_up("210", call_id)
    record = await api.wait_ended(call_id)
    assert NUMBER in str(record["phoneCallView"])
    assert forwarded(record) == {"outside": "220"}
    await wait_public_calls(lab, NUMBER, 0)

    async with lab.client("user-13") as bob:
        await lab.asterisk.call_in("5550003220")
        await wait_public_calls(lab, NUMBER, 1)
        # Nobody of the directory is in it but by having been dialled.
        [call] = await bob.calls("220")
        assert call["extension"] in ("220", "0003*220")
        await bob.leave_no_call()
        await wait_public_calls(lab, NUMBER, 0)


async def test_given_a_phone_without_caller_id_when_forwarded_outside_then_its_public_one_is_shown(
    lab: RunningLab,
) -> None:
    async with lab.phone("0003*211") as bob:
        assert await is_connected(bob, NUMBER)
        [directly] = await wait_public_calls(lab, NUMBER, 1)
        await bob.hangup()
        await wait_public_calls(lab, NUMBER, 0)

        assert await is_connected(bob, "220")
        assert await wait_public_calls(lab, NUMBER, 1) == [directly] == ["5550003211"]
        await bob.hangup()
    await wait_public_calls(lab, NUMBER, 0)


@pytest.mark.parametrize("caller", ["a phone", "an app", "an app without public transfers"])
async def test_given_who_may_not_call_out_when_forwarded_to_a_public_number_then_it_is_busy(
    lab: RunningLab, api: ApiClient, caller: str
) -> None:
    before = await calls_of_public_network(lab)
    if caller == "a phone":
        async with lab.phone("0003*214") as lobby:
            assert not await is_connected(lobby, "220")
        assert await calls_of_public_network(lab) == before
        return
    if caller == "an app":
        async with lab.phone("0003*214", answer="auto"):
            call_id = await api.place(["214"], ["220"], extension="214")
            record = await api.wait_ended(call_id)
        allowed = 0
    else:
        call_id = await api.place(["5354353"], ["220"], extension="210")
        record = await api.wait_ended(call_id)
        allowed = 1  # its public source
    assert record["disposition"] != 0
    assert await calls_of_public_network(lab) - before == allowed


async def test_given_no_public_transfer_when_forwarded_to_a_public_number_then_no_second_one_comes(
    lab: RunningLab, api: ApiClient
) -> None:
    before = await calls_of_public_network(lab)
    behaviour = refers("3235550202", refer_after_ms=2_500, talk_ms=60_000)
    async with lab.scripted("0003*210", behaviour) as caller:
        call_id = await api.place(["210"], ["220"], extension="210")
        await wait_public_calls(lab, NUMBER, 1)
        await caller.wait_transfer()
        await api.wait_ended(call_id)
        await wait_public_calls(lab, NUMBER, 0)
    assert await calls_of_public_network(lab) - before == 1


async def test_given_forwards_that_go_round_when_called_then_each_phone_rings_once(
    lab: RunningLab, alice: Softphone
) -> None:
    """211 → 212 → 213 → 211."""
    async with lab.scripted("0003*211", rings()) as bob, lab.scripted("0003*213", rings()) as dora:
        assert not await is_connected(alice, "211")
        assert (bob.incoming_invites, dora.incoming_invites) == (1, 1)


async def test_given_a_forward_back_to_the_caller_when_called_then_the_caller_does_not_ring(
    lab: RunningLab, api: ApiClient
) -> None:
    """213 calls 212, whose calls always go to 213: by a phone and by an app."""
    async with lab.phone("0003*213", answer="auto") as dora:
        assert not await is_connected(dora, "212")
        assert dora.incoming_invites == 0

        call_id = await api.place(["213"], ["212"], extension="210")
        record = await api.wait_ended(call_id)

        assert record["disposition"] == BUSY
        assert dora.incoming_invites == 1


async def test_given_several_sources_when_forwarded_to_one_then_it_rings_unless_it_waits(
    lab: RunningLab, api: ApiClient
) -> None:
    """213 and 214 are to be connected with 212, whose calls always go to 213."""
    async with lab.phone("0003*213", answer="auto") as dora, lab.scripted("0003*214", rings()):
        call_id = await api.place(["213", "214"], ["212"], extension="210")
        record = await api.wait_ended(call_id)
        assert record["disposition"] == BUSY
        assert dora.incoming_invites == 1

    async with lab.phone("0003*214", answer="auto"), lab.phone("0003*213") as dora:
        call_id = await api.place(["213", "214"], ["212"], extension="210")
        await eventually(lambda: dora.incoming_invites == 2, timeout=20)
        await dora.wait_ringing()
        await dora.accept()
        live = await api.wait_status(call_id, 5)
        assert [x["extension"] for x in live["phoneCallView"]] == ["214", "213"]
        assert forwarded(live) == {"213": "212"}
        await api.hang_up("210", call_id)
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "api")


async def test_given_a_phone_that_rings_out_when_the_next_is_not_registered_then_time_was_over(
    lab: RunningLab, api: ApiClient
) -> None:
    """214 → 210, called by an app and by a phone: nobody else has ended the call."""
    async with (
        lab.scripted("0003*214", rings()),
        lab.phone("0003*213", answer="auto") as dora,
    ):
        call_id = await api.place(["213"], ["214"], extension="210")
        by_app = await api.wait_ended(call_id)
        await dora.dial("214")
        live = await wait_only_call(api, "213")
        for record in (by_app, await api.wait_ended(live["id"])):
            assert (record["endedBy"], record["hangupCause"]) == ("pickup timeout", 19)


async def test_given_a_dead_service_when_phones_call_then_forwards_hold(
    lab: RunningLab, alice: Softphone
) -> None:
    await lab.bridge.kill()
    try:
        async with lab.scripted("0003*213", answers()) as dora:
            assert await is_connected(alice, "212")
            assert dora.incoming_invites == 1
            await alice.hangup()
    finally:
        await lab.bridge.start()


async def test_given_a_forward_taken_out_when_reloaded_then_it_is_gone(
    lab: RunningLab, alice: Softphone
) -> None:
    file = Path(lab.bridge.state_dir.parent / "directory.yaml")
    file.write_text(EXAMPLE_FILE.read_text())
    try:
        async with lab.scripted("0003*212", answers()) as carol:
            told = lab.bridge.log_text().count("dialplan_values_told")
            lab.bridge.reload()
            await eventually(
                lambda: lab.bridge.log_text().count("dialplan_values_told") > told, timeout=20
            )
            assert await is_connected(alice, "212")
            assert carol.incoming_invites == 1
            await alice.hangup()
    finally:
        file.write_text(directory(FORWARDS))
        lab.bridge.reload()
