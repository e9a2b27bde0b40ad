"""Mailboxes are bounded, and the examples of docs/voicemail.md do as the page says."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaClient

from .conftest import SETTINGS, directory
from .messages import files, leave_message

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOC = Path(__file__).parents[3] / "docs" / "voicemail.md"
BOUNDED = {"voicemail_messages_max": "1", "voicemail_message_max_s": "5"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("bounded")
    file = folder / "directory.yaml"
    file.write_text(directory())
    settings = {"directory_file": str(file), **SETTINGS, **BOUNDED}
    async with await open_lab(folder, settings) as lab:
        yield lab


async def test_given_a_message_of_the_longest_time_then_the_mailbox_is_full_and_examples_delete_it(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, tmp_path: Path
) -> None:
    call_id = await leave_message(lab, api, "211", hangs_up=False)
    [file] = files(lab)
    assert file.stat().st_size < 6 * 16_000
    await verba.conversation(call_id, ongoing=False)

    # The mailbox is full: the caller is told so, and the call ends.
    async with lab.phone("0003*210", answer="auto"):
        second = await api.place(["210"], ["211"], extension="210")
        ended = await api.wait_ended(second, time_limit_s=30)
        assert ended["takenBy"] == "voicemail"
    assert files(lab) == [file]

    [block] = re.findall(r"```sh\n(.*?)```", DOC.read_text(), re.S)
    example = await asyncio.create_subprocess_exec(
        *("bash", "-e", "-c", block),
        cwd=tmp_path,
        env={**os.environ, "URL": lab.bridge.base_url, "KEY": verba.api_key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await asyncio.wait_for(example.communicate(), 60))[0].decode()
    assert example.returncode == 0, said
    assert said.count('<metadata name="voicemail">0003*211</metadata>') == 1
    assert '<Response code="0" type="DeleteCall"' in said
    assert (tmp_path / "message.wav").stat().st_size > 4 * 16_000
    await eventually(lambda: files(lab) == [], timeout=20)
