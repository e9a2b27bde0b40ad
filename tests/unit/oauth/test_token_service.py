"""Tokens: issued to the right app, good for as long as they should be, and not longer."""

import asyncio
import dataclasses
import re
from collections.abc import Collection, Iterable

import pytest

from bridge.access.errors import (
    AccessDenied,
    InvalidClient,
    InvalidRequest,
    OAuthError,
    UnsupportedGrantType,
)
from bridge.access.stored_token import StoredToken
from bridge.access.token_fingerprints import token_hash
from bridge.access.token_look_up import TokenLookUp
from bridge.access.token_service import TokenService
from bridge.directory.model import AccountLevel, App

GRANT = "client_credentials"
APP = App("app", "the-secret", "App", AccountLevel.USER, 12, "0003")
OTHER = App("other", "other-secret", "Other", AccountLevel.ADMINISTRATOR, None, None)


class MemoryStore:
    def __init__(self) -> None:
        self.rows: dict[str, StoredToken] = {}
        self.calls: list[str] = []
        self.broken = False
        self.slow: asyncio.Event | None = None

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.broken:
            raise OSError("the database is away")

    async def save(self, token: StoredToken) -> None:
        self._called("save")
        self.rows[token.token_hash] = token

    async def load(self, now_ms: int) -> Iterable[StoredToken]:
        self._called("load")
        return [one for one in self.rows.values() if one.expires_ms > now_ms]

    async def find(self, token_hashes: Collection[str]) -> Iterable[StoredToken]:
        self._called("find")
        found = [self.rows[one] for one in token_hashes if one in self.rows]
        if self.slow is not None:
            await self.slow.wait()
        return found

    async def delete(self, token_hashes: Collection[str]) -> None:
        self._called("delete")
        for hashed in token_hashes:
            self.rows.pop(hashed, None)

    async def purge_expired(self, now_ms: int) -> int:
        self._called("purge_expired")
        old = [key for key, one in self.rows.items() if one.expires_ms <= now_ms]
        for key in old:
            del self.rows[key]
        return len(old)


class World:
    """A token service with its surroundings in the test's hand."""

    def __init__(self, max_tokens_per_app: int = 100) -> None:
        self.store = MemoryStore()
        self.apps = {app.client_id: app for app in (APP, OTHER)}
        self.now_ms = 1_000_000
        self.max_tokens_per_app = max_tokens_per_app
        self.service = self.restarted()

    def restarted(self) -> TokenService:
        return TokenService(
            self.store,
            lambda client_id: self.apps.get(client_id),
            lifetime_s=3600,
            max_tokens_per_app=self.max_tokens_per_app,
            now_ms=lambda: self.now_ms,
        )

    async def token(self, app: App = APP) -> str:
        issued = await self.service.issue(app.client_id, app.client_secret, GRANT)
        return issued.access_token

    def denied(self, token: str) -> str:
        with pytest.raises(AccessDenied) as denied:
            self.service.authenticate(token)
        assert token not in denied.value.reason or not token
        return denied.value.reason


@pytest.fixture
def world() -> World:
    return World()


async def test_issued_token_is_the_apps(world: World) -> None:
    issued = await world.service.issue("app", "the-secret", GRANT)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{10,}", issued.access_token)
    assert issued.expires_in == 3600
    assert issued.access_token not in repr(issued)
    assert world.service.authenticate(issued.access_token) is APP
    assert await world.token() != issued.access_token


async def test_only_hashes_are_stored(world: World) -> None:
    token = await world.token()
    [row] = world.store.rows.values()
    stored = repr(row)
    assert token not in stored
    assert APP.client_secret not in stored
    assert (row.issued_ms, row.expires_ms) == (1_000_000, 1_000_000 + 3_600_000)


async def test_authenticate_does_no_io(world: World) -> None:
    token = await world.token()
    world.store.calls.clear()
    world.store.broken = True
    world.service.authenticate(token)
    for unknown in ("x" * 43, token + "x", token[:-1], "", "é", "\ud800", "x" * 100_000):
        assert world.denied(unknown) in ("unknown token", "malformed token")
    assert world.store.calls == []


@pytest.mark.parametrize(
    ("client_id", "secret", "grant_type", "error", "code", "names"),
    [
        ("app", "wrong", GRANT, InvalidClient, "invalid_client", "client_secret"),
        ("app", "", GRANT, InvalidClient, "invalid_client", "client_secret"),
        ("app", None, GRANT, InvalidClient, "invalid_client", "client_secret"),
        ("app", "\ud800", GRANT, InvalidClient, "invalid_client", "client_secret"),
        ("nobody", "the-secret", GRANT, InvalidClient, "invalid_client", "client_id"),
        ("", "the-secret", GRANT, InvalidClient, "invalid_client", "client_id"),
        (None, None, GRANT, InvalidClient, "invalid_client", "client_id"),
        ("app", "the-secret", None, InvalidRequest, "invalid_request", "grant_type"),
        ("app", "the-secret", "", InvalidRequest, "invalid_request", "grant_type"),
        ("app", "the-secret", "password", UnsupportedGrantType, "unsupported_grant_type", GRANT),
    ],
)
async def test_oauth_errors(
    world: World,
    client_id: str | None,
    secret: str | None,
    grant_type: str | None,
    error: type[OAuthError],
    code: str,
    names: str,
) -> None:
    with pytest.raises(error) as refused:
        await world.service.issue(client_id, secret, grant_type)
    assert refused.value.code == code
    assert names in refused.value.description
    assert world.store.rows == {}


