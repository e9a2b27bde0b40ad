"""The phones of a PBX become exactly those of the directory; others stay untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.calls.pbx import InvalidPbxValue
from bridge.pbx.ari.client import AriEndpoint
from bridge.pbx.ari.errors import AriRefused, AriUnavailable
from bridge.pbx.pbx_settings import EdgeAddress, PhoneProfile
from bridge.pbx.phones.kept_registrations import KeptRegistrations
from bridge.pbx.phones.mark_of_all import FEW, NAME
from bridge.pbx.phones.phone_objects import (
    FINGERPRINT_FIELD,
    MARK_FIELD,
    MARK_PREFIX,
    PhoneAccount,
    browser_account,
)
from bridge.pbx.phones.provisioning import AT_A_TIME, NOT_OURS, provision
from bridge.pbx.phones.provisioning_pace import BATCH, PROBE
from tests.lab.instant_time import instant

ONE = PhoneAccount("0003*210", "secret-1", "Ján", "0003*210")
TWO = PhoneAccount("0003*211", "secret-2")
PROFILE = PhoneProfile()


class FakePhones:
    """Objects in memory; goes away after `writes_left` writes, refuses `refused` endpoints."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, str]] = {
            ("endpoint", "trunk"): {"context": "from-trunk"},
            ("endpoint", "foreign"): {"context": "default"},
            ("aor", "foreign"): {"max_contacts": "1", "voicemail_extension": ""},
        }
        self.asked = asyncio.Event()
        self.writes = 0
        self.writes_left = 1000
        self.refused = ""
        self.modules = {"codec_opus_open_source"}

    async def running_modules(self) -> set[str]:
        return self.modules

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        self.asked.set()
        names = [name for kind, name in self.objects if kind == "endpoint"]
        return [AriEndpoint(technology, name, False) for name in names]

    async def endpoint(self, name: str, technology: str = "PJSIP") -> AriEndpoint | None:
        """As Asterisk tells it: online once its aor, with a contact, is through."""
        if ("endpoint", name) not in self.objects:
            return None
        return AriEndpoint(technology, name, "contact" in self.objects.get(("aor", name), {}))

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
        return self.objects.get((kind, name))

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        self._write()
        if (kind, name) == ("endpoint", self.refused):
            raise AriRefused(403, "no")
        has = self.objects.get((kind, name), {})
        if "acl" in has and has["acl"] == fields.get("acl"):
            raise AriRefused(400, "Named ACL occurs multiple times in ACL definition")
        fields = dict(fields)
        if "contact" in has and "contact" in fields:
            # Asterisk adds them to those that it has.
            both = f"{has['contact']},{fields['contact']}".split(",")
            fields["contact"] = ",".join(dict.fromkeys(both))
        self.objects[kind, name] = has | fields

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
    result = await provision([ONE, TWO], PROFILE, pbx)
    assert (result.added, result.unchanged) == (("0003*210", "0003*211"), ())
    assert pbx.objects["auth", "0003*210"]["password"] == "secret-1"
    assert pbx.objects["endpoint", "0003*210"]["callerid"] == '"Ján" <0003*210>'

    pbx.writes = 0
    result = await provision([ONE, TWO], PROFILE, pbx)
    assert (result.unchanged, pbx.writes) == (("0003*210", "0003*211"), 0)

    result = await provision([replace(ONE, secret="another")], PROFILE, pbx)
    assert (result.updated, result.removed) == (("0003*210",), ("0003*211",))
    assert pbx.objects["auth", "0003*210"]["password"] == "another"
    assert pbx.names() == {"trunk", "foreign", "0003*210"}

    await provision([], PROFILE, pbx)
    assert pbx.objects == before


async def test_phones_of_an_earlier_version_are_ours_and_get_a_mailbox() -> None:
    pbx = FakePhones()
    await provision([ONE], PROFILE, pbx)
    for new in ("mailboxes", FINGERPRINT_FIELD):
        del pbx.objects["endpoint", "0003*210"][new]
    pbx.objects["aor", "0003*210"] |= {MARK_FIELD: "uapi-bridge:0123", "mailboxes": ""}
    result = await provision([ONE], PROFILE, pbx)
    assert result.updated == ("0003*210",)
    for kind in ("aor", "endpoint"):
        assert pbx.objects[kind, "0003*210"]["mailboxes"] == "0003*210@uapi-voicemail"


