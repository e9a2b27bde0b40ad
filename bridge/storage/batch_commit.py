"""Writes a batch of groups in one transaction; if that is refused, one group after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.faults import StorageUnavailable, TransactionConflict
from bridge.storage.database_writer import batch_writer
from bridge.storage.engine import address_of
from bridge.storage.fence import Fence, FencesLost
from bridge.storage.lost_fences import LostFences
from bridge.storage.statement import Counts
from bridge.storage.waiting_group import WaitingGroup, fences_of, refuse
from bridge.supervision.conditions import Condition

_ATTEMPTS_IN_A_CONFLICT = 5


class BatchCommit:
    """`written_s`: when a batch was last written, by the clock of the event loop.

    `fenced` is told of each fence whose lease has another epoch, once.
    """

    def __init__(
        self, engine: AsyncEngine, fenced: Callable[[Fence], None] = lambda _: None
    ) -> None:
        self._lost_fences = LostFences(fenced)
        self.where = address_of(engine)
        self.written_s = 0.0
        self._on_disk = False  # whether what is being written is
        self._writer = batch_writer(engine)
        self._unavailable = Condition(
            "storage_unavailable_began", "storage_unavailable_ended", database=self.where
        )

    @property
    def problem(self) -> str:
        """Why the database cannot be written to: of a failure until a write succeeds."""
        return self._unavailable.problem

    async def close(self) -> None:
        """Close the connection. `write` opens a new one."""
        await self._writer.close()

    async def write(self, batch: list[WaitingGroup]) -> list[WaitingGroup]:
        """Write the groups and answer those who wait; returns the groups to try again later."""
        self._on_disk = False
        try:
            writes = [group.writes for group in batch]
            await self._writer.commit(writes, fences_of(batch), partial(self._applied, batch))
        except FencesLost as lost:
            left = self._lost_fences.without(batch, lost.fences)
            return await self.write(left) if left else []
        except StorageUnavailable as error:
            return self._failed(batch, error)
        except Exception as error:
            if self._on_disk:
                raise  # a defect of ours, and nothing may be written again
            if len(batch) == 1 and not isinstance(error, TransactionConflict):
                refuse(batch[0], error)
                return []
            return await self._write_singly(batch)
        return []

    async def _write_singly(self, batch: list[WaitingGroup]) -> list[WaitingGroup]:
        """One group of the batch is wrong, or another instance was in the way."""
        for number, group in enumerate(batch):
            for _ in range(_ATTEMPTS_IN_A_CONFLICT):
                try:
                    self._on_disk = False
                    applied = partial(self._applied, [group])
                    await self._writer.commit([group.writes], fences_of([group]), applied)
                except TransactionConflict:
                    continue
                except FencesLost as lost:
                    self._lost_fences.without([group], lost.fences)
                except StorageUnavailable as error:
                    return self._failed(batch[number:], error)
                except Exception as error:
                    if self._on_disk:
                        raise
                    refuse(group, error)
                break
            else:
                conflict = StorageUnavailable("others write to the same rows again and again")
                return self._failed(batch[number:], conflict)
        return []

    def _applied(self, batch: list[WaitingGroup], counts: list[Counts]) -> None:
        self._on_disk = True
        self.written_s = asyncio.get_running_loop().time()
        self._unavailable.end()
        for group, of_group in zip(batch, counts, strict=True):
            group.applied(of_group)

    def _failed(self, batch: list[WaitingGroup], error: StorageUnavailable) -> list[WaitingGroup]:
        self._unavailable.begin(str(error))
        undone = [group for group in batch if group.answer is None]
        for group in batch:
            if group.answer is not None and not group.answer.done():
                group.answer.set_exception(_same(error))
        return undone


def _same(error: StorageUnavailable) -> StorageUnavailable:
    """One for each who waits: an exception that is raised twice collects both tracebacks."""
    return StorageUnavailable(
        str(error), outcome_unknown=error.outcome_unknown, timed_out=error.timed_out
    )
