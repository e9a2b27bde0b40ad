"""Transfer to phones whose calls the directory forwards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.config.secrets_file import AMI_SECRET
from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.sipp_behaviour import refuses
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call

from .acting import act, acted, hear_each_other, views

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "3235550200"
FORWARDS = {
    "0003*212": "{busy: 0003*213, unregistered: 0003*213}",
    "0003*220": f"{{always: '{NUMBER}'}}",
}
ALICE_HZ, BOB_HZ, DAVE_HZ = 440, 620, 850


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("transfer-to-forwards")
    text = EXAMPLE_FILE.read_text()
    for number, forward in FORWARDS.items():
        entry = f"      - number: {number}"
        assert entry in text
        text = text.replace(entry, f"{entry}\n        forward: {forward}\n        #", 1)
    file = folder / "directory.yaml"
    file.write_text(text)
    async with await open_lab(folder, {"directory_file": str(file)}) as lab:
        yield lab


@pytest.mark.parametrize("case", ["busy", "unregistered", "busy twice"])
async def test_given_a_forward_when_transferred_then_it_counts_before_the_way_back(
    lab: RunningLab, case: str
) -> None:
    async with (
        lab.client() as api,
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        if case == "busy twice":
            async with (
                lab.scripted("0003*212", refuses(486)),
                lab.scripted("0003*213", refuses(486)),
            ):
                answer = await act(api, call_id, "Transfer", sendCallTo="0003*212")
            assert (answer.status, answer.code) == (409, "pc_action_failed")
            assert "0003*212 is busy, and 0003*211 talks to 0003*210 again" in answer.message
            await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
            await api.leave_no_call()
            return
        async with lab.phone("0003*213", answer="auto", tone_hz=DAVE_HZ) as dave:
            if case == "busy":
                async with lab.scripted("0003*212", refuses(486)):
                    call = await acted(api, call_id, "Transfer", sendCallTo="0003*212")
            else:
                call = await acted(api, call_id, "Transfer", sendCallTo="0003*212")
            assert views(call, "forwardedFrom") == [None, "212"]
            await alice.wait_closed()
            await hear_each_other(bob, BOB_HZ, dave, DAVE_HZ)
            await api.leave_no_call()


@pytest.mark.parametrize("who", ["kept", "transfers"])
async def test_given_a_forward_to_a_party_of_the_talk_when_transferred_then_it_is_not_followed(
    lab: RunningLab, who: str
) -> None:
    """0003*212 has no phone, its calls go to 0003*213."""
    async with (
        lab.client() as api,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*213", answer="auto", tone_hz=DAVE_HZ) as dave,
    ):
        numbers = ("211", "213") if who == "kept" else ("213", "211")
        call_id = await api.place([numbers[0]], [numbers[1]])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])

        answer = await act(
            api, call_id, "Transfer", extension=numbers[0], sendCallTo="0003*212", waitForPickup=3
        )

        assert (answer.status, answer.code) == (409, "pc_action_failed")
        again = f"0003*{numbers[1]} talks to 0003*{numbers[0]} again"
        assert f"0003*212 is busy, and {again}" in answer.message
        rung = (1, 2) if who == "transfers" else (2, 1)
        assert (bob.incoming_invites, dave.incoming_invites) == rung
        await hear_each_other(bob, BOB_HZ, dave, DAVE_HZ)
        await api.leave_no_call()


async def test_given_a_phone_that_talked_before_when_a_forward_leads_to_it_then_it_rings_again(
    lab: RunningLab,
) -> None:
    """0003*213 had 0003*211 by the first transfer, and has left since."""
    async with (
        lab.client() as api,
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ),
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*213", answer="auto", tone_hz=DAVE_HZ) as dave,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        for target in ("0003*213", "0003*210", "0003*212"):
            call = await acted(
                api,
                call_id,
                "Transfer",
                extension="211",
                transferNumber="0003*211",
                sendCallTo=target,
            )
        assert views(call, "forwardedFrom") == [None, "212"]
        await hear_each_other(bob, BOB_HZ, dave, DAVE_HZ)
        await api.leave_no_call()


@pytest.mark.parametrize("other", ["0003*211", "0003*214"])
async def test_given_a_forward_to_a_public_number_when_transferred_then_the_rule_of_the_call_counts(
    lab: RunningLab, other: str
) -> None:
    """0003*214 may not call public numbers."""
    async with (
        lab.client() as api,
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone(other, answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        await alice.dial(other)
        talk = await wait_only_call(api, "210", lambda x: views(x, "status") == [5, 5])
        answer = await act(api, talk["id"], "Transfer", sendCallTo="0003*220")
        if other == "0003*211":
            assert answer.status == 200, answer.text
            assert NUMBER in answer.json["phoneCallView"][0]["destination"]
            await alice.wait_closed()
            await bob.hangup()
        else:
            assert (answer.status, answer.code) == (409, "pc_action_failed")
            assert "0003*220 is busy, and 0003*214 talks to 0003*210 again" in answer.message
            await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
            await alice.hangup()
        await wait_no_calls(api)


async def test_given_a_phone_rang_out_before_the_talk_when_transferred_to_none_then_none_rang_out(
    lab: RunningLab,
) -> None:
    """The channel has the mark of the phone that rang out; 214 has no phone since a moment ago."""
    ami = PlainAmi()
    secret = lab.bridge.secret(AMI_SECRET)
    await ami.open("127.0.0.1", lab.asterisk.ports.ami, "bridge", secret)
    values = {
        "BRIDGE_RANG_OUT": "1",
        "UAPI_TRANSFER_DIAL": "PJSIP/0003*214",
        "UAPI_TRANSFER_BACK": "0003*214",
        "UAPI_TRANSFER_BACK_DIAL": "PJSIP/0003*214",
    }
    try:
        answer = await ami.action(
            "Originate",
            *[("Variable", f"{name}={value}") for name, value in values.items()],
            Channel="Local/answer@bridge-check/n",
            Async="true",
            Priority="1",
            Context="uapi-transfer",
            Exten="0003*214",
        )
        assert answer["Response"] == "Success", answer
        gone = await ami.wait_for(
            lambda x: x["Event"] == "Hangup" and x["Context"] == "not-answered"
        )
        assert gone["Cause"] in ("3", "20")  # nothing is registered
    finally:
        await ami.close()
