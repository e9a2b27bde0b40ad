"""A PBX without a module or a context of an action: 501, which names it, and nobody is rung."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.pbx.actions.listening import ALICE_HZ, BOB_HZ, act, hear, talk

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def poor_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    folder = tmp_path_factory.mktemp("poor")
    configuration = folder / "asterisk-conf"
    shutil.copytree(CONFIGURATION, configuration)
    for name, old, new in (
        ("modules.conf", r"^load = app_directed_pickup\.so\n", ""),
        ("extensions-bridge.conf", r"^exten => whisper,1", "exten => quiet,1"),
        ("modules.conf", r"^load = app_chanspy\.so\n", ""),
        ("extensions-bridge.conf", r"^\[uapi-transfer-back\]", "[my-transfer-back]"),
        ("extensions-voicemail.conf", r"^\[uapi-voicemail\]", "[my-voicemail]"),
        ("modules.conf", r"^load = res_parking\.so\n", ""),
    ):
        file = configuration / "pbx" / name
        text, count = re.subn(old, new, file.read_text(), flags=re.MULTILINE)
        assert count == 1
        file.write_text(text)
    directory = folder / "directory.yaml"
    entry = "      - number: 0003*212\n"
    text = EXAMPLE_FILE.read_text()
    assert entry in text
    directory.write_text(text.replace(entry, entry + "        voicemail: yes\n"))
    settings = {"directory_file": str(directory)}
    async with await open_lab(folder / "lab", settings, configuration=configuration) as lab:
        yield lab


@pytest.mark.parametrize(
    ("action", "missing"),
    [
        ("Monitor", "the module app_chanspy"),
        ("BargeIn", "the module app_chanspy"),
        ("Whisper", "the dialplan context [uapi-listen], extension whisper"),
    ],
)
async def test_given_a_missing_part_when_a_phone_is_to_listen_then_the_answer_names_it(
    poor_lab: RunningLab, action: str, missing: str
) -> None:
    async with poor_lab.client() as api, talk(poor_lab, api) as call:
        answer = await act(api, call.call_id, action)
        assert (answer.status, answer.code) == (501, "request_not_implemented")
        assert missing in answer.message
        assert call.boss.log.dialogs == []
        await api.leave_no_call()


async def test_given_no_pick_up_when_a_call_is_to_be_picked_up_then_the_answer_names_the_module(
    poor_lab: RunningLab,
) -> None:
    async with (
        poor_lab.client() as api,
        poor_lab.phone("0003*210", answer="auto"),
        poor_lab.phone("0003*211") as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)
        answer = await act(api, call_id, "PickUp")
        assert (answer.status, answer.code) == (501, "request_not_implemented")
        assert "the module app_directed_pickup" in answer.message
        await api.leave_no_call()


@pytest.mark.parametrize(
    ("action", "missing"),
    [("Transfer", "[uapi-transfer-back]"), ("TransferToVoicemail", "[uapi-voicemail]")],
)
async def test_given_a_missing_context_when_a_party_is_to_be_transferred_then_the_talk_goes_on(
    poor_lab: RunningLab, action: str, missing: str
) -> None:
    async with (
        poor_lab.client() as api,
        poor_lab.phone("0003*210", answer="auto"),
        poor_lab.phone("0003*211", answer="auto"),
        poor_lab.phone("0003*212") as carol,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        before = await api.call(call_id)
        answer = await act(api, call_id, action, sendCallTo="0003*212")
        assert (answer.status, answer.code) == (501, "request_not_implemented")
        assert missing in answer.message
        assert await api.call(call_id) == before
        assert carol.log.dialogs == []
        await api.leave_no_call()


async def test_given_no_parking_lot_when_a_party_is_to_be_parked_then_the_answer_names_the_module(
    poor_lab: RunningLab,
) -> None:
    async with poor_lab.client() as api, talk(poor_lab, api) as call:
        answer = await act(api, call.call_id, "Park")
        assert (answer.status, answer.code) == (501, "request_not_implemented")
        assert "module res_parking" in answer.message
        await hear({call.alice: (BOB_HZ,), call.bob: (ALICE_HZ,)})
        await api.leave_no_call()
