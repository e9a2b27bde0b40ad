"""Runs the calls of a load plan: one task for each, one stream of changes for all."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from bridge.client import ApiError, NotReached, PhoneCall, Status, UapiClient
from bridge.flows.steps import OUTCOMES
from bridge.testing.load.plan import LIVE_MAX, LoadPlan, Scenario
from bridge.testing.load.results import LoadCall, LoadResults

_END_LIMIT_S = 40.0
_PICKUP_S = 2  # of the scenario without an answer
_WATCHED_LIMIT_S = 10.0


class LoadRun:
    """`done` is told after each call that is over. Cancelled, it ends all of its calls."""

    def __init__(
        self, api: UapiClient, plan: LoadPlan, done: Callable[[LoadResults], None]
    ) -> None:
        self.results = LoadResults()
        self._api = api
        self._plan = plan
        self._done = done
        self._answered: dict[str, asyncio.Event] = {}
        self._ended: dict[str, asyncio.Future[PhoneCall]] = {}
        self._live: dict[str, None] = {}
        self._watches = asyncio.Event()

    async def run(self) -> LoadResults:
        """Returns once each call is over. Raises ApiError, NotReached if it cannot begin."""
        watching = asyncio.create_task(self._watch())
        tasks: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.timeout(_WATCHED_LIMIT_S):
                waiting = asyncio.create_task(self._watches.wait())
                await asyncio.wait([waiting, watching], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            if watching.done():
                watching.result()
            await self._begin_all(tasks)
            if tasks:
                await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end_all()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        return self.results

    async def _begin_all(self, tasks: set[asyncio.Task[None]]) -> None:
        began = time.monotonic()
        for number in range(self._plan.calls):
            at_s = number / self._plan.calls_per_second
            await asyncio.sleep(max(0.0, began + at_s - time.monotonic()))  # the pace of the plan
            call = LoadCall(began_s=time.monotonic() - began)
            self.results.calls.append(call)
            if len(tasks) >= LIVE_MAX:
                self._over(call, f"not begun: {LIVE_MAX} calls are live")
                continue
            task = asyncio.create_task(self._one(call))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _one(self, call: LoadCall) -> None:
        try:
            cause = await self._played(call)
        except ApiError as why:
            cause = f"{why.status} {why.code}"
        except NotReached:
            cause = "the service did not answer"
        except TimeoutError:
            cause = f"not over within {_END_LIMIT_S:g} s"
        self._over(call, cause)

    async def _played(self, call: LoadCall) -> str:
        """The cause of its failure, or nothing."""
        plan, begun = self._plan, time.monotonic()
        wait_s = _PICKUP_S if plan.scenario is Scenario.NO_ANSWER else None
        made = await self._api.create_call(plan.source, plan.destination, wait_for_pickup_s=wait_s)
        call.create_ms = (time.monotonic() - begun) * 1000
        ended = self._ended_of(made.id)
        self._live[made.id] = None
        async with asyncio.timeout(_END_LIMIT_S):
            if plan.scenario is Scenario.ANSWERED:
                await self._until_answered(made.id, ended)
                if not ended.done():
                    call.answer_ms = (time.monotonic() - begun) * 1000
                    await asyncio.sleep(plan.talk_s)  # the talk
                    asked = time.monotonic()
                    await self._api.hang_up("@self", made.id)
                    await ended
                    call.end_ms = (time.monotonic() - asked) * 1000
            final = await ended
        self._forget(made.id)
        return self._cause(final)

    async def _until_answered(self, call_id: str, ended: asyncio.Future[PhoneCall]) -> None:
        """Also returns if it has ended instead."""
        answered = self._answered_of(call_id)
        ended.add_done_callback(lambda _: answered.set())
        await answered.wait()

    def _cause(self, final: PhoneCall) -> str:
        if final.disposition == self._plan.scenario.disposition:
            return ""
        number = final.disposition
        outcome = "unknown" if number is None else OUTCOMES[number]
        code = final.raw.get("sipCode")
        return f"{outcome}: {final.reason}" + (f" ({code})" if code else "")

    async def _watch(self) -> None:
        async for event in self._api.stream():
            self._watches.set()
            for one in event.calls:
                if one.ended is not None:
                    if not (future := self._ended_of(one.id)).done():
                        future.set_result(one)
                elif one.answered is not None or self._talks(one):
                    self._answered_of(one.id).set()

    @staticmethod
    def _talks(call: PhoneCall) -> bool:
        return bool(call.views) and all(x.status is Status.ON_CALL for x in call.views)

    def _answered_of(self, call_id: str) -> asyncio.Event:
        return self._answered.setdefault(call_id, asyncio.Event())

    def _ended_of(self, call_id: str) -> asyncio.Future[PhoneCall]:
        future = self._ended.get(call_id)
        if future is None:
            future = self._ended[call_id] = asyncio.get_running_loop().create_future()
        return future

    def _forget(self, call_id: str) -> None:
        for known in (self._answered, self._ended, self._live):
            known.pop(call_id, None)

    def _over(self, call: LoadCall, cause: str) -> None:
        call.cause = cause
        self._done(self.results)

    async def _end_all(self) -> None:
        """The calls that are still live, also those whose tasks were cancelled."""
        for call_id in list(self._live):
            with contextlib.suppress(ApiError, NotReached):
                await self._api.hang_up("@self", call_id)
