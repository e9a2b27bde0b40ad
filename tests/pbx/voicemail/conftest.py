"""One lab in which some phones have voicemail switched on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.lamp_phone import LampPhone
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaClient

SETTINGS = {"recording_settle_ms": "200", "voicemail_check_interval_s": "1"}
VOICEMAIL = ("0003*211", "0003*212", "0003*213")


def directory() -> str:
    text = EXAMPLE_FILE.read_text()
    for number in VOICEMAIL:
        entry = f"      - number: {number}\n"
        assert entry in text
        more = "        voicemail: yes\n        forward: {no_answer_s: 1}\n"
        text = text.replace(entry, entry + more, 1)
    return text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    # One of each file: the messages that one leaves must not be found by another.
    folder = tmp_path_factory.mktemp("voicemail")
    file = folder / "directory.yaml"
    file.write_text(directory())
    async with await open_lab(folder, {"directory_file": str(file), **SETTINGS}) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def verba(lab: RunningLab) -> AsyncIterator[VerbaClient]:
    async with VerbaClient(lab.bridge.base_url, lab.bridge.secret("verba-key/erasure")) as client:
        yield client


async def lamp_phone(lab: RunningLab, user: str) -> LampPhone:
    """Started: whoever makes it stops it."""
    secret = lab.bridge.secret(f"sip/{user}")
    phone = LampPhone(user, secret, ("127.0.0.1", lab.asterisk.ports.sip))
    await phone.start()
    await lab.phone_is_online(user)
    return phone
