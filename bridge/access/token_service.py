"""Issues, checks and ends access tokens.

All valid tokens are in memory: loaded at start, added once they are durable. So `authenticate` does
no I/O, and a token that is not in memory is denied without asking the database, however many are
tried. Nothing is remembered of them.

Of several instances each learns the tokens of the others by `look`, before it authenticates a
request. It hears of ended tokens by `ended_elsewhere`.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bridge.access.errors import AccessDenied, InvalidClient, InvalidRequest, UnsupportedGrantType
from bridge.access.stored_token import StoredToken, TokenRecords
from bridge.access.token_fingerprints import same, secret_fingerprint, token_hash
from bridge.access.token_look_up import TokenLookUp
from bridge.clock import now_ms
from bridge.directory.model import App

CLIENT_CREDENTIALS = "client_credentials"
DEFAULT_LIFETIME_S = 3600
DEFAULT_MAX_TOKENS_PER_APP = 10_000

CONSOLE_SESSION = "console."
"""How the token of a console's session begins. No other token does: it has no full stop."""

_TOKEN_BYTES = 32
_MAX_TOKEN_CHARS = 128  # ours have 43 or 51; longer ones are not even hashed
_OURS = re.compile(rf"(?:{re.escape(CONSOLE_SESSION)})?[A-Za-z0-9_-]{{43}}")

# A look into the database that began before the end of its token is over by far after so many more.
_ENDED_MAX = 20_000
_DIRECTORY_LAG_MS = 60_000
"""Another instance may have read a changed secret so much earlier, by the clock of its machine."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and its lifetime in seconds."""

    access_token: str = field(repr=False)
    expires_in: int


