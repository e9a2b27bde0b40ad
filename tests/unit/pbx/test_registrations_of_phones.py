"""What is registered as a phone stays when the phone is changed, and goes when it is removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.pbx.ari.errors import AriUnavailable
from bridge.pbx.phones.kept_registrations import KeptRegistrations
from bridge.pbx.phones.phone_objects import FINGERPRINT_FIELD, MARK_FIELD, MARK_PREFIX, PhoneAccount
from bridge.pbx.phones.provisioning import ProvisioningResult, provision
from bridge.pbx.phones.provisioning_pace import PROBE

from .test_provisioning import PROFILE, FakePhones

ONE = PhoneAccount("0003*210", "secret-1", "Ján", "0003*210")
CONTACT = f"{ONE.number};@1"


class WithRegistrations(FakePhones):
    """As Asterisk: an aor that is written takes what is registered for its own."""

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        await super().put_dynamic_object(kind, name, fields)
        if kind == "aor" and name != PROBE and (registered := self.registered(name)):
            self.objects["aor", name]["contact"] = ",".join(registered)
            self.objects["permanent", name] = {}

    async def delete_dynamic_object(self, kind: str, name: str) -> bool:
        if kind == "aor":
            self.objects.pop(("permanent", name), None)
        return await super().delete_dynamic_object(kind, name)

    def register(self) -> None:
        self.objects["contact", CONTACT] = {"uri": "sip:192.0.2.1"}
        self.objects["aor", ONE.number]["contact"] = "sip:192.0.2.1"

    def registered(self, aor: str) -> list[str]:
        return [x for kind, x in self.objects if kind == "contact" and x.startswith(f"{aor};@")]

    async def contacts_of(self, aor: str) -> list[str]:
        permanent = [f"{aor}@@1"] if ("permanent", aor) in self.objects else []
        return self.registered(aor) + permanent


async def run(pbx: WithRegistrations, *phones: PhoneAccount) -> ProvisioningResult:
    return await provision(phones, PROFILE, pbx, kept=KeptRegistrations(pbx, pbx.contacts_of))


async def registered() -> WithRegistrations:
    pbx = WithRegistrations()
    await run(pbx, ONE)
    pbx.register()
    return pbx


@pytest.mark.parametrize(
    "changed", [replace(ONE, caller_name="Zoë"), replace(ONE, secret="x"), replace(ONE, devices=3)]
)
async def test_given_a_registered_phone_when_it_is_changed_then_its_contact_stays_and_can_expire(
    changed: PhoneAccount,
) -> None:
    pbx = await registered()
    assert (await run(pbx, changed)).updated == (ONE.number,)
    assert await pbx.contacts_of(ONE.number) == [CONTACT]
    assert pbx.objects["contact", CONTACT] == {"uri": "sip:192.0.2.1"}
    assert pbx.objects["aor", ONE.number]["max_contacts"] == str(changed.devices)
    assert (await run(pbx, changed)).unchanged == (ONE.number,)


async def test_given_a_contact_made_permanent_by_an_earlier_version_then_it_can_expire() -> None:
    pbx = await registered()
    del pbx.objects["endpoint", ONE.number][FINGERPRINT_FIELD]
    mark = {MARK_FIELD: f"{MARK_PREFIX}0123"}
    await pbx.put_dynamic_object("aor", ONE.number, mark)
    assert f"{ONE.number}@@1" in await pbx.contacts_of(ONE.number)
    assert (await run(pbx, ONE)).updated == (ONE.number,)
    assert await pbx.contacts_of(ONE.number) == [CONTACT]


async def test_given_a_registered_phone_when_it_is_removed_then_its_contact_goes_with_it() -> None:
    pbx = await registered()
    await run(pbx)
    assert pbx.registered(ONE.number) == []


@pytest.mark.parametrize("writes", range(9))
async def test_given_a_run_that_ended_half_way_then_the_next_puts_the_registrations_back(
    writes: int,
) -> None:
    pbx, changed = await registered(), replace(ONE, devices=3)
    kept = KeptRegistrations(pbx, pbx.contacts_of)
    pbx.writes, pbx.writes_left = 0, writes
    with pytest.raises(AriUnavailable):
        await provision([changed], PROFILE, pbx, kept=kept)
    pbx.writes_left = 1000
    await provision([changed], PROFILE, pbx, kept=kept)
    assert await pbx.contacts_of(ONE.number) == [CONTACT]
    assert not kept.aors