async def test_unknown_client_and_wrong_secret_say_the_same(world: World) -> None:
    said = set()
    for client_id in ("app", "nobody"):
        with pytest.raises(InvalidClient) as refused:
            await world.service.issue(client_id, "wrong", GRANT)
        said.add(refused.value.description)
    assert len(said) == 1


async def test_expires(world: World) -> None:
    token = await world.token()
    world.now_ms += 3_599_999
    world.service.authenticate(token)
    world.now_ms += 1
    assert world.denied(token) == "expired token"
    assert world.denied(token) == "unknown token"


async def test_survives_a_restart(world: World) -> None:
    token = await world.token()
    world.service = world.restarted()
    assert world.denied(token) == "unknown token"
    await world.service.start()
    assert world.service.authenticate(token) is APP


async def test_changed_secret_ends_tokens(world: World) -> None:
    token, other = await world.token(), await world.token(OTHER)
    world.apps["app"] = dataclasses.replace(APP, client_secret="new-secret")
    assert "secret has changed" in world.denied(token)
    assert world.service.authenticate(other) is OTHER
    assert await world.service.purge() == 1
    world.apps["app"] = APP
    assert world.denied(token) == "unknown token"
    assert len(world.store.rows) == 1


async def test_other_changes_of_the_app_show_at_once(world: World) -> None:
    token = await world.token()
    renamed = dataclasses.replace(APP, name="Renamed")
    world.apps["app"] = renamed
    assert world.service.authenticate(token) is renamed
    del world.apps["app"]
    assert "gone" in world.denied(token)


async def test_token_is_durable_before_it_counts(world: World) -> None:
    world.store.broken = True
    with pytest.raises(OSError, match="away"):
        await world.token()
    world.store.broken = False
    world.now_ms += 3_600_000
    assert await world.service.purge() == 0, "no token was kept in memory"


async def test_a_dead_token_counts_no_more_even_if_the_database_is_away(world: World) -> None:
    token = await world.token()
    app = world.apps.pop("app")
    world.store.broken = True
    with pytest.raises(OSError, match="away"):
        await world.service.purge()
    world.apps["app"] = app
    assert world.denied(token) == "unknown token"
    world.store.broken = False
    await world.service.purge()
    assert world.store.rows == {}


async def test_oldest_tokens_make_room() -> None:
    world = World(max_tokens_per_app=2)
    tokens = [await world.token() for _ in range(4)]
    other = await world.token(OTHER)
    assert [world.denied(token) for token in tokens[:2]] == ["unknown token"] * 2
    for token in (*tokens[2:], other):
        world.service.authenticate(token)
    assert len(world.store.rows) == 3


async def test_purge_forgets_the_expired(world: World) -> None:
    await world.token()
    world.now_ms += 1_800_000
    young = await world.token()
    world.now_ms += 1_800_000
    assert await world.service.purge() == 1
    assert len(world.store.rows) == 1
    assert world.service.authenticate(young) is APP


class Two:
    """Two instances over one database."""

    def __init__(self) -> None:
        self.one, self.other = World(), World()
        self.other.store = self.one.store
        for world in (self.one, self.other):
            world.service = TokenService(
                self.one.store,
                lambda client_id, world=world: world.apps.get(client_id),  # type: ignore[misc]
                now_ms=lambda: self.one.now_ms,
                look_up=TokenLookUp(self.one.store.find),
                directory_since_ms=lambda: 0,
            )


async def test_token_of_another_instance_counts_after_one_look() -> None:
    two = Two()
    token = await two.one.token()
    assert two.other.denied(token) == "unknown token"
    for _ in range(3):
        await two.other.service.look(token, "192.0.2.1")
        assert two.other.service.authenticate(token) is APP
    assert two.one.store.calls.count("find") == 1


async def test_token_that_another_instance_has_ended_stops_to_count() -> None:
    two = Two()
    tokens = [await two.one.token() for _ in range(2)]
    for token in tokens:
        await two.other.service.look(token, "192.0.2.1")
    await two.one.service.end(tokens[0])
    await two.other.service.ended_elsewhere([token_hash(tokens[0])])
    assert two.other.denied(tokens[0]) == "unknown token"
    await two.other.service.look(tokens[0], "192.0.2.1")
    assert two.other.denied(tokens[0]) == "unknown token"
    await two.one.service.end(tokens[1])
    await two.other.service.ended_elsewhere(None)
    assert two.other.denied(tokens[1]) == "unknown token"


async def test_look_that_began_before_the_end_brings_no_token_back() -> None:
    two = Two()
    token = await two.one.token()
    two.one.store.slow = asyncio.Event()
    looking = asyncio.ensure_future(two.other.service.look(token, "192.0.2.1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await two.one.service.end(token)
    await two.other.service.ended_elsewhere([token_hash(token)])
    two.one.store.slow.set()
    await looking
    assert two.other.denied(token) == "unknown token"


async def test_instance_with_an_old_secret_ends_no_newer_tokens() -> None:
    two = Two()
    changed = dataclasses.replace(APP, client_secret="changed")
    two.one.apps["app"] = changed
    two.one.now_ms += 100_000
    token = await two.one.token(changed)
    await two.other.service.look(token, "192.0.2.1")
    await two.other.service.purge()
    assert two.one.service.authenticate(token) is changed
    assert "changed" in two.other.denied(token)
    two.other.apps["app"] = changed
    assert two.other.service.authenticate(token) is changed


@pytest.mark.parametrize("text", ["", "short", "x" * 44, "é" * 43, "console." + "x" * 42])
async def test_what_is_no_token_of_ours_is_not_looked_for(text: str) -> None:
    two = Two()
    await two.other.service.look(text, "192.0.2.1")
    assert two.one.store.calls == []
