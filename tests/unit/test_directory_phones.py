"""Phones that cannot be made are tried again until they are, and said once for one reason."""

from __future__ import annotations

from typing import cast

import pytest
from structlog.testing import capture_logs

import bridge.directory_phones as module
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.directory_phones import DirectoryPhones
from bridge.pbx.ami_link import AmiLink
from bridge.pbx.ari_client import AriClient, AriEndpoint, AriRefused
from bridge.secrets_file import ThrowawaySecrets
from bridge.settings import Settings
from tests.scripted_ami.eventually import eventually

from .pbx.test_provisioning import FakePhones


class FakeLink:
    def __init__(self) -> None:
        self.refreshed = 0

    async def refresh_endpoints(self) -> None:
        self.refreshed += 1


class Refusing(FakePhones):
    """As a PBX with another ARI secret, `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        self.times -= 1
        if self.times >= 0:
            raise AriRefused(401, "Authentication required")
        return await super().endpoints(technology)


async def test_given_a_refusal_when_tried_again_then_the_phones_are_made_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(module, "RETRY_LAST_S", 0.02)
    pbx, link = Refusing(5), FakeLink()
    phones = DirectoryPhones(
        Settings(),
        CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()),
        cast("AriClient", pbx),
        cast("AmiLink", link),
    )
    with capture_logs() as log:
        await phones.provision()
        assert phones.ready.is_set()  # calls with phones that exist are possible
        assert "Authentication required" in phones.problem
        await eventually(lambda: link.refreshed == 1)
    assert phones.problem == ""
    assert "0003*210" in pbx.names()
    assert sum(x["event"].startswith("phones not provisioned") for x in log) == 1
    phones.stop()


async def test_given_provisioning_is_off_when_linked_then_no_phone_is_made() -> None:
    pbx = FakePhones()
    before = pbx.names()
    phones = DirectoryPhones(
        Settings(provision_phones=False),
        CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()),
        cast("AriClient", pbx),
        cast("AmiLink", FakeLink()),
    )
    await phones.provision()
    assert (pbx.names(), pbx.writes) == (before, 0)
    assert phones.ready.is_set()