@pytest.mark.parametrize("number", ["foreign", "trunk"])
async def test_what_somebody_else_made_is_a_conflict(number: str) -> None:
    pbx = FakePhones()
    before = {key: dict(value) for key, value in pbx.objects.items()}
    result = await provision([replace(ONE, number=number)], PROFILE, pbx)
    assert result.not_made == {number: NOT_OURS}
    assert pbx.objects == before


@pytest.mark.parametrize("writes", range(4))
async def test_a_run_that_ended_half_way_is_finished_by_the_next(writes: int) -> None:
    for change in ([ONE], [replace(ONE, context="phones-local")], []):
        whole = FakePhones()
        await provision(change, PROFILE, whole)

        pbx = FakePhones()
        await provision([ONE, TWO] if not change or change != [ONE] else [], PROFILE, pbx)
        pbx.writes, pbx.writes_left = 0, writes
        try:
            await provision(change, PROFILE, pbx)
        except AriUnavailable:
            pbx.writes_left = 1000
            await provision(change, PROFILE, pbx)
        endpoints = {key: value for key, value in pbx.objects.items() if key[0] == "endpoint"}
        assert endpoints == {k: v for k, v in whole.objects.items() if k[0] == "endpoint"}
        for phone in change:
            assert pbx.objects["auth", phone.number] == whole.objects["auth", phone.number]


@instant
async def test_a_run_that_fails_leaves_nothing_going_on_behind_it() -> None:
    class SlowForOne(FakePhones):
        async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
            if name == TWO.number:
                await asyncio.sleep(0.05)
            return await super().dynamic_object(kind, name)

    pbx = SlowForOne()
    pbx.writes_left = 0
    with pytest.raises(AriUnavailable):
        await provision([ONE, TWO], PROFILE, pbx)
    pbx.writes_left = 1000
    await asyncio.sleep(60)
    assert TWO.number not in pbx.names()


async def test_one_refused_phone_does_not_keep_the_others_out() -> None:
    pbx = FakePhones()
    pbx.refused = "0003*210"
    result = await provision([ONE, TWO], PROFILE, pbx)
    assert (result.added, result.not_made) == (("0003*211",), {"0003*210": "403: no"})
    pbx.refused = ""
    assert (await provision([ONE, TWO], PROFILE, pbx)).added == ("0003*210",)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ONE, number="a/b"),
        replace(ONE, number=""),
        replace(ONE, secret=""),
        replace(ONE, secret="a\nb"),
        replace(ONE, caller_name='a"b'),
        replace(ONE, context="phones]"),
        replace(TWO),
    ],
)
async def test_a_wrong_phone_changes_nothing(wrong: PhoneAccount) -> None:
    pbx = FakePhones()
    with pytest.raises(InvalidPbxValue):
        await provision([TWO, wrong], PROFILE, pbx)
    assert pbx.writes == 0


