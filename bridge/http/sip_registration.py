"""Whether an answer of the PBX says that a phone is registered, and for how long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from bridge.http.sip_sender import has_request, sender_of
from bridge.http.sip_websocket_places import Place, Places

log = structlog.get_logger()

_HEAD_MAX_CHARS = 16_384
_REJECTED = re.compile(r"SIP/2\.0 40[137][ \r]")
_ACCEPTED = re.compile(r"SIP/2\.0 200[ \r]")
_OF_REGISTER = re.compile(r"^CSeq\s*:\s*\d{1,10}\s+REGISTER\s*$", re.IGNORECASE | re.MULTILINE)
_CONTACT = re.compile(r"^(?:Contact|m)\s*:(.*)$", re.IGNORECASE | re.MULTILINE)
_EXPIRES_OF_CONTACT = re.compile(r";\s*expires\s*=\s*(\d{1,10})", re.IGNORECASE)
_EXPIRES = re.compile(r"^Expires\s*:\s*(\d{1,10})", re.IGNORECASE | re.MULTILINE)
_EXPIRES_DEFAULT_S = 3600  # RFC 3261 §10.2


def registered_for_s(message: str) -> int | None:
    """How many seconds a phone is registered for by this message of the PBX.

    None if the message is not a 200 to a REGISTER. 0 if the phone is no longer registered (RFC 3261
    §10.3: the answer lists the registrations).
    """
    if not _ACCEPTED.match(message):
        return None
    head = message[:_HEAD_MAX_CHARS].partition("\r\n\r\n")[0].replace("\r\n", "\n")
    if not _OF_REGISTER.search(head):
        return None
    contacts = _CONTACT.findall(head)
    if not contacts:
        return 0
    named = [int(x) for contact in contacts for x in _EXPIRES_OF_CONTACT.findall(contact)]
    if named:
        return max(named)
    general = _EXPIRES.search(head)
    return int(general[1]) if general else _EXPIRES_DEFAULT_S


class PhoneGuesses(Protocol):
    """The guard against guessed passwords, as one connection uses it."""

    def are_too_many(self) -> bool:
        """Count a wrong password; whether its address has sent too many."""

    def may_try(self, user: str | None) -> bool:
        """Whether a request of that user may reach the PBX."""

    def was_right(self, user: str) -> None:
        """Note that the user has registered."""


class Registration:
    """The registration of one connection; its place counts as a phone's as long as the registration
    lasts."""

    def __init__(self, place: Place, places: Places, guesses: PhoneGuesses) -> None:
        self._guesses = guesses
        self._rejected = 0  # since the last success
        self._place = place
        self._places = places
        self._patience_s = 0.0
        self._limit: asyncio.Timeout | None = None
        self.was_registered = False

    @asynccontextmanager
    async def time_limit(self, patience_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError once there has been no registration for so long."""
        self._patience_s = patience_s
        async with asyncio.timeout(patience_s) as self._limit:
            yield

    def may_send(self, frame: str) -> bool:
        """Whether a frame of the phone may reach the PBX, which looks at passwords."""
        if self._guesses.may_try(None) or not has_request(frame):
            return True
        user = sender_of(frame)
        return user is not None and self._guesses.may_try(user)

    def heard(self, message: str) -> None:
        """Look at a message from the PBX: a registration sets the time limit of the connection
        anew, a rejection counts."""
        if _REJECTED.match(message):
            self._rejection()
            return
        lasts_s = registered_for_s(message)
        if lasts_s is None or self._limit is None or self._limit.expired():
            return
        self._rejected = 0
        user = sender_of(message)
        if user is not None:
            self._guesses.was_right(user)
        if lasts_s == 0:
            self._places.unregistered(self._place)
        # Those whose From is in doubt count as one user.
        elif not self._places.registered(self._place, user or ""):
            log.info("sip_websocket_too_many_of_user", sip_user=user, remote=self._place.remote)
            return
        now_s = asyncio.get_running_loop().time()
        self._limit.reschedule(now_s + lasts_s + self._patience_s)
        if lasts_s > 0 and not self.was_registered:
            self.was_registered = True
            log.info("sip_websocket_registered", remote=self._place.remote)

    def _rejection(self) -> None:
        """The first is the challenge, which every phone gets; further ones are wrong passwords."""
        self._rejected += 1
        if self._rejected > 1 and self._guesses.are_too_many() and self._limit is not None:
            log.info("sip_websocket_rejected", remote=self._place.remote)
            if not self._limit.expired():
                self._limit.reschedule(asyncio.get_running_loop().time())
