"""Who may use the Verba API: keys, the networks that they are for, users, and tokens of users."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.access.verba_access import (
    TOKENS_MAX,
    CredentialsRefused,
    KeyRefused,
    LoginRequired,
    TokenRefused,
    VerbaAccess,
    organization_of,
)
from bridge.access.verba_token_store import VerbaToken
from bridge.directory.directory import Directory
from bridge.directory.model import VerbaKey, VerbaUser
from tests.lab.instant_time import instant

OPEN = VerbaKey("open", "0a1b", needs_login=False)
HOME = VerbaKey("home", "0c1d", needs_login=True, networks=(ip_network("192.0.2.0/24"),))
OFFICE = VerbaKey("office", "0e1f", needs_login=True, organization="0003")
ALICE, BOB = VerbaUser("alice", "secret", "0003"), VerbaUser("bob", "other", "0004")
LIFETIME_S = 600


class Tokens:
    def __init__(self) -> None:
        self.kept: dict[str, VerbaToken] = {}
        self.purged_before_ms = 0

    async def save(self, token: VerbaToken, most: int) -> None:
        assert most == TOKENS_MAX
        self.kept[token.token_hash] = token

    async def find(self, token_hash: str) -> VerbaToken | None:
        return self.kept.get(token_hash)

    async def purge_expired(self, before_ms: int) -> int:
        gone = [x for x in self.kept.values() if x.expires_ms < before_ms]
        for token in gone:
            del self.kept[token.token_hash]
        return len(gone)


class World:
    def __init__(self, *users: VerbaUser) -> None:
        self.tokens = Tokens()
        self.current = SimpleNamespace(directory=self.directory(*users))
        self.access = VerbaAccess(cast("Any", self.current), cast("Any", self.tokens), LIFETIME_S)

    def directory(self, *users: VerbaUser) -> Directory:
        return Directory.of(verba_keys=(OPEN, HOME, OFFICE), verba_users=users)


@pytest.mark.parametrize(
    ("text", "remote", "found"),
    [
        ("0a1b", None, OPEN),
        ("0A1B", "203.0.113.9", OPEN),
        ("0c1d", "192.0.2.7", HOME),
        ("0c1d", "::ffff:192.0.2.7", HOME),
        ("0c1d", "203.0.113.9", None),
        ("0c1d", "2001:db8::1", None),
        ("0c1d", None, None),
        ("0c1d", "unix:", None),
        ("0a1", "192.0.2.7", None),
        ("", "192.0.2.7", None),
        (None, "192.0.2.7", None),
        ("é", "192.0.2.7", None),
    ],
)
def test_given_a_key_when_used_from_somewhere_then_it_is_taken_or_refused(
    text: str | None, remote: str | None, found: VerbaKey | None
) -> None:
    access = World().access
    if found is None:
        with pytest.raises(KeyRefused):
            access.key(text, remote)
    else:
        assert access.key(text, remote) == found


@instant
async def test_given_a_key_without_login_when_a_token_comes_then_it_counts_for_nothing() -> None:
    access = World(ALICE).access
    assert await access.user(OPEN, None) is None
    assert await access.user(OPEN, "anything") is None


@instant
async def test_given_a_key_with_login_when_a_user_has_a_token_then_it_is_that_user() -> None:
    access = World(ALICE, BOB).access
    with pytest.raises(LoginRequired):
        await access.user(OFFICE, None)
    token = await access.issue(OFFICE, "alice", "secret")
    assert await access.user(OFFICE, token) == ALICE
    for key, wrong in ((OFFICE, token[:-1]), (OFFICE, ""), (HOME, token)):
        with pytest.raises(TokenRefused):
            await access.user(key, wrong)


@pytest.mark.parametrize(
    ("key", "name", "password"),
    [
        (OFFICE, "alice", "wrong"),
        (OFFICE, "alice", ""),
        (OFFICE, "nobody", ""),
        (OFFICE, "nobody", "secret"),
        (OFFICE, "bob", "other"),
    ],
)
@instant
async def test_given_wrong_credentials_when_a_token_is_asked_for_then_none_is_kept(
    key: VerbaKey, name: str, password: str
) -> None:
    world = World(ALICE, BOB)
    with pytest.raises(CredentialsRefused):
        await world.access.issue(key, name, password)
    assert world.tokens.kept == {}


@instant
async def test_given_a_token_when_its_time_is_over_then_it_is_refused_and_purged() -> None:
    world = World(ALICE)
    token = await world.access.issue(OFFICE, "alice", "secret")
    await asyncio.sleep(LIFETIME_S - 1)
    await world.access.purge()
    assert await world.access.user(OFFICE, token) == ALICE
    await asyncio.sleep(1)
    with pytest.raises(TokenRefused):
        await world.access.user(OFFICE, token)
    await asyncio.sleep(1)
    await world.access.purge()
    assert world.tokens.kept == {}


@pytest.mark.parametrize("users", [(), (replace(ALICE, password="new"),)])
@instant
async def test_given_a_user_that_was_changed_when_the_old_token_comes_then_it_is_refused(
    users: tuple[VerbaUser, ...],
) -> None:
    world = World(ALICE)
    token = await world.access.issue(OFFICE, "alice", "secret")
    world.current.directory = world.directory(*users)
    with pytest.raises(TokenRefused):
        await world.access.user(OFFICE, token)


@pytest.mark.parametrize(
    ("key", "user", "organization"),
    [(OPEN, None, None), (OFFICE, None, "0003"), (HOME, BOB, "0004"), (OFFICE, ALICE, "0003")],
)
def test_given_a_key_and_a_user_when_both_may_limit_then_the_limit_counts(
    key: VerbaKey, user: VerbaUser | None, organization: str | None
) -> None:
    assert organization_of(key, user) == organization