class Counting(FakePhones):
    """Notes what is written, in order, and lists removed endpoints until it is told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[tuple[str, str]] = []
        self.still_listed: set[str] = set()
        self.queued = self.most_queued = 0

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        listed = {one.resource for one in await super().endpoints()} | self.still_listed
        return [AriEndpoint(technology, name, False) for name in sorted(listed)]

    async def endpoint(self, name: str, technology: str = "PJSIP") -> AriEndpoint | None:
        self.queued = 0  # whoever sees the probe change has seen the queue empty
        return await super().endpoint(name)

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        self.queued += kind in ("aor", "endpoint")
        self.most_queued = max(self.most_queued, self.queued)
        self.puts.append((kind, name))
        await super().put_dynamic_object(kind, name, fields)

    async def delete_dynamic_object(self, kind: str, name: str) -> bool:
        if kind == "endpoint" and (kind, name) in self.objects:
            self.still_listed.add(name)
        return await super().delete_dynamic_object(kind, name)


def many(count: int) -> list[PhoneAccount]:
    return [PhoneAccount(f"0003*{number:05}", "secret") for number in range(count)]


async def test_each_object_of_a_new_phone_is_written_once_and_aors_before_endpoints() -> None:
    pbx = Counting()
    await provision([ONE, TWO], PROFILE, pbx)
    assert len(pbx.puts) == len(set(pbx.puts)) == 6
    assert [kind for kind, _ in pbx.puts[:2]] == ["aor", "aor"]


async def test_thousands_are_made_no_faster_than_asterisk_digests_them() -> None:
    pbx, told = Counting(), list[tuple[int, int]]()
    pbx.writes_left = 100_000
    before = set(pbx.objects)
    accounts = many(5 * BATCH + 1)
    await provision(accounts, PROFILE, pbx, progress=lambda *x: told.append(x))
    assert pbx.most_queued < 2 * BATCH + 10
    assert told[0] == (0, len(accounts))
    assert told[-1] == (len(accounts), len(accounts))
    assert told == sorted(told)
    assert not any(name == PROBE for _, name in pbx.objects)

    other = [replace(x, secret="another") for x in accounts]
    result = await provision(other, PROFILE, pbx)
    assert len(result.updated) == len(accounts)
    await provision([], PROFILE, pbx)
    assert set(pbx.objects) == before
    assert pbx.most_queued < 4 * BATCH + 10


async def test_a_probe_that_a_killed_run_left_is_removed_by_the_next() -> None:
    pbx = Counting()
    await pbx.put_dynamic_object("endpoint", PROBE, {"aors": PROBE})
    await pbx.put_dynamic_object("aor", PROBE, {MARK_FIELD: MARK_PREFIX + "probe"})
    await provision([ONE], PROFILE, pbx)
    assert PROBE not in pbx.names()


async def test_a_phone_that_comes_back_is_made_though_asterisk_still_lists_it() -> None:
    pbx = Counting()
    await provision([ONE, TWO], PROFILE, pbx)
    result = await provision([TWO], PROFILE, pbx)
    assert result.removed == (ONE.number,)
    result = await provision([ONE, TWO], PROFILE, pbx)
    assert (result.added, result.unchanged, result.not_made) == ((ONE.number,), (TWO.number,), {})
    assert ("endpoint", ONE.number) in pbx.objects


async def test_a_phone_half_made_behind_a_stale_list_is_finished() -> None:
    pbx = Counting()
    await provision([ONE], PROFILE, pbx)
    await provision([], PROFILE, pbx)
    pbx.writes, pbx.writes_left = 0, 1
    with pytest.raises(AriUnavailable):
        await provision([ONE], PROFILE, pbx)
    pbx.writes_left = 1000
    assert (await provision([ONE], PROFILE, pbx)).added == (ONE.number,)
    assert ("endpoint", ONE.number) in pbx.objects


async def test_only_the_numbers_asked_for_are_looked_at() -> None:
    pbx = FakePhones()
    await provision([ONE, TWO], PROFILE, pbx)
    result = await provision([replace(ONE, secret="x")], PROFILE, pbx, only=[ONE.number])
    assert (result.updated, result.removed) == ((ONE.number,), ())


async def test_an_address_that_is_none_changes_nothing() -> None:
    pbx = FakePhones()
    with pytest.raises(InvalidPbxValue):
        await provision([ONE], PhoneProfile(media_address="localhost"), pbx)
    assert pbx.writes == 0


async def test_what_all_phones_share_is_on_each_and_a_change_of_it_changes_them() -> None:
    pbx = FakePhones()
    await provision([ONE], PROFILE, pbx)
    endpoint, aor = pbx.objects["endpoint", ONE.number], pbx.objects["aor", ONE.number]
    # Lost power ends a call within a minute, and the phone is gone within two.
    assert 0 < int(endpoint["rtp_timeout"]) < 60 < int(endpoint["rtp_timeout_hold"])
    assert 0 < int(aor["qualify_frequency"]) < 60
    assert (endpoint["timers"], endpoint["timers_sess_expires"]) == ("yes", "600")
    other = PhoneProfile(codecs="g722", rtp_timeout_s=0, qualify_frequency_s=30)
    assert (await provision([ONE], other, pbx)).updated == (ONE.number,)
    assert pbx.objects["endpoint", ONE.number]["allow"] == "g722"
    assert pbx.objects["endpoint", ONE.number]["rtp_timeout"] == "0"
    assert pbx.objects["aor", ONE.number]["qualify_frequency"] == "30"


def test_the_secret_is_not_shown() -> None:
    assert "secret-1" not in repr(ONE)


async def test_given_an_edge_then_phones_have_no_password_and_are_known_by_its_address_only() -> (
    None
):
    pbx = FakePhones()
    behind = replace(PROFILE, edges=(EdgeAddress("10.0.0.5", 5060),))
    await provision([ONE], behind, pbx)

    endpoint, aor = pbx.objects["endpoint", "0003*210"], pbx.objects["aor", "0003*210"]
    assert ("auth", "0003*210") not in pbx.objects
    assert "auth" not in endpoint
    assert (endpoint["identify_by"], endpoint["acl"]) == ("username", "uapi-edge")
    assert (aor["contact"], aor["qualify_frequency"]) == ("sip:0003*210@10.0.0.5:5060", "0")
    assert "max_contacts" not in aor


@pytest.mark.parametrize("acl", ["uapi-edge", None])
async def test_given_an_edge_when_a_phone_changes_then_it_is_changed_and_let_in_by_the_edge_only(
    acl: str | None,
) -> None:
    behind = replace(PROFILE, edges=(EdgeAddress("10.0.0.5", 5060),))
    pbx = FakePhones()
    await provision([ONE], behind, pbx)
    if acl is None:
        del pbx.objects["endpoint", "0003*210"]["acl"]
    result = await provision([replace(ONE, caller_name="Zoë")], behind, pbx)
    assert (result.updated, result.not_made) == (("0003*210",), {})
    endpoint = pbx.objects["endpoint", "0003*210"]
    assert (endpoint["callerid"], endpoint["acl"]) == ('"Zoë" <0003*210>', "uapi-edge")


@pytest.mark.parametrize("edge_first", [True, False])
async def test_given_phones_when_they_move_to_an_edge_or_back_then_no_old_field_stays(
    edge_first: bool,
) -> None:
    behind = replace(PROFILE, edges=(EdgeAddress("fd00::5", 5060),))
    profiles = [behind, PROFILE] if edge_first else [PROFILE, behind]
    pbx, fresh = FakePhones(), FakePhones()
    await provision([ONE], profiles[0], pbx)
    result = await provision([ONE], profiles[1], pbx)
    await provision([ONE], profiles[1], fresh)

    assert result.updated == ("0003*210",)
    assert pbx.objects == fresh.objects
    again = await provision([ONE], profiles[1], pbx)
    assert again.unchanged == ("0003*210",)


@pytest.mark.parametrize("before", ["10.0.0.5", "10.0.0.6", "10.0.0.5 10.0.0.6 10.0.0.7"])
@pytest.mark.parametrize("after", ["10.0.0.5", "10.0.0.5 10.0.0.6"])
async def test_given_phones_behind_edges_when_those_change_then_no_old_contact_stays(
    before: str, after: str
) -> None:
    of_then, of_now = (
        replace(PROFILE, edges=tuple(EdgeAddress(x, 5060) for x in hosts.split()))
        for hosts in (before, after)
    )
    pbx, fresh = FakePhones(), FakePhones()
    await provision([ONE], of_then, pbx)
    await provision([replace(ONE, caller_name="Zoë")], of_now, pbx)
    await provision([replace(ONE, caller_name="Zoë")], of_now, fresh)
    assert pbx.objects == fresh.objects


@pytest.mark.parametrize("half_way", [False, True])
async def test_given_a_registered_phone_when_an_edge_comes_then_its_contacts_go(
    half_way: bool,
) -> None:
    """Also if a run ended after it had removed the endpoint."""
    pbx, fresh = FakePhones(), FakePhones()
    behind = replace(PROFILE, edges=(EdgeAddress("10.0.0.5", 5060),))
    await provision([ONE], PROFILE, pbx)
    if half_way:
        del pbx.objects["endpoint", ONE.number]
    contacts = [f"{ONE.number};@1", f"{ONE.number};@2"]
    # Asterisk tells registered contacts as those of the aor.
    pbx.objects["aor", ONE.number]["contact"] = "sip:192.0.2.1"
    for contact in contacts:
        pbx.objects["contact", contact] = {"uri": "sip:192.0.2.1"}

    async def contacts_of(aor: str) -> list[str]:
        assert ("auth", aor) not in pbx.objects, "it could register again"
        return contacts

    result = await provision([ONE], behind, pbx, kept=KeptRegistrations(pbx, contacts_of))
    assert result.updated == (ONE.number,)
    await provision([ONE], behind, fresh)
    assert pbx.objects == fresh.objects


async def test_given_an_edge_then_browsers_have_an_endpoint_that_the_dialplan_knows_as_theirs() -> (
    None
):
    pbx = FakePhones()
    behind = replace(PROFILE, edges=(EdgeAddress("10.0.0.5", 5060),))
    phone = replace(ONE, webrtc=True)
    await provision([phone, browser_account(phone, "of-now")], behind, pbx)

    assert pbx.objects["endpoint", ONE.number]["aors"] == "0003*210,0003*210-web"
    endpoint, aor = pbx.objects["endpoint", "0003*210-web"], pbx.objects["aor", "0003*210-web"]
    assert aor["contact"] == "sip:0003*210-web@10.0.0.5:5060;x-transport=ws"
    assert (endpoint["aors"], endpoint["webrtc"]) == ("0003*210-web", "yes")
    assert ("auth", "0003*210-web") not in pbx.objects


async def test_given_several_edges_then_a_phone_has_a_contact_at_each_that_the_dialplan_knows() -> (
    None
):
    pbx = FakePhones()
    edges = (EdgeAddress("10.0.0.5", 5060), EdgeAddress("fd00::5", 5060))
    phone = replace(ONE, webrtc=True)
    browsers = browser_account(phone, "of-now")
    await provision([phone, browsers], replace(PROFILE, edges=edges), pbx)

    assert pbx.objects["aor", "0003*210"]["contact"] == (
        "sip:0003*210@10.0.0.5:5060;x-edge,sip:0003*210@[fd00::5]:5060;x-edge"
    )
    assert pbx.objects["aor", "0003*210-web"]["contact"] == (
        "sip:0003*210-web@10.0.0.5:5060;x-transport=ws;x-edge,"
        "sip:0003*210-web@[fd00::5]:5060;x-transport=ws;x-edge"
    )


class Busy(FakePhones):
    """Each request takes a turn of the event loop; notes how many were open, and what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.writes_left = 100_000
        self.open = self.most_open = 0
        self.read: list[str] = []

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
        self.read.append(name)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        return await super().dynamic_object(kind, name)


