"""The SIP passwords of browsers: made when one asks, kept in memory, changed after their time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bridge.directory.loader import CurrentDirectory
from bridge.pbx.ami.browser_endpoints import browser_name
from bridge.pbx.ari.errors import AriError
from bridge.pbx.phones.phone_objects import auth_object
from bridge.pbx.phones.phone_store import PhoneStore

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
    secret: str = field(repr=False)
    until_s: float


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
    ) -> None:
        self._ari = ari
        self._directory = directory
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._told: dict[str, _Told] = {}  # by extension

    def on_pbx(self, number: str) -> str:
        """The password that the endpoint of the browsers of that extension is made with."""
        told = self._told.get(number)
        return _random() if told is None else told.secret

    async def tell(self, number: str) -> BrowserSecret:
        """The password of the moment, after the PBX has taken it. Raises AriError."""
        now_s = self._clock()
        told = self._told.get(number)
        if told is None or told.until_s - now_s <= min(_RENEWED_S, self._lifetime_s / 2):
            told = self._told[number] = _Told(_random(), now_s + self._lifetime_s)
        # Each time: a PBX that was restarted, or made anew, may have another one.
        await self._put(number, told.secret)
        return BrowserSecret(browser_name(number), told.secret, int(told.until_s - now_s))

    async def replace_old(self) -> None:
        """Replace each password whose time is over. Those that fail are tried at the next call."""
        now_s = self._clock()
        for number in [x for x, told in self._told.items() if told.until_s <= now_s]:
            extension = self._directory.directory.extensions.get(number)
            if extension is not None and extension.webrtc:
                try:
                    await self._put(number, _random())
                except AriError as why:
                    log.info("browser_secret_not_replaced", extension=number, why=str(why))
                    continue
            # One that asked meanwhile has a new one.
            if (told := self._told.get(number)) is not None and told.until_s <= now_s:
                del self._told[number]

    async def _put(self, number: str, secret: str) -> None:
        name = browser_name(number)
        await self._ari.put_dynamic_object("auth", name, auth_object(name, secret))


def _random() -> str:
    return secrets.token_urlsafe(_RANDOM_BYTES)
