"""A phone of the directory is changed while somebody is registered as it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from bridge.config.secrets_file import AMI_SECRET, ARI_SECRET
from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.plain_phone import PlainPhone

pytestmark = pytest.mark.asyncio(loop_scope="session")

_NUMBER = "0003*214"
_CALLER_ID = "Alice Lobby <5550003214>"


class ChangedPhone:
    """The lab, with its directory file, and what Asterisk says of the phone."""

    def __init__(self, lab: RunningLab, file: Path, ami: PlainAmi) -> None:
        self.lab, self._file, self._ami = lab, file, ami

    async def change(self, *changes: tuple[str, str]) -> None:
        """Put the example file into force, so changed (old, new); once Asterisk has it."""
        text = EXAMPLE_FILE.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        before = self._runs()
        self._file.write_text(text)
        self.lab.bridge.reload()
        await eventually(lambda: self._runs() > before, 20)

    def _runs(self) -> int:
        return sum(x["event"] == "phones_provisioned" for x in self.lab.bridge.log_lines())

    async def contacts(self) -> list[str]:
        answer = await self._ami.action("Getvar", Variable=f"PJSIP_AOR({_NUMBER},contact)")
        return [x for x in answer["Value"].split(",") if x]

    @asynccontextmanager
    async def phone(self) -> AsyncIterator[PlainPhone]:
        """It registers, from a port of its own, and is known to be there."""
        ports = self.lab.asterisk.ports
        secret = self.lab.bridge.secret(f"sip/{_NUMBER}")
        phone = PlainPhone(_NUMBER, secret, (ports.bind_address, ports.sip))
        await phone.start()
        try:
            await self.lab.phone_is_online(_NUMBER)
            yield phone
        finally:
            await phone.stop()

    async def rings(self, phone: PlainPhone) -> None:
        """Once the service knows of the phone: the PBX tells it after the phone."""
        async with self.lab.client() as api, asyncio.timeout(20):
            while (answer := await self._create(api)).status != 202:
                assert answer.code == "pc_source_invalid"
                await asyncio.sleep(0.1)  # between two requests
            await phone.ringing()
            assert (await api.hang_up("210", answer.json[0]["id"])).status == 200
        await phone.free()

    async def is_gone(self) -> None:
        """Once the API refuses to call the phone at once."""
        async with self.lab.client() as api, asyncio.timeout(20):
            while (answer := await self._create(api)).status == 202:
                await api.wait_ended(answer.json[0]["id"])
        assert (answer.status, answer.code) == (400, "pc_source_invalid")

    async def _create(self, api: ApiClient) -> Answer:
        return await api.create([_NUMBER], ["0003*00"], extension="210")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def changed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChangedPhone]:
    folder = tmp_path_factory.mktemp("short")
    file = folder / "directory.yaml"
    file.write_text(EXAMPLE_FILE.read_text())
    async with await open_lab(folder, {"directory_file": str(file)}) as lab:
        ports, ami = lab.asterisk.ports, PlainAmi()
        secret = lab.bridge.secret(AMI_SECRET)
        await ami.open(ports.management_address, ports.ami, "bridge", secret)
        yield ChangedPhone(lab, file, ami)
        await ami.close()


async def test_given_another_caller_id_when_the_phone_leaves_or_moves_then_its_old_address_is_left(
    changed: ChangedPhone,
) -> None:
    async with changed.phone() as old:
        await changed.change((_CALLER_ID, "Alice Foyer <5550003214>"))
        [contact] = await changed.contacts()
        assert ";@" in contact  # as registered
        await changed.rings(old)
        assert (await old.register(0)).status == 200
        assert await changed.contacts() == []
        await changed.is_gone()

        old.forget_calls()
        async with changed.phone() as new:
            await changed.rings(new)
            assert (len(new.calls), len(old.calls)) == (1, 0)
            await new.register(0)


async def test_given_another_number_of_devices_then_the_phone_stays_registered_until_it_leaves(
    changed: ChangedPhone,
) -> None:
    async with changed.phone() as phone:
        before = await changed.contacts()
        await changed.change((_CALLER_ID, f"{_CALLER_ID}\n        devices: 3"))
        assert await changed.contacts() == before
        await changed.lab.phone_is_online(_NUMBER)
        await changed.rings(phone)
        assert (await phone.register(0)).status == 200
        assert await changed.contacts() == []


async def test_given_a_contact_made_permanent_by_an_earlier_version_when_started_then_it_ends(
    changed: ChangedPhone,
) -> None:
    bridge, ports = changed.lab.bridge, changed.lab.asterisk.ports
    async with changed.phone() as phone:
        access = aiohttp.encode_basic_auth("bridge", bridge.secret(ARI_SECRET))
        url = f"http://{ports.management_address}:{ports.http}/ari/asterisk/config/dynamic"
        async with aiohttp.ClientSession(headers={"Authorization": access}) as ari:
            for kind, field in (("endpoint", "record_on_feature"), ("aor", "voicemail_extension")):
                fields = [{"attribute": field, "value": "*97;uapi-bridge=0123"}]
                path = f"{url}/res_pjsip/{kind}/{quote(_NUMBER)}"
                async with ari.put(path, json={"fields": fields}) as answer:
                    assert answer.status == 200
        registered = [x for x in await changed.contacts() if ";@" in x]
        assert len(await changed.contacts()) == len(registered) + 1 == 2

        await bridge.stop()
        await bridge.start()

        async def mended() -> bool:
            return await changed.contacts() == registered

        await eventually(mended, 20)
        await changed.lab.phone_is_online(_NUMBER)
        await changed.rings(phone)
        assert (await phone.register(0)).status == 200
        assert await changed.contacts() == []


async def test_given_a_phone_that_is_removed_and_comes_back_then_nobody_is_registered_as_it(
    changed: ChangedPhone,
) -> None:
    async with changed.phone():
        await changed.change((f"- number: {_NUMBER}", "- number: 0003*289"), (f", {_NUMBER}]", "]"))
        await changed.change()
        assert await changed.contacts() == []
