"""A real PBX and a real public network of its own for each test that asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import AsteriskSecrets
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.installation import test_installation
from bridge.testing.lab.public_network import CallableAsterisk

from .pbx_under_test import PbxUnderTest

SECRETS = AsteriskSecrets(
    ami_secret="ami-test", ari_secret="ari-test", ami_recording_secret="ami-recording-test"
)


@pytest.fixture
async def installation() -> Installation:
    return await test_installation()


@pytest.fixture
def asterisk(installation: Installation, tmp_path: Path) -> CallableAsterisk:
    """Not started."""
    return CallableAsterisk(
        installation=installation,
        state_dir=tmp_path / "s",
        ports=free_asterisk_ports(),
        secrets=SECRETS,
    )


@pytest.fixture
async def pbx(asterisk: CallableAsterisk) -> AsyncIterator[PbxUnderTest]:
    """Started, with AMI and ARI open; phones are made by the test."""
    await asterisk.start()
    under_test = PbxUnderTest(asterisk, SECRETS)
    try:
        await under_test.open()
        yield under_test
    finally:
        await under_test.close()
        await asterisk.stop()
