"""Access to the Verba API: keys, their networks, users and the tokens of users."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from bridge.access.token_fingerprints import same, secret_fingerprint, token_hash
from bridge.access.verba_token_store import VerbaToken, VerbaTokenStore
from bridge.clock import now_ms
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import VerbaKey, VerbaUser

TOKENS_MAX = 1_000
"""Of one user with one key: a client in a loop must not fill the database. The oldest go."""

_TOKEN_BYTES = 24


class KeyRefused(Exception):
    """The key is missing or unknown, or not for this network: the same for each."""


class LoginRequired(Exception):
    """The key needs a token, and none was sent."""


class TokenRefused(Exception):
    """The token is unknown, expired, of another key, or of a user that was changed."""


class CredentialsRefused(Exception):
    """The user does not exist, the password is wrong, or the user may not use this key."""


class VerbaAccess:
    """Checks the keys and tokens of the Verba API, and issues tokens."""

    def __init__(
        self,
        directory: CurrentDirectory,
        tokens: VerbaTokenStore,
        lifetime_s: int,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._now_ms = now_ms
        self._directory = directory
        self._tokens = tokens
        self._lifetime_ms = lifetime_s * 1000

    def key(self, text: str | None, remote: str | None) -> VerbaKey:
        """Raises KeyRefused."""
        found = None
        for known in self._directory.directory.verba_keys:
            if same(known.key, (text or "").lower()):
                found = known
        if found is None or not _is_inside(found, remote):
            raise KeyRefused
        return found

    async def user(self, key: VerbaKey, token: str | None) -> VerbaUser | None:
        """The key and user of the token; None for a key that needs none and a request without one.

        Raises LoginRequired, TokenRefused, StorageUnavailable.
        """
        if token is None:
            if key.needs_login:
                raise LoginRequired
            return None
        if not key.needs_login:
            return None  # as the vendor has it: such a key's requests carry a token for nothing
        hashed = token_hash(token)
        stored = await self._tokens.find(hashed)
        if stored is None or stored.expires_ms <= self._now_ms() or stored.key_name != key.name:
            raise TokenRefused
        user = self._directory.directory.verba_users.get(stored.user_name)
        if user is None or secret_fingerprint(user.password, hashed) != stored.fingerprint:
            raise TokenRefused
        return user

    async def issue(self, key: VerbaKey, name: str, password: str) -> str:
        """A token for this key. Raises CredentialsRefused, StorageUnavailable."""
        user = self._directory.directory.verba_users.get(name)
        matches = same(user.password if user is not None else "", password)
        if user is None or not matches or not _may_use(user, key):
            raise CredentialsRefused
        token = secrets.token_hex(_TOKEN_BYTES)
        hashed = token_hash(token)
        await self._tokens.save(
            VerbaToken(
                token_hash=hashed,
                key_name=key.name,
                user_name=user.name,
                fingerprint=secret_fingerprint(user.password, hashed),
                expires_ms=self._now_ms() + self._lifetime_ms,
            ),
            TOKENS_MAX,
        )
        return token

    async def purge(self) -> None:
        """Remove expired tokens from the database. Raises StorageUnavailable."""
        await self._tokens.purge_expired(self._now_ms())


def organization_of(key: VerbaKey, user: VerbaUser | None) -> str | None:
    """The organization whose calls may be reached; None: all."""
    return key.organization or (user.organization if user is not None else None)


def _may_use(user: VerbaUser, key: VerbaKey) -> bool:
    return None in (user.organization, key.organization) or user.organization == key.organization


def _is_inside(key: VerbaKey, remote: str | None) -> bool:
    if not key.networks:
        return True
    try:
        address = ip_address(remote or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in key.networks)
