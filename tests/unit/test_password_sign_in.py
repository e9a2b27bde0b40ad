"""Who signs in with a password, and how many may try at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bridge.access import password_sign_in as module
from bridge.access.errors import InvalidClient
from bridge.access.password_hash import fits, hash_of
from bridge.access.password_sign_in import (
    WAITING_MAX,
    WAITING_PER_ADDRESS_MAX,
    PasswordSignIn,
    TooManySignIns,
)
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import CurrentDirectory
from tests.unit.directory.small_directory import changed

pytestmark = pytest.mark.asyncio

PASSWORD = "kT7-wq0ZpR4xUe2L"
USERS = """\
      - {id: 12, name: Alice, password: "HASH"}
      - {id: 13, name: Bob}
"""


_hash = cache(hash_of)  # one takes 0.2 s


class Given:
    """A directory file that may change, and the sign-in of its users."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(PASSWORD)
        self.directory = CurrentDirectory(path, ThrowawaySecrets())
        self.sign_in = PasswordSignIn(self.directory)

    def write(self, password: str) -> None:
        users = USERS.replace("HASH", _hash(password))
        self.path.write_text(changed("      - {id: 12, name: Alice}\n", users))


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Given]:
    given = Given(tmp_path / "directory.yaml")
    yield given
    given.sign_in.stop()


@pytest.mark.parametrize("name", ["12", "0003*210"])
async def test_the_right_password_is_that_of_the_user(given: Given, name: str) -> None:
    assert await given.sign_in.client_id(name, PASSWORD) == "user/12"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("12", "wrong"),
        ("12", ""),
        ("012", PASSWORD),
        ("13", PASSWORD),
        ("13", ""),
        ("14", PASSWORD),
        ("Alice", PASSWORD),
        ("0003*299", PASSWORD),
        ("user/12", PASSWORD),
        ("9" * 5000, PASSWORD),
        ("\u0661\u0662", PASSWORD),
        ("\ud800", "\ud800"),
    ],
)
async def test_each_wrong_one_is_checked_and_refused_with_the_same_words(
    given: Given, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    checked = []

    def quick(sent: str, stored: str | None) -> bool:
        checked.append(sent)
        return stored is not None and sent == PASSWORD

    monkeypatch.setattr(module, "fits", quick)
    with pytest.raises(InvalidClient) as refused:
        await given.sign_in.client_id(name, password)
    assert refused.value.description == "unknown user or wrong password"
    assert checked == [password]


async def test_a_password_that_changes_during_its_check_is_refused(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(password: str, stored: str | None) -> bool:
        given.write("another-one-of-16")
        given.directory.reload()
        return fits(password, stored)

    monkeypatch.setattr(module, "fits", slow)
    with pytest.raises(InvalidClient):
        await given.sign_in.client_id("12", PASSWORD)


async def test_turns_come_one_after_the_other_and_too_many_are_refused(given: Given) -> None:
    running, most, go = 0, 0, asyncio.Event()

    async def try_(remote: str) -> None:
        nonlocal running, most
        async with given.sign_in.turn(remote):
            running += 1
            most = max(most, running)
            await go.wait()
            running -= 1

    remotes = [f"192.0.2.{x // WAITING_PER_ADDRESS_MAX}" for x in range(WAITING_MAX)]
    tries = [asyncio.create_task(try_(x)) for x in remotes]
    await asyncio.sleep(0)
    for remote in ("192.0.2.0", "198.51.100.1"):
        with pytest.raises(TooManySignIns):
            await try_(remote)
    go.set()
    await asyncio.gather(*tries)
    assert most == 1
    await try_("198.51.100.1")


async def test_one_address_cannot_take_all_turns(given: Given) -> None:
    go = asyncio.Event()

    async def wait(remote: str) -> None:
        async with given.sign_in.turn(remote):
            await go.wait()

    tries = [asyncio.create_task(wait("192.0.2.1")) for _ in range(WAITING_PER_ADDRESS_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(TooManySignIns):
        await wait("192.0.2.1")
    other = asyncio.create_task(wait("192.0.2.2"))
    # A request that is given up leaves its place.
    tries[-1].cancel()
    await asyncio.sleep(0)
    tries.append(asyncio.create_task(wait("192.0.2.1")))
    await asyncio.sleep(0)
    go.set()
    done = await asyncio.gather(*tries, other, return_exceptions=True)
    assert [type(x) for x in done if x] == [asyncio.CancelledError]
