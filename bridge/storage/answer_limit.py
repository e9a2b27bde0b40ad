"""A time limit for PostgreSQL that leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class _Droppable(Protocol):
    def terminate(self) -> None: ...

    def is_closed(self) -> bool: ...


class AnswerLimit:
    """Drops a connection whose server does not answer within `limit_s` from now.

    asyncpg's own time limit, and a cancellation, ask the server over a second connection to stop,
    and wait for that. A server that hangs does not answer there either. Dropped, the connection
    fails whoever waits for it at once, with an error of asyncpg.
    """

    def __init__(self, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.until_s = loop.time() + limit_s
        self.is_over = False
        self.why = f"no answer within {limit_s:g} s"
        self._connection: _Droppable | None = None
        self._timer = loop.call_at(self.until_s, self._over)

    @contextmanager
    def guard(self, connection: _Droppable) -> Iterator[None]:
        """This connection is waited for from now on.

        A connection that ends between two steps of one statement makes asyncpg raise
        AttributeError. Here it is a ConnectionError, as any other lost connection.
        """
        self._connection = connection
        if self.is_over:
            connection.terminate()
        try:
            yield
        except AttributeError as error:
            if not connection.is_closed():
                raise
            raise ConnectionError("the connection ended in the middle of a statement") from error

    def end(self) -> None:
        """The waiting is over."""
        self._timer.cancel()

    def _over(self) -> None:
        self.is_over = True
        if self._connection is not None:
            self._connection.terminate()
