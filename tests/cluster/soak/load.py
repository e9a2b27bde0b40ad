"""Calls of two organizations, on two nodes, asked for as an app does that wants each of them."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import uuid4

import aiohttp

from bridge.testing.lab.api_client import Answer, ApiClient
from tests.cluster.lab.whole_cluster import WholeCluster

_SOURCE, _TALKS, _BUSY = "3235550200", "3235550201", "3235550486"
_ENDS_AFTER_S = "32355510{:02}"
_ASKED_S = 4.0  # then the app asks another instance, with the same key
_AGAIN_AFTER_S = 0.25
_GIVES_UP_S = 40.0
_PASSES = (409, 503, 504)  # statuses after which the same request may be made again


@dataclass(frozen=True)
class Caller:
    """An app, and the extension that pays."""

    client_id: str
    user: str
    number: str

    @property
    def short(self) -> str:
        return self.number.partition("*")[2]


CALLERS = (Caller("user-12", "@me", "0003*210"), Caller("organization-0004", "21", "0004*210"))


class Load:
    """`accepted`: the ids of all calls; `answers`: by status, 0 where none came;
    `refusals`: those from 500 on, by their code."""

    def __init__(self, cluster: WholeCluster, drawn: random.Random, urls: Sequence[str]) -> None:
        self._cluster = cluster
        self._urls = urls
        self._name = uuid4().hex  # no key of an earlier load is used again
        self._drawn = drawn
        self._clients: dict[Caller, list[ApiClient]] = {}
        self._stack = AsyncExitStack()
        self.accepted: list[str] = []
        self.asked = 0
        self.longest_s = 0.0
        self.answers: Counter[int] = Counter()
        self.refusals: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        for caller in CALLERS:
            clients = [
                await self._stack.enter_async_context(self._cluster.client_at(x, caller.client_id))
                for x in self._urls
            ]
            token = await clients[0].authenticate()
            for client in clients:
                client.token = token
            self._clients[caller] = clients
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def run(self, over: asyncio.Event, per_second: float) -> None:
        """Place calls until it is `over`; each is accepted then, and hung up where it should be."""
        async with asyncio.TaskGroup() as group:
            while not over.is_set():
                group.create_task(self._one(self.asked))
                self.asked += 1
                await asyncio.sleep(self._drawn.expovariate(per_second))  # as calls come

    async def _one(self, number: int) -> None:
        caller = self._drawn.choice(CALLERS)
        kind = self._drawn.choice(("ends", "ends", "hung up", "busy"))
        ends = _ENDS_AFTER_S.format(self._drawn.randint(1, 9))
        destination = {"ends": ends, "hung up": _TALKS, "busy": _BUSY}[kind]
        began_s = time.monotonic()
        created = await self._asked(caller, 202, number, destination)
        self.longest_s = max(self.longest_s, time.monotonic() - began_s)
        call_id = str(created.json[0]["id"])
        self.accepted.append(call_id)
        if kind == "hung up":
            await asyncio.sleep(self._drawn.uniform(0, 6))  # they talk
            await self._asked(caller, 200, number, call_id=call_id)

    async def _asked(
        self, caller: Caller, wanted: int, number: int, destination: str = "", call_id: str = ""
    ) -> Answer:
        """Create or hang up at any instance, again and again until it is done."""
        end_s = time.monotonic() + _GIVES_UP_S
        while time.monotonic() < end_s:
            api = self._drawn.choice(self._clients[caller])
            try:
                async with asyncio.timeout(_ASKED_S):
                    if call_id:
                        path = f"/uapi/phoneCalls/{caller.user}/{caller.short}/{call_id}"
                        answer = await api.request("DELETE", path)
                    else:
                        answer = await api.create(
                            [_SOURCE],
                            [destination],
                            user=caller.user,
                            extension=caller.short,
                            headers={"Idempotency-Key": f"{self._name}-{number}"},
                        )
            except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):  # of a balancer
                self.answers[0] += 1
            else:
                self.answers[answer.status] += 1
                if answer.status >= 500:
                    self.refusals[answer.code] += 1
                # A DELETE whose answer was lost has been carried out: the call is gone.
                if answer.status == wanted or (call_id and answer.status in (204, 404)):
                    return answer
                assert answer.status in _PASSES, answer.text
            await asyncio.sleep(_AGAIN_AFTER_S)  # as an app waits before it asks again
        raise AssertionError(f"{caller} got no {wanted} in {_GIVES_UP_S} s: {self.answers}")
