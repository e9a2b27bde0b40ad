"""Phones that cannot be made are tried again until they are, and said once for one reason."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

import bridge.pbx.phones.directory_phones as module
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.faults import Fenced
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.ari.client import AriClient, AriEndpoint
from bridge.pbx.ari.errors import AriRefused
from bridge.pbx.pbx_settings import PhoneProfile
from bridge.pbx.phones.browser_secrets import BrowserSecrets
from bridge.pbx.phones.directory_phones import DirectoryPhones
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

from .pbx.test_provisioning import FakePhones


class FakeLink:
    def __init__(self) -> None:
        self.refreshed = 0

    async def refresh_endpoints(self) -> None:
        self.refreshed += 1

    async def send(self, action: AmiAction) -> dict[str, str]:
        """Nobody is registered."""
        return {"Response": "Success", "Value": ""}


class Refusing(FakePhones):
    """As a PBX with another ARI secret, `times` times; or any other fault."""

    def __init__(self, times: int, fault: Exception | None = None) -> None:
        super().__init__()
        self.times = times
        self.fault = fault or AriRefused(401, "Authentication required")

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        self.times -= 1
        if self.times >= 0:
            raise self.fault
        return await super().endpoints(technology)


@instant
async def test_given_a_refusal_when_tried_again_then_the_phones_are_made_at_last() -> None:
    pbx, link = Refusing(5), FakeLink()
    phones = made(pbx, link=link)
    with capture_logs() as log:
        await phones.provision()
        assert phones.ready.is_set()  # calls with phones that exist are possible
        assert "Authentication required" in phones.problem
        await eventually(lambda: link.refreshed == 1, 600)
    assert phones.problem == ""
    assert "0003*210" in pbx.names()
    [begin] = [x for x in log if x["event"] == "provisioning_failing_began"]
    [end] = [x for x in log if x["event"] == "provisioning_failing_ended"]
    assert "Authentication required" in begin["why"]
    assert (begin["log_level"], end["times"]) == ("error", 5)
    phones.stop()


@instant
async def test_given_a_fault_of_ours_when_tried_again_then_the_service_still_gets_ready() -> None:
    pbx, link = Refusing(1, KeyError("state")), FakeLink()
    phones = made(pbx, link=link)
    await phones.provision()
    assert phones.ready.is_set()
    assert "KeyError" in phones.problem
    await eventually(lambda: link.refreshed == 1)
    assert phones.problem == ""
    phones.stop()


@instant
async def test_given_a_lost_lease_then_that_is_the_reason_and_no_fault_of_ours() -> None:
    phones = made(Refusing(1, Fenced("pbx:one is taken over")))
    with capture_logs() as log:
        await phones.provision()
    assert phones.problem == "pbx:one is taken over"
    assert not [x for x in log if x.get("exc_info")]
    phones.stop()


@instant
async def test_given_a_foreign_phone_of_that_number_when_it_goes_then_ours_is_made_once() -> None:
    pbx = FakePhones()
    pbx.objects["aor", "0003*211"] = {"max_contacts": "1"}
    phones = made(pbx)
    with capture_logs() as log:
        await phones.provision()
        assert "0003*211 exists on the PBX and is not ours" in phones.problem
        writes = pbx.writes
        await eventually(lambda: sum(x["event"] == "phone_not_made_began" for x in log) == 1)
        await asyncio.sleep(3600)
        assert pbx.writes == writes
        del pbx.objects["aor", "0003*211"]
        await eventually(lambda: phones.problem == "", 600)
    assert ("endpoint", "0003*211") in pbx.objects
    [end] = [x for x in log if x["event"] == "phone_not_made_ended"]
    assert end["extension"] == "0003*211"
    assert sum(x["event"] == "phone_not_made_began" for x in log) == 1
    assert all("took_s" in x for x in log if x["event"] == "phones_provisioned")
    phones.stop()


class Slow(FakePhones):
    """Each write takes a moment."""

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        await asyncio.sleep(0.005)
        await super().put_dynamic_object(kind, name, fields)


@instant
async def test_given_phones_are_being_made_when_asked_again_then_the_newest_directory_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "READY_AFTER_S", 0.0)
    pbx = Slow()
    phones = made(pbx)
    first = asyncio.create_task(phones.provision())
    await eventually(lambda: "are changed on the PBX" in phones.problem)
    assert phones.ready.is_set()  # calls with the others are possible meanwhile
    await asyncio.wait_for(asyncio.gather(first, phones.provision(), phones.begin(5.0)), 10)
    assert phones.problem == ""
    assert ("endpoint", "0003*211") in pbx.objects


def made(
    pbx: FakePhones,
    profile: PhoneProfile | None = PhoneProfile(),  # noqa: B008 - it is frozen
    link: FakeLink | None = None,
    file: Path = EXAMPLE_FILE,
    secrets: Callable[[BrowserSecrets], object] = lambda _: None,
) -> DirectoryPhones:
    """`secrets` is given the passwords of its browsers."""
    directory = CurrentDirectory(file, ThrowawaySecrets())
    browser_secrets = BrowserSecrets(pbx, directory, 3600)
    secrets(browser_secrets)
    return DirectoryPhones(
        profile,
        directory,
        cast("AriClient", pbx),
        cast("AmiLink", link or FakeLink()),
        browser_secrets,
    )


@instant
async def test_given_webrtc_when_provisioned_then_its_browsers_have_an_endpoint_beside_it(
    tmp_path: Path,
) -> None:
    pbx, file = FakePhones(), tmp_path / "directory.yaml"
    file.write_text(with_webrtc(EXAMPLE_FILE.read_text(), "0003*211"))
    phones = made(pbx, file=file)
    await phones.provision()
    assert pbx.objects["endpoint", "0003*211"]["aors"] == "0003*211,0003*211-web"
    assert pbx.objects["endpoint", "0003*210"]["aors"] == "0003*210"
    browsers = pbx.objects["endpoint", "0003*211-web"]
    assert (browsers["webrtc"], browsers["accountcode"]) == ("yes", "0003*211")
    assert browsers["allow"] == "opus,ulaw,alaw"
    assert pbx.objects["aor", "0003*211-web"]["maximum_expiration"] == "600"
    assert "maximum_expiration" not in pbx.objects["aor", "0003*211"]
    assert browsers["context"] == pbx.objects["endpoint", "0003*211"]["context"]
    secrets = {pbx.objects["auth", x]["password"] for x in ("0003*211", "0003*211-web")}
    assert len(secrets) == 2

    writes = pbx.writes
    await phones.provision()  # their password is another one each time, and no change
    assert pbx.writes == writes

    told = pbx.objects["auth", "0003*211-web"]["password"]
    after_restart: list[BrowserSecrets] = []
    await made(pbx, file=file, secrets=after_restart.append).provision()
    await after_restart[0].replace_old()  # the earlier run may have told it to somebody
    assert pbx.objects["auth", "0003*211-web"]["password"] != told

    pbx.modules.clear()  # without Opus
    await phones.provision()
    assert pbx.objects["endpoint", "0003*211-web"]["allow"] == "ulaw,alaw"

    phones = made(pbx)
    await phones.provision()
    assert ("endpoint", "0003*211-web") not in pbx.objects
    assert pbx.objects["endpoint", "0003*211"]["aors"] == "0003*211"


def with_webrtc(directory: str, number: str) -> str:
    entry = f"      - number: {number}"
    return re.sub(rf"({re.escape(entry)}.*\n)", r"\1        webrtc: yes\n", directory)


@instant
async def test_given_provisioning_is_off_when_linked_then_no_phone_is_made() -> None:
    pbx = FakePhones()
    before = pbx.names()
    phones = made(pbx, None)
    await phones.provision()
    assert (pbx.names(), pbx.writes) == (before, 0)
    assert phones.ready.is_set()
