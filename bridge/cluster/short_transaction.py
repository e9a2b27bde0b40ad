"""One transaction of PostgreSQL for callers without an event loop that they may use."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.faults import StorageUnavailable, reason
from bridge.storage.engine import ANSWER_LIMIT_S, CONNECT_LIMIT_S, address_of

_Result = TypeVar("_Result")
Work = Callable[[AsyncConnection], Awaitable[_Result]]


class ShortTransactions:
    """Each has a connection of its own. `where` names the database in messages."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self.where = f"PostgreSQL {make_url(database_url).database}"

    def run(self, work: Work[_Result]) -> _Result:
        """The result of `work`, once it is committed. Raises StorageUnavailable.

        It blocks the caller. It runs in a thread with an event loop of its own, since the thread of
        the caller may have one already.
        """
        done: Future[_Result] = Future()

        def in_thread() -> None:
            try:
                done.set_result(asyncio.run(self._transaction(work)))
            except BaseException as fault:  # it is raised below
                done.set_exception(fault)

        thread = threading.Thread(target=in_thread, name="short-transaction")
        thread.start()
        thread.join()
        return done.result()

    async def _transaction(self, work: Work[_Result]) -> _Result:
        limits = {"timeout": CONNECT_LIMIT_S, "command_timeout": ANSWER_LIMIT_S}
        engine = create_async_engine(self._url, poolclass=NullPool, connect_args=limits)
        self.where = address_of(engine)
        try:
            async with engine.begin() as there:
                return await work(there)
        except (DBAPIError, OSError) as error:
            raise StorageUnavailable(f"{self.where}: {reason(error)}") from error
        finally:
            await engine.dispose()
