"""A DELETE of calls on several PBXs reaches each of them, also while one changes hands."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import orjson
import pytest
from aiohttp import web

from bridge.calls.pbx import PbxUnavailable
from bridge.http.cluster.hang_ups import HangUps
from bridge.http.cluster.holders import AppHandler, Holders
from tests.lab.instant_time import instant

REQUEST = cast("web.Request", None)


class _Holders:
    """`held`: the PBXs of this instance. During a hang-up it gets `wins`, too. `dead` cannot be
    reached by whoever holds it."""

    def __init__(self, *held: str) -> None:
        self.held = set(held)
        self.dead: str | None = None
        self.wins: str | None = None
        self.asked: list[str] = []

    def takes(self, _: web.Request, pbx: str) -> bool:
        return pbx in self.held

    async def carried_out(
        self, _: web.Request, __: AppHandler, pbx: str, **___: Any
    ) -> web.StreamResponse:
        self.asked.append(pbx)
        await asyncio.sleep(0.1)
        if self.wins is not None:
            self.held.add(self.wins)
        if pbx == self.dead:
            raise PbxUnavailable("it is away")
        return web.Response(body=orjson.dumps([{"id": pbx}]))


async def _handler(_: web.Request) -> web.StreamResponse:
    raise AssertionError


@instant
async def test_a_pbx_that_is_won_meanwhile_is_not_left_out() -> None:
    holders = _Holders("two")
    holders.wins = "one"
    answer = await HangUps(cast("Holders", holders)).carried_out(REQUEST, _handler, ["one", "two"])
    assert sorted(holders.asked) == ["one", "two"]
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    assert sorted(x["id"] for x in orjson.loads(answer.body)) == ["one", "two"]


@instant
@pytest.mark.parametrize("dead", ["one", "two", "three"])
async def test_a_dead_pbx_keeps_no_other_from_hanging_up(dead: str) -> None:
    holders = _Holders("one", "two")
    holders.dead = dead
    with pytest.raises(PbxUnavailable):
        await HangUps(cast("Holders", holders)).carried_out(
            REQUEST, _handler, ["one", "two", "three"]
        )
    assert holders.asked == ["one", "two", "three"]