async def test_however_many_phones_there_are_a_few_are_asked_about_at_a_time() -> None:
    pbx = Busy()
    await provision(many(3 * BATCH), PROFILE, pbx)
    assert 1 < pbx.most_open <= AT_A_TIME


async def test_many_phones_that_are_as_they_should_be_are_not_looked_at_one_by_one() -> None:
    pbx, accounts = Busy(), many(FEW + 1)
    await provision(accounts, PROFILE, pbx)
    pbx.read.clear()
    result = await provision(accounts, PROFILE, pbx)
    assert len(result.unchanged) == len(accounts)
    assert sorted(pbx.read) == sorted([NAME, *2 * ["foreign", "trunk"]])


async def test_one_of_many_that_is_gone_is_found() -> None:
    pbx, accounts = Busy(), many(FEW + 1)
    await provision(accounts, PROFILE, pbx)
    gone = accounts[0].number
    del pbx.objects["endpoint", gone]
    assert (await provision(accounts, PROFILE, pbx)).added == (gone,)


async def test_a_change_takes_the_mark_of_all_away_first_and_few_have_none() -> None:
    pbx, accounts = Busy(), many(FEW + 1)
    await provision(accounts, PROFILE, pbx)
    assert ("aor", NAME) in pbx.objects
    pbx.writes, pbx.writes_left = 0, 1
    with pytest.raises(AriUnavailable):
        await provision([replace(accounts[0], secret="another"), *accounts[1:]], PROFILE, pbx)
    assert ("aor", NAME) not in pbx.objects
    pbx.writes_left = 100_000
    await provision(accounts, PROFILE, pbx)
    assert ("aor", NAME) in pbx.objects
    await provision(accounts[:-1], PROFILE, pbx)
    assert ("aor", NAME) not in pbx.objects


