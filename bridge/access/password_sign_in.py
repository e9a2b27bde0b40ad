"""Passwords of users, checked one after the other, so that strangers cost one core at most."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from bridge.access.errors import InvalidClient
from bridge.access.password_hash import fits
from bridge.directory.directory import client_of
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import User

# A check takes about 0.2 s. So the last of a full queue waits for 4 s.
WAITING_MAX = 20
WAITING_PER_ADDRESS_MAX = 5
_ID_MAX_CHARS = 15


class TooManySignIns(Exception):
    """So many passwords wait for their check that one more is refused."""

    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("too many sign-ins at once; try again in a second")


class PasswordSignIn:
    """Checks the passwords of users against the directory in force."""

    def __init__(self, directory: CurrentDirectory) -> None:
        self._directory = directory
        self._turn = asyncio.Lock()
        self._waiting: Counter[str] = Counter()
        # One thread: a request that is given up leaves its hash behind, and another may begin.
        self._thread = ThreadPoolExecutor(1, "password")

    @asynccontextmanager
    async def turn(self, remote: str) -> AsyncIterator[None]:
        """The turn of one check. Count guesses within it: then none overtakes the count.

        Raises TooManySignIns where too many wait, in all or from this address.
        """
        if self._waiting.total() >= WAITING_MAX or self._waiting[remote] >= WAITING_PER_ADDRESS_MAX:
            raise TooManySignIns
        self._waiting[remote] += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting[remote] -= 1
            if not self._waiting[remote]:
                del self._waiting[remote]

    async def client_id(self, name: str, password: str) -> str:
        """The client id of the user, whose id or extension `name` is. To be called in a turn.

        Raises InvalidClient, after the same time and with the same words whatever is wrong.
        """
        user = self._user(name)
        stored = None if user is None else user.password
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._thread, fits, password, stored)
        # A reload meanwhile may have taken the password away.
        if user is None or not right or self._user(name) != user:
            raise InvalidClient("unknown user or wrong password")
        return client_of(user).client_id

    def stop(self) -> None:
        """End the thread, once its check is over."""
        self._thread.shutdown(cancel_futures=True)

    def _user(self, name: str) -> User | None:
        directory = self._directory.directory
        extension = directory.extensions.get(name)
        if extension is not None:
            return directory.users.get(extension.user_id)
        if not (name.isascii() and name.isdigit()) or len(name) > _ID_MAX_CHARS:
            return None
        # One spelling: each would have a budget of wrong passwords of its own.
        return None if name[0] == "0" else directory.users.get(int(name))