class TokenService:
    """`find_app` looks into the directory in force, so that a reload counts at once.

    `find_client` finds also users that sign in with a password; None: as `find_app`. No credentials
    of such a user count here, as the hash of the password would be one.

    An app with `max_tokens_per_app` live tokens loses its oldest with every new one: an app in a
    loop must not fill the memory.

    `look_up` is for an instance of several, and `directory_since_ms` tells when the directory came
    into force there.
    """

    def __init__(
        self,
        store: TokenRecords,
        find_app: Callable[[str], App | None],
        find_client: Callable[[str], App | None] | None = None,
        *,
        lifetime_s: int = DEFAULT_LIFETIME_S,
        max_tokens_per_app: int = DEFAULT_MAX_TOKENS_PER_APP,
        now_ms: Callable[[], int] = now_ms,
        look_up: TokenLookUp | None = None,
        directory_since_ms: Callable[[], int] | None = None,
    ) -> None:
        self._look_up = look_up
        self._directory_since_ms = directory_since_ms
        self._ended: OrderedDict[str, None] = OrderedDict()  # the last ones, of several instances
        self._store = store
        self._find_app = find_app
        self._find_client = find_client or find_app
        self._lifetime_s = lifetime_s
        self._max_tokens_per_app = max_tokens_per_app
        self._now_ms = now_ms
        self._tokens: dict[str, StoredToken] = {}
        self._hashes_by_client: dict[str, dict[str, None]] = {}  # a dict keeps the order of issue
        self._undeleted: set[str] = set()
        self._apps_of: dict[str, App] = {}  # whose secret each token was seen to belong to
        self._nobodys_secret = secrets.token_urlsafe(_TOKEN_BYTES)

    async def start(self) -> None:
        """Load the tokens of earlier runs.

        Before it, every token is unknown. Raises StorageUnavailable.
        """
        loaded = await self._store.load(self._now_ms())
        for token in sorted(loaded, key=lambda one: one.issued_ms):
            self._remember(token)

    async def look(self, token: str, address: str) -> None:
        """Learn a token that another instance may have issued, before `authenticate`.

        `address`: of the client. Raises StorageUnavailable where nobody can say whether it is
        valid: the database cannot be read, or too many unknown tokens are being looked for.
        """
        if self._look_up is None or _OURS.fullmatch(token) is None:
            return
        hashed = token_hash(token)
        if hashed in self._tokens or hashed in self._ended:
            return
        found = await self._look_up.find(hashed, address)
        if found is not None and hashed not in self._ended and hashed not in self._tokens:
            self._remember(found)

    async def ended_elsewhere(self, token_hashes: Collection[str] | None) -> None:
        """Another instance has ended these tokens; None: it may have ended any.

        Raises StorageUnavailable.
        """
        if token_hashes is None:
            before = list(self._tokens)  # one that is issued meanwhile is none of them
            there = {x.token_hash for x in await self._store.load(self._now_ms())}
            token_hashes = [x for x in before if x not in there]
        for hashed in token_hashes:
            self._note_end(hashed)
            if (token := self._tokens.get(hashed)) is not None:
                self._forget(token)

    async def issue(
        self,
        client_id: str | None,
        client_secret: str | None,
        grant_type: str | None,
        lifetime_s: int | None = None,
        begin: str = "",
    ) -> IssuedToken:
        """A new token, on disk when this returns. `lifetime_s`: None: as for every app.

        `begin`: how the token begins.

        Raises InvalidRequest, UnsupportedGrantType, InvalidClient (RFC 6749 §5.2),
        StorageUnavailable.
        """
        if not grant_type:
            raise InvalidRequest(
                f"grant_type is required: {CLIENT_CREDENTIALS}, in a form or in JSON"
            )
        if grant_type != CLIENT_CREDENTIALS:
            raise UnsupportedGrantType(
                f"grant_type must be {CLIENT_CREDENTIALS}: there are no authorization codes and no "
                "refresh tokens here; ask for a new token instead"
            )
        app = self._authenticated_client(client_id, client_secret)
        return await self._issued(app, lifetime_s, begin)

    async def issue_to(self, client_id: str, lifetime_s: int, begin: str = "") -> IssuedToken:
        """A new token for an app or a user that need not show a secret, on disk when this returns.

        Raises InvalidClient where the app is gone, StorageUnavailable.
        """
        app = self._find_client(client_id)
        if app is None:
            raise InvalidClient("unknown client_id")
        return await self._issued(app, lifetime_s, begin)

    async def end(self, token: str) -> None:
        """The token does not count from now on. Raises StorageUnavailable; then it does not count
        until the next start."""
        stored = self._tokens.get(token_hash(token))
        if stored is not None:
            await self._end([stored])

    def expires_ms(self, token: str) -> int | None:
        """When the token ends, wall clock; None for an unknown one."""
        stored = self._tokens.get(token_hash(token))
        return None if stored is None else stored.expires_ms

    async def _issued(self, app: App, lifetime_s: int | None, begin: str) -> IssuedToken:
        lifetime_s = self._lifetime_s if lifetime_s is None else lifetime_s
        token = begin + secrets.token_urlsafe(_TOKEN_BYTES)
        hashed = token_hash(token)
        now = self._now_ms()
        stored = StoredToken(
            token_hash=hashed,
            client_id=app.client_id,
            secret_fingerprint=secret_fingerprint(app.client_secret, hashed),
            issued_ms=now,
            expires_ms=now + lifetime_s * 1000,
        )
        await self._store.save(stored)
        self._remember(stored)
        await self._drop_excess(app.client_id)
        return IssuedToken(token, lifetime_s)

    def authenticate(self, token: str) -> App:
        """The app that the token was issued to. Raises AccessDenied. No I/O: on every request."""
        if not token.isascii() or not 0 < len(token) <= _MAX_TOKEN_CHARS:
            raise AccessDenied("malformed token")
        hashed = token_hash(token)
        stored = self._tokens.get(hashed)
        if stored is None:
            raise AccessDenied("unknown token")
        if stored.expires_ms <= self._now_ms():
            self._forget(stored)
            raise AccessDenied("expired token")
        app = self._find_client(stored.client_id)
        if app is None:
            raise AccessDenied("the app of the token is gone")
        if self._apps_of.get(hashed) is not app:  # a reload makes new apps
            if not _issued_for(stored, app):
                raise AccessDenied("the app's secret has changed since the token was issued")
            self._apps_of[hashed] = app
        return app

    async def purge(self) -> int:
        """Forget tokens that cannot count any more; how many there were in memory.

        Call it at an interval and after a reload. A changed secret then ends its tokens for good,
        even if the secret is changed back. Raises StorageUnavailable; the tokens do not count all
        the same, and the next call deletes them.
        """
        now = self._now_ms()
        expired = [one for one in self._tokens.values() if one.expires_ms <= now]
        for token in expired:
            self._forget(token)
        dead = [one for one in self._tokens.values() if self._is_dead(one)]
        await self._end(dead)
        await self._store.purge_expired(now)
        return len(expired) + len(dead)

    def _authenticated_client(self, client_id: str | None, client_secret: str | None) -> App:
        """An unknown client takes as long as a wrong secret and fails with the same words."""
        app = self._find_app(client_id) if client_id else None
        expected = self._nobodys_secret if app is None else app.client_secret
        matches = same(client_secret or "", expected)
        if app is None or not matches:
            raise InvalidClient("unknown client_id or wrong client_secret")
        return app

    def _is_dead(self, token: StoredToken) -> bool:
        """Of several instances one may not know a new secret yet: it ends no newer tokens."""
        since_ms = None if self._directory_since_ms is None else self._directory_since_ms()
        if since_ms is not None and token.issued_ms > since_ms - _DIRECTORY_LAG_MS:
            return False
        app = self._find_client(token.client_id)
        return app is None or not _issued_for(token, app)

    async def _drop_excess(self, client_id: str) -> None:
        hashes = self._hashes_by_client[client_id]
        excess = len(hashes) - self._max_tokens_per_app
        if excess > 0:
            await self._end([self._tokens[hashed] for hashed in list(hashes)[:excess]])

    async def _end(self, tokens: list[StoredToken]) -> int:
        """First in memory, so that none counts while the database is slow.

        The next call tries again what this one could not delete.
        """
        for token in tokens:
            self._forget(token)
            self._note_end(token.token_hash)
        self._undeleted.update(token.token_hash for token in tokens)
        doomed = list(self._undeleted)
        if doomed:
            await self._store.delete(doomed)
            self._undeleted.difference_update(doomed)
        return len(tokens)

    def _note_end(self, hashed: str) -> None:
        """A look that has found the token before must not bring it back."""
        if self._look_up is None:
            return
        self._ended[hashed] = None
        if len(self._ended) > _ENDED_MAX:
            self._ended.popitem(last=False)

    def _remember(self, token: StoredToken) -> None:
        self._tokens[token.token_hash] = token
        self._hashes_by_client.setdefault(token.client_id, {})[token.token_hash] = None

    def _forget(self, token: StoredToken) -> None:
        self._tokens.pop(token.token_hash, None)
        self._apps_of.pop(token.token_hash, None)
        hashes = self._hashes_by_client.get(token.client_id, {})
        hashes.pop(token.token_hash, None)
        if not hashes:
            self._hashes_by_client.pop(token.client_id, None)


def _issued_for(token: StoredToken, app: App) -> bool:
    expected = secret_fingerprint(app.client_secret, token.token_hash)
    return hmac.compare_digest(token.secret_fingerprint, expected)