class WritesLate(Busy):
    """Has the mark of all once that was read and was not there."""

    def __init__(self) -> None:
        super().__init__()
        self.late: dict[str, str] | None = None

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
        found = await super().dynamic_object(kind, name)
        if name == NAME and self.late is not None:
            self.objects["aor", NAME], self.late = self.late, None
        return found


async def test_a_mark_of_all_that_a_broken_off_run_wrote_late_is_taken_away_too() -> None:
    pbx, accounts = WritesLate(), many(FEW + 1)
    await provision(accounts, PROFILE, pbx)
    pbx.late = pbx.objects.pop(("aor", NAME))
    pbx.writes, pbx.writes_left = 0, 1
    with pytest.raises(AriUnavailable):
        await provision([replace(accounts[0], secret="another"), *accounts[1:]], PROFILE, pbx)
    assert pbx.late is None
    assert ("aor", NAME) not in pbx.objects


async def test_a_phone_that_was_refused_keeps_the_mark_of_all_away() -> None:
    pbx, accounts = Busy(), many(FEW + 1)
    pbx.refused = accounts[0].number
    await provision(accounts, PROFILE, pbx)
    assert ("aor", NAME) not in pbx.objects


async def test_many_phones_do_not_hold_the_event_loop() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    pbx, accounts = FakePhones(), many(3_000)
    pbx.objects |= {("endpoint", x.number): {} for x in accounts}
    beside = asyncio.create_task(others())
    before = asyncio.create_task(provision(accounts, PROFILE, pbx))
    await pbx.asked.wait()
    beside.cancel()
    assert turns > 5  # before the PBX is asked at all
    before.cancel()
    await asyncio.gather(before, return_exceptions=True)
