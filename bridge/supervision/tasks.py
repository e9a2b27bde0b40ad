"""Every task of the service is made here, so that none is lost and none dies unnoticed.

asyncio itself holds a task by a weak reference only, and tells nobody of its fault until the task
is collected. Five kinds of work cover what the service needs:

- `must_live`: the service is useless without it, e.g. the writer of the database. Its end is a
  death: `/health/ready` is 503 with its name, and `serve` ends with an error.
- `in_background`: nobody waits for it. It is held until it ends, and its fault is logged.
- `awaited`: the caller looks at its outcome.
- `carried_through`: the caller waits for it, but it goes on if the caller is cancelled.
- `in_request`: a part of a request that may outlast its answer. Its fault is logged.

Work that nobody waits for outlives the request that started it, so its log lines do not carry the
id of that request. The other three kinds are a part of the request.

Tasks belong to an event loop, and so does their supervisor: see `supervisor`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import structlog

log = structlog.get_logger()

_Result = TypeVar("_Result")


class LivingTask:
    """A task that must live until its owner lets it end."""

    def __init__(self, name: str, task: asyncio.Task[None]) -> None:
        self.name = name
        self.task = task
        self.may_end = False

    def let_end(self) -> None:
        """From now on its end does not end the service; its owner tells it to end in a way of its
        own."""
        self.may_end = True

    async def ended(self) -> None:
        """Return once it has ended, however it did."""
        await asyncio.wait({self.task})

    def cancel(self) -> None:
        """Cancel the task without ending the service. Does not wait for its end."""
        self.may_end = True
        self.task.cancel()

    async def stop(self) -> None:
        """Cancel it, and return once it has ended."""
        self.cancel()
        await self.ended()


class Supervisor:
    """The tasks of one event loop. `dead`: the names of tasks that had to live, and why they died.

    A name is dead until the loop ends: nothing starts such a task again, `serve` does as a whole.
    """

    def __init__(self) -> None:
        self.dead: dict[str, str] = {}
        self._living: set[LivingTask] = set()
        self._held: set[asyncio.Task[Any]] = set()
        self._death = asyncio.Event()

    @property
    def living(self) -> tuple[LivingTask, ...]:
        """The tasks that must live, in the order of their names."""
        return tuple(sorted(self._living, key=lambda x: x.name))

    @property
    def problem(self) -> str:
        """Which task that had to live has ended, and why; empty while all live."""
        return "; ".join(f"{name} has ended: {why}" for name, why in self.dead.items())

    async def until_a_task_died(self) -> str:
        """Return once a task that had to live is dead, with what `problem` says."""
        await self._death.wait()
        return self.problem

    def must_live(self, work: Coroutine[object, object, None], name: str) -> LivingTask:
        """Start `work` as a task. Its name counts as dead if it ends before its owner lets it."""
        task = asyncio.create_task(work, name=name, context=Context())
        living = LivingTask(name, task)
        self._living.add(living)
        task.add_done_callback(lambda _: self._living_ended(living))
        return living

    def hold(self, task: asyncio.Task[_Result]) -> asyncio.Task[_Result]:
        """Keep a reference to the task until it has ended."""
        self._held.add(task)
        task.add_done_callback(self._held.discard)
        return task

    def _living_ended(self, living: LivingTask) -> None:
        self._living.discard(living)
        task = living.task
        fault = None if task.cancelled() else task.exception()
        if living.may_end:
            if fault is not None:
                log.error("background_task_failed", task=living.name, exc_info=fault)
            return
        if fault is not None:
            why = f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
        else:
            why = "cancelled" if task.cancelled() else "returned"
        self.dead[living.name] = why
        self._death.set()
        log.critical("background_task_died", task=living.name, why=why, exc_info=fault)


_supervisors: WeakKeyDictionary[asyncio.AbstractEventLoop, Supervisor] = WeakKeyDictionary()


def supervisor() -> Supervisor:
    """The one of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _supervisors.get(loop)
    if found is None:
        found = _supervisors[loop] = Supervisor()
    return found


def must_live(work: Coroutine[object, object, None], name: str) -> LivingTask:
    """Start work that lives until its owner ends it by the handle; any other end is a death."""
    return supervisor().must_live(work, name)


def in_background(work: Coroutine[object, object, object], name: str) -> asyncio.Task[Any]:
    """Start work that nobody waits for. Its fault is logged and does not end the service."""
    task = supervisor().hold(asyncio.create_task(work, name=name, context=Context()))
    task.add_done_callback(_log_fault)
    return task


def awaited(work: Coroutine[object, object, _Result], name: str) -> asyncio.Task[_Result]:
    """Start work beside others; the caller awaits the task, and so gets its fault."""
    return supervisor().hold(asyncio.create_task(work, name=name))


def in_request(work: Coroutine[object, object, _Result], name: str) -> asyncio.Task[_Result]:
    """Start work of a request that may outlast its answer. Its fault is logged."""
    task = awaited(work, name)
    task.add_done_callback(_log_fault)
    return task


async def carried_through(work: Coroutine[object, object, _Result], name: str) -> _Result:
    """Return or raise as `work` does. It goes on if the caller is cancelled; a fault is logged
    then.

    A waiting caller gets the fault, and the fault is not logged.
    """
    task = awaited(work, name)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_log_fault)
        raise


def log_lost_fault(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handler of the event loop for faults that reached nobody: of timers and of its transports."""
    fault = context.get("exception")
    log.error("fault_reached_nobody", why=context.get("message", ""), exc_info=fault)


def _log_fault(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        log.error("background_task_failed", task=task.get_name(), exc_info=fault)
