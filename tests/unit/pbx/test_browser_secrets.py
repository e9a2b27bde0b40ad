"""The passwords of browser phones: told to a page, and no good after their time."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from bridge.cluster.edge.subscribers import EdgePhone, Subscribers
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.pbx.ari.errors import AriRefused
from bridge.pbx.phones.browser_secrets import BrowserSecrets

from ..test_directory_phones import with_webrtc
from .test_provisioning import FakePhones

NUMBER = "0003*210"
LIFETIME_S = 600


class Pbx(FakePhones):
    def password(self) -> str:
        return self.objects["auth", f"{NUMBER}-web"]["password"]


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pbx() -> Pbx:
    return Pbx()


@pytest.fixture
def directory(tmp_path: Path) -> CurrentDirectory:
    file = tmp_path / "directory.yaml"
    file.write_text(with_webrtc(EXAMPLE_FILE.read_text(), NUMBER))
    return CurrentDirectory(file, ThrowawaySecrets())


@pytest.fixture
def secrets(pbx: Pbx, clock: Clock, directory: CurrentDirectory) -> BrowserSecrets:
    return BrowserSecrets(pbx, directory, LIFETIME_S, clock)


async def test_given_two_pages_when_they_ask_then_both_get_the_password_of_the_pbx(
    secrets: BrowserSecrets, pbx: Pbx, clock: Clock
) -> None:
    first = await secrets.tell(NUMBER)
    assert (first.user, first.lasts_s) == (f"{NUMBER}-web", LIFETIME_S)
    assert pbx.password() == first.secret
    pbx.objects.clear()  # a PBX without a memory
    clock.now_s = LIFETIME_S / 2
    second = await secrets.tell(NUMBER)
    assert (second.secret, second.lasts_s) == (first.secret, LIFETIME_S // 2)
    assert pbx.password() == first.secret
    assert secrets.on_pbx(NUMBER) == first.secret
    assert first.secret not in repr(first)


async def test_given_its_time_is_nearly_over_when_asked_then_it_is_a_new_one(
    secrets: BrowserSecrets, pbx: Pbx, clock: Clock
) -> None:
    first = await secrets.tell(NUMBER)
    clock.now_s = LIFETIME_S - 30
    second = await secrets.tell(NUMBER)
    assert first.secret != second.secret == pbx.password()
    assert second.lasts_s == LIFETIME_S


async def test_given_its_time_is_over_when_replaced_then_nobody_knows_the_new_one(
    secrets: BrowserSecrets, pbx: Pbx, clock: Clock
) -> None:
    told = await secrets.tell(NUMBER)
    clock.now_s = LIFETIME_S - 1
    await secrets.replace_old()
    assert pbx.password() == told.secret
    clock.now_s = LIFETIME_S
    await secrets.replace_old()
    assert pbx.password() != told.secret
    assert secrets.on_pbx(NUMBER) != told.secret
    writes = pbx.writes
    await secrets.replace_old()
    assert pbx.writes == writes


async def test_given_a_password_of_an_earlier_run_when_seen_then_it_is_replaced_once(
    secrets: BrowserSecrets, pbx: Pbx
) -> None:
    pbx.objects["auth", f"{NUMBER}-web"] = {"password": "told before the restart"}
    secrets.seen([NUMBER])
    await secrets.replace_old()
    assert pbx.password() != "told before the restart"
    told, writes = pbx.password(), pbx.writes
    secrets.seen([NUMBER])  # a reload
    await secrets.replace_old()
    assert (pbx.password(), pbx.writes) == (told, writes)


async def test_given_a_page_that_asked_when_seen_then_its_password_stays(
    secrets: BrowserSecrets, pbx: Pbx
) -> None:
    secrets.seen([NUMBER])
    told = await secrets.tell(NUMBER)
    secrets.seen([NUMBER])
    await secrets.replace_old()
    assert pbx.password() == told.secret
    assert told.lasts_s == LIFETIME_S


async def test_given_a_phone_of_another_user_when_asked_then_the_earlier_one_shares_no_password(
    secrets: BrowserSecrets, pbx: Pbx, directory: CurrentDirectory
) -> None:
    first = await secrets.tell(NUMBER)
    file = directory.path
    file.write_text(_of_user_13(file.read_text()))
    directory.reload()
    assert secrets.on_pbx(NUMBER) != first.secret
    await secrets.replace_old()
    assert pbx.password() != first.secret
    assert (await secrets.tell(NUMBER)).secret != first.secret


async def test_given_no_browser_phone_for_a_while_when_it_is_back_then_nobody_knows_its_password(
    secrets: BrowserSecrets, pbx: Pbx, directory: CurrentDirectory
) -> None:
    first = await secrets.tell(NUMBER)
    file, writes = directory.path, pbx.writes
    before = file.read_text()
    file.write_text(before.replace("webrtc: yes", "webrtc: no"))
    directory.reload()
    await secrets.replace_old()
    assert pbx.writes == writes
    file.write_text(before)
    directory.reload()
    assert secrets.on_pbx(NUMBER) != first.secret


def _of_user_13(text: str) -> str:
    begin = text.index(f"number: {NUMBER}")
    return text[:begin] + text[begin:].replace("user: 12", "user: 13", 1)


async def test_given_a_pbx_that_refuses_when_replaced_then_it_is_tried_again(
    secrets: BrowserSecrets, pbx: Pbx, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await secrets.tell(NUMBER)
    clock.now_s = LIFETIME_S

    async def refuse(*_: object) -> None:
        raise AriRefused(500, "no")

    with monkeypatch.context() as refusing:
        refusing.setattr(pbx, "put_dynamic_object", refuse)
        await secrets.replace_old()
    assert pbx.password() == told.secret
    await secrets.replace_old()
    assert pbx.password() != told.secret


class Edge:
    """Keeps what it was asked to let in: number, password, devices, seconds."""

    def __init__(self) -> None:
        self.lent: list[tuple[str, str, int, int]] = []

    async def lend(self, phone: EdgePhone, lasts_s: int) -> None:
        self.lent.append((phone.number, phone.secret, phone.devices, lasts_s))


async def test_given_an_edge_when_a_page_asks_then_the_edge_has_the_password_for_its_time(
    pbx: Pbx, clock: Clock, directory: CurrentDirectory
) -> None:
    edge = Edge()
    secrets = BrowserSecrets(pbx, directory, LIFETIME_S, clock, cast("Subscribers", edge))
    told = await secrets.tell(NUMBER)
    assert edge.lent == [(told.user, told.secret, 5, LIFETIME_S)]
    assert ("auth", told.user) not in pbx.objects
    clock.now_s = LIFETIME_S + 1
    await secrets.replace_old()
    [_, (user, other, _, lasts_s)] = edge.lent
    assert (user, lasts_s) == (told.user, 0)
    assert other != told.secret
