"""The phones of a PBX become exactly those of the directory; others stay untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.calls.pbx import InvalidPbxValue
from bridge.pbx.ari_client import AriEndpoint, AriRefused, AriUnavailable
from bridge.pbx.provisioning import PhoneAccount, provision

ONE = PhoneAccount("0003*210", "secret-1", "Ján", "0003*210")
TWO = PhoneAccount("0003*211", "secret-2")


class FakePhones:
    """Objects in memory; goes away after `writes_left` writes, refuses `refused` endpoints."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, str]] = {
            ("endpoint", "trunk"): {"context": "from-trunk"},
            ("endpoint", "foreign"): {"context": "default"},
            ("aor", "foreign"): {"max_contacts": "1", "voicemail_extension": ""},
        }
        self.writes = 0
        self.writes_left = 1000
        self.refused = ""

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        names = [name for kind, name in self.objects if kind == "endpoint"]
        return [AriEndpoint(technology, name, False) for name in names]

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
        return self.objects.get((kind, name))

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        self._write()
        if (kind, name) == ("endpoint", self.refused):
            raise AriRefused(403, "no")
        self.objects[kind, name] = self.objects.get((kind, name), {}) | dict(fields)

    async def delete_dynamic_object(self, kind: str, name: str) -> bool:
        self._write()
        return self.objects.pop((kind, name), None) is not None

    def _write(self) -> None:
        self.writes += 1
        if self.writes > self.writes_left:
            raise AriUnavailable("gone")

    def names(self) -> set[str]:
        return {name for _, name in self.objects}


async def test_add_change_remove_and_leave_alone() -> None:
    pbx = FakePhones()
    before = {key: dict(value) for key, value in pbx.objects.items()}
    result = await provision([ONE, TWO], pbx)
    assert (result.added, result.unchanged) == (("0003*210", "0003*211"), ())
    assert pbx.objects["auth", "0003*210"]["password"] == "secret-1"
    assert pbx.objects["endpoint", "0003*210"]["callerid"] == '"Ján" <0003*210>'

    pbx.writes = 0
    result = await provision([ONE, TWO], pbx)
    assert (result.unchanged, pbx.writes) == (("0003*210", "0003*211"), 0)

    result = await provision([replace(ONE, secret="another")], pbx)
    assert (result.updated, result.removed) == (("0003*210",), ("0003*211",))
    assert pbx.objects["auth", "0003*210"]["password"] == "another"
    assert pbx.names() == {"trunk", "foreign", "0003*210"}

    await provision([], pbx)
    assert pbx.objects == before


@pytest.mark.parametrize("number", ["foreign", "trunk"])
async def test_what_somebody_else_made_is_a_conflict(number: str) -> None:
    pbx = FakePhones()
    before = {key: dict(value) for key, value in pbx.objects.items()}
    result = await provision([replace(ONE, number=number)], pbx)
    assert result.conflicts == (number,)
    assert pbx.objects == before


@pytest.mark.parametrize("writes", range(4))
async def test_a_run_that_ended_half_way_is_finished_by_the_next(writes: int) -> None:
    for change in ([ONE], [replace(ONE, video=False)], []):
        whole = FakePhones()
        await provision(change, whole)

        pbx = FakePhones()
        await provision([ONE, TWO] if not change or change != [ONE] else [], pbx)
        pbx.writes, pbx.writes_left = 0, writes
        try:
            await provision(change, pbx)
        except AriUnavailable:
            pbx.writes_left = 1000
            await provision(change, pbx)
        endpoints = {key: value for key, value in pbx.objects.items() if key[0] == "endpoint"}
        assert endpoints == {k: v for k, v in whole.objects.items() if k[0] == "endpoint"}
        for phone in change:
            assert pbx.objects["auth", phone.number] == whole.objects["auth", phone.number]


async def test_a_run_that_fails_leaves_nothing_going_on_behind_it() -> None:
    class SlowForOne(FakePhones):
        async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
            if name == TWO.number:
                await asyncio.sleep(0.05)
            return await super().dynamic_object(kind, name)

    pbx = SlowForOne()
    pbx.writes_left = 0
    with pytest.raises(AriUnavailable):
        await provision([ONE, TWO], pbx)
    pbx.writes_left = 1000
    await asyncio.sleep(0.1)
    assert TWO.number not in pbx.names()


async def test_one_refused_phone_does_not_keep_the_others_out() -> None:
    pbx = FakePhones()
    pbx.refused = "0003*210"
    result = await provision([ONE, TWO], pbx)
    assert (result.added, result.failed) == (("0003*211",), {"0003*210": "403: no"})
    pbx.refused = ""
    assert (await provision([ONE, TWO], pbx)).added == ("0003*210",)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ONE, number="a/b"),
        replace(ONE, number=""),
        replace(ONE, secret=""),
        replace(ONE, secret="a\nb"),
        replace(ONE, caller_name='a"b'),
        replace(ONE, context="phones]"),
        replace(ONE, media_address="localhost"),
        replace(TWO),
    ],
)
async def test_a_wrong_phone_changes_nothing(wrong: PhoneAccount) -> None:
    pbx = FakePhones()
    with pytest.raises(InvalidPbxValue):
        await provision([TWO, wrong], pbx)
    assert pbx.writes == 0


def test_the_secret_is_not_shown() -> None:
    assert "secret-1" not in repr(ONE)
