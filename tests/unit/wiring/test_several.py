"""What an instance of several does before it ends: it says so, and goes on to answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import ClientSession, web

from bridge.cluster.instances import Instance
from bridge.config.settings import Settings
from bridge.http.node_services import HeldNodes
from bridge.http.ops.instance_health import InstanceHealth
from bridge.http.stop_notice import StopNotice, with_stop_notice
from bridge.http.streaming import begin_answer
from bridge.wiring.several import Several
from tests.lab.instant_time import instant
from tests.unit.cluster.fake_leases import FakeLeases

NOTICE_S = 3.0


class Keeper(FakeLeases):
    """It notes the second in which its leases were handed over."""

    def __init__(self, *others: str) -> None:
        super().__init__()
        names = (self.own, *others)
        self.found = tuple(Instance(x, "", True, 0, False, "", "1") for x in names)
        self.answers = True
        self.takes_s = 0.0
        self.handed_over_s: list[float] = []

    async def look_again(self) -> None:
        if not self.answers:
            await asyncio.Event().wait()
        self.instances = self.found

    async def step_back(self) -> None:
        await asyncio.sleep(self.takes_s)
        self.handed_over_s.append(now_s())


def now_s() -> float:
    return asyncio.get_running_loop().time()


def several(keeper: Keeper, notice_s: float = NOTICE_S) -> Several:
    parts = cast("Any", None)
    settings = Settings.model_construct(stop_notice_s=notice_s)
    return Several(
        settings, parts, cast("Any", SimpleNamespace(keeper=keeper)), parts, parts, parts
    )


@instant
async def test_given_another_instance_then_the_leases_go_at_once_and_it_answers_for_a_while() -> (
    None
):
    keeper, began_s = Keeper("b"), now_s()
    stopping = several(keeper)
    health = InstanceHealth((), keeper, keeper, HeldNodes(), stopping.notice)
    assert not health.stops
    giving = asyncio.create_task(stopping.give_notice(asyncio.Event()))
    await asyncio.sleep(0.1)
    assert health.stops
    assert keeper.handed_over_s == [began_s]
    await giving
    assert NOTICE_S <= now_s() - began_s < NOTICE_S + 0.1


@instant
async def test_given_a_second_signal_then_only_the_hand_over_is_waited_for() -> None:
    keeper, began_s, hurry = Keeper("b"), now_s(), asyncio.Event()
    keeper.takes_s = 1.0
    hurry.set()
    await several(keeper).give_notice(hurry)
    assert keeper.handed_over_s
    assert 1.0 <= now_s() - began_s < 1.1


@instant
async def test_given_nobody_who_takes_over_or_no_time_then_it_stops_at_once() -> None:
    dead = Keeper("b")
    dead.found = (dead.found[0], Instance("b", "", False, 9000, False, "", "1"))
    for keeper, notice_s in ((Keeper(), NOTICE_S), (dead, NOTICE_S), (Keeper("b"), 0.0)):
        stopping, began_s = several(keeper, notice_s), now_s()
        await stopping.give_notice(asyncio.Event())
        assert (stopping.notice.given, keeper.handed_over_s) == (False, [])
        assert now_s() == began_s


@instant
async def test_given_a_database_that_is_silent_then_those_that_were_known_count() -> None:
    for known in (True, False):
        keeper, began_s = Keeper("b"), now_s()
        keeper.answers = False
        keeper.instances = keeper.found if known else ()
        stopping = several(keeper)
        await stopping.give_notice(asyncio.Event())
        assert stopping.notice.given is known
        assert now_s() - began_s < NOTICE_S + 1.1


@asynccontextmanager
async def serving(notice: StopNotice) -> AsyncIterator[tuple[ClientSession, str]]:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/whole":
            return web.Response(text="whole")
        if request.path == "/held":  # the notice is given meanwhile
            notice.given = True
            return web.Response(text="held")
        response = web.StreamResponse()
        await begin_answer(request, response)
        await response.write(b"piece")
        return response

    application = web.Server(with_stop_notice(handler, notice))
    runner = web.ServerRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port, *_ = runner.addresses[0]
    async with ClientSession() as http:
        yield http, f"http://{host}:{port}"
    await runner.cleanup()


async def test_given_the_notice_then_each_answer_is_the_last_of_its_connection() -> None:
    notice = StopNotice()
    async with serving(notice) as (http, url):
        for path, given, closes in (
            ("/whole", False, False),
            ("/pieces", False, False),
            ("/held", False, True),
            ("/whole", True, True),
            ("/pieces", True, True),
        ):
            notice.given = given
            async with http.get(url + path) as answer:
                assert (answer.status, path) == (200, path)
                assert (answer.headers.get("Connection") == "close") is closes, path
                assert await answer.read()
