"""Secrets that are sent to the service: at most so many wrong ones from one address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from bridge.access.guess_guard import GuessGuard, TooManyGuesses, client_key
from bridge.http.rate_limits import bucket_limit, tell_limits
from bridge.http.remote_address import remote_of

GUESSES = web.AppKey("guesses", GuessGuard)
_CLIENT_MAX_CHARS = 100


@contextmanager
def guarded(
    request: web.Request,
    kind: str,
    client: str | None,
    credential: str | None,
    wrong: type[Exception],
) -> Iterator[None]:
    """Around the check of a credential, which raises `wrong`. Raises TooManyGuesses before it."""
    guard, remote = request.app[GUESSES], remote_of(request.remote)
    name, secret = f"{kind} {(client or '')[:_CLIENT_MAX_CHARS]}", credential or ""
    try:
        guard.check(remote, name, secret)
        try:
            yield
        except wrong:
            guard.failed(remote, name)
            raise
        guard.succeeded(remote, name, secret)
    finally:
        _tell(request, guard, remote, name)


def _tell(request: web.Request, guard: GuessGuard, remote: str, name: str) -> None:
    limits = (
        ("wrong-secrets-of-client", guard.by_client, client_key(remote, name)),
        ("wrong-secrets-of-address", guard.by_address, remote),
    )
    told = [bucket_limit(*x) for x in limits if x[1].size]
    if told:
        tell_limits(request, *told)


class WebSocketGuesses:
    """Passwords of phones on /ws, whose address the PBX does not see. One budget per address."""

    _KIND = "phone on /ws"

    def __init__(self, request: web.Request) -> None:
        self._guard = request.app[GUESSES]
        self._remote = remote_of(request.remote)

    def may_try(self, user: str | None) -> bool:
        """Whether that phone may register: also over the budget if it did from this address before.

        Its password is never seen here, so the user stands for it. A wrong one ends its connection.
        """
        try:
            self._guard.check(self._remote, self._KIND, user or "")
        except TooManyGuesses:
            return False
        return True

    def was_right(self, user: str) -> None:
        """That phone has registered."""
        self._guard.succeeded(self._remote, self._KIND, user)

    def are_too_many(self) -> bool:
        """Count a wrong password; whether its address has sent too many."""
        self._guard.failed(self._remote, self._KIND)
        return not self.may_try(None)
