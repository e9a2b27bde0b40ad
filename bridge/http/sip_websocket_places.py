"""Places for phones on WebSocket. One that is not registered counts against its address, too."""

from __future__ import annotations

from collections import Counter

from bridge.http.errors import UapiError


class Place:
    """The place of one connection."""

    def __init__(self, remote: str) -> None:
        self.remote = remote
        self.registered = False


class Places:
    """`total` in all; `strangers` of one remote that have not registered.

    A registered phone counts against no address: phones behind one router or proxy are many.
    """

    def __init__(self, total: int, strangers: int) -> None:
        self._total = total
        self._strangers = strangers
        self._taken: set[Place] = set()
        self._strangers_of: Counter[str] = Counter()

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
        self.set_registered(place, registered=True)
        self._taken.discard(place)

    def set_registered(self, place: Place, *, registered: bool) -> None:
        """Note whether a phone is registered on the connection.

        Connections without one count per address.
        """
        if place.registered is registered:
            return
        place.registered = registered
        self._strangers_of[place.remote] += -1 if registered else 1
        if not self._strangers_of[place.remote]:
            del self._strangers_of[place.remote]


def _too_many(message: str) -> UapiError:
    return UapiError(503, "too_many_phones", message, {"Retry-After": "30"})
