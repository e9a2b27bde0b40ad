"""The SIP passwords of browsers: made when one asks, kept in memory, changed after their time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from bridge.directory.loader import CurrentDirectory
from bridge.faults import Fenced, StorageUnavailable
from bridge.pbx.ami.browser_endpoints import browser_name
from bridge.pbx.ari.errors import AriError
from bridge.pbx.phones.phone_objects import BROWSERS_MAX, PhoneAccount, auth_object
from bridge.pbx.phones.phone_store import PhoneStore

if TYPE_CHECKING:
    from bridge.cluster.edge.subscribers import Subscribers

log = structlog.get_logger()

_RANDOM_BYTES = 24
_RENEWED_S = 60.0
"""So long before its end a password is replaced if a page asks. Pages ask in half that time."""


@dataclass(frozen=True, slots=True)
class BrowserSecret:
    """`user` registers with `secret`, for `lasts_s` seconds from now."""

    user: str
    secret: str = field(repr=False)
    lasts_s: int


@dataclass(slots=True)
class _Told:
    """`user_id`: whose phone it was then; another user must not share the password."""

    secret: str = field(repr=False)
    until_s: float
    user_id: int | None


class BrowserSecrets:
    """All pages that have an extension share its password of the moment.

    Nobody knows the password until a page asks. After `lifetime_s` it is replaced by one that
    nobody knows. A page that asks in the last minute of that time gets a new one, and so do the
    others, which ask then as well. A page that does not stays registered until its registration
    ends.
    """

    def __init__(
        self,
        ari: PhoneStore,
        directory: CurrentDirectory,
        lifetime_s: int,
        clock: Callable[[], float] = time.monotonic,
        subscribers: Subscribers | None = None,
    ) -> None:
        """`subscribers`: of the edge, where browsers register at one. It ends each password by
        itself."""
        self._subscribers = subscribers
        self._ari = ari
        self._directory = directory
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._told: dict[str, _Told] = {}  # by extension
        self._seen: set[str] = set()

    def seen(self, numbers: Iterable[str]) -> None:
        """These extensions have an endpoint for browsers on the PBX.

        An earlier run of the service may have told its password, and nobody knows when. So the next
        round replaces it, unless a page asks before. Only the first time counts.
        """
        new = set(numbers) - self._seen
        self._seen |= new
        for number in new:
            self._told.setdefault(number, _Told(_random(), self._clock(), self._user_of(number)))

    def on_pbx(self, number: str) -> str:
        """The password that the endpoint of the browsers of that extension is made with."""
        told = self._told.get(number)
        if told is None or self._is_over(number, told, self._clock()):
            return _random()
        return told.secret

    async def tell(self, number: str) -> BrowserSecret:
        """The password of the moment, after the PBX or the edge has taken it.

        Raises AriError, StorageUnavailable, Fenced.
        """
        now_s = self._clock()
        told = self._told.get(number)
        renewed_s = min(_RENEWED_S, self._lifetime_s / 2)
        if told is None or self._is_over(number, told, now_s + renewed_s):
            user_id = self._user_of(number)
            told = self._told[number] = _Told(_random(), now_s + self._lifetime_s, user_id)
        # Each time: a PBX that was restarted, or made anew, may have another one.
        await self._put(number, told.secret, int(told.until_s - now_s))
        return BrowserSecret(browser_name(number), told.secret, int(told.until_s - now_s))

    async def replace_old(self) -> None:
        """Replace each password whose time is over, or whose phone is no longer of that user.

        Those that fail are tried at the next call.
        """
        now_s = self._clock()
        for number in [x for x, told in self._told.items() if self._is_over(x, told, now_s)]:
            if self._user_of(number) is not None:
                try:
                    await self._put(number, _random(), 0)
                except (AriError, StorageUnavailable, Fenced) as why:
                    log.info("browser_secret_not_replaced", extension=number, why=str(why))
                    continue
            # One that asked meanwhile has a new one.
            told = self._told.get(number)
            if told is not None and self._is_over(number, told, now_s):
                del self._told[number]

    def _is_over(self, number: str, told: _Told, at_s: float) -> bool:
        return told.until_s <= at_s or told.user_id != self._user_of(number)

    def _user_of(self, number: str) -> int | None:
        """None where the extension has no browser phone (any more)."""
        extension = self._directory.directory.extensions.get(number)
        return extension.user_id if extension is not None and extension.webrtc else None

    async def _put(self, number: str, secret: str, lasts_s: int) -> None:
        name = browser_name(number)
        if self._subscribers is not None:
            browsers = PhoneAccount(name, secret, devices=BROWSERS_MAX)
            await self._subscribers.lend(browsers, lasts_s)
            return
        await self._ari.put_dynamic_object("auth", name, auth_object(name, secret))


def _random() -> str:
    return secrets.token_urlsafe(_RANDOM_BYTES)
