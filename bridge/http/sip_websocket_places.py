"""Places for phones on WebSocket. One that is not registered counts against its address, too."""

from __future__ import annotations

from collections import Counter

from bridge.http.errors import UapiError

PHONES_PER_USER = 10
"""As many as an extension may have devices. Each place is one of few, and one password opens as
many connections as somebody likes."""


class Place:
    """The place of one connection. `user`: who is registered on it."""

    def __init__(self, remote: str) -> None:
        self.remote = remote
        self.user: str | None = None


class Places:
    """`total` in all; `strangers` of one remote that have not registered.

    A registered phone counts against no address: phones behind one router or proxy are many. It
    counts against its user.
    """

    def __init__(self, total: int, strangers: int) -> None:
        self._total = total
        self._strangers = strangers
        self._taken: set[Place] = set()
        self._strangers_of: Counter[str] = Counter()
        self._phones_of: Counter[str] = Counter()

    def take(self, remote: str) -> Place:
        """A place for a new connection from that address. Raises 503 too_many_phones."""
        if len(self._taken) >= self._total:
            raise _too_many(f"The limit of {self._total} WebSocket phones is reached.")
        if self._strangers_of[remote] >= self._strangers:
            raise _too_many(
                f"{self._strangers} WebSocket phones of this address have not registered yet."
            )
        place = Place(remote)
        self._taken.add(place)
        self._strangers_of[remote] += 1
        return place

    def leave(self, place: Place) -> None:
        """Give back a place at the end of its connection."""
        self.unregistered(place)
        _less(self._strangers_of, place.remote)
        self._taken.discard(place)

    def registered(self, place: Place, user: str) -> bool:
        """Note that the user is registered on the connection.

        False if the user has too many; then the connection counts as that of a stranger.
        """
        if place.user == user:
            return True
        self.unregistered(place)
        if self._phones_of[user] >= PHONES_PER_USER:
            return False
        place.user = user
        self._phones_of[user] += 1
        _less(self._strangers_of, place.remote)
        return True

    def unregistered(self, place: Place) -> None:
        """Note that nobody is registered on the connection."""
        if place.user is not None:
            _less(self._phones_of, place.user)
            place.user = None
            self._strangers_of[place.remote] += 1


def _less(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _too_many(message: str) -> UapiError:
    return UapiError(503, "too_many_phones", message, {"Retry-After": "30"})
