"""Every route of the application stands in the table of several instances."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import web

from bridge.config.settings import Settings
from bridge.http.application import make_application
from bridge.http.cluster.route_table import RouteMissing, Where, where_of
from bridge.http.context import Services
from bridge.wiring.http import http_settings


@pytest.fixture
def app() -> web.Application:
    settings = http_settings(Settings(console=True, reference_page=True))
    services = SimpleNamespace(settings=settings, tokens=SimpleNamespace(is_shared=True))
    return make_application(cast("Services", services))


def test_every_route_has_its_place(app: web.Application) -> None:
    found = where_of(app.router.routes())
    assert set(found) == set(app.router.routes())
    assert set(found.values()) == set(Where)


def test_a_new_route_is_missed(app: web.Application) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/uapi/voicemails", handler)
    with pytest.raises(RouteMissing, match="GET /uapi/voicemails"):
        where_of(app.router.routes())


def test_both_prefixes_and_head_mean_the_same(app: web.Application) -> None:
    of_lists = [
        (route.method, where)
        for route, where in where_of(app.router.routes()).items()
        if route.resource is not None
        and route.resource.canonical.endswith("/phoneCalls/{userId}/{extension}{slash}")
    ]
    assert sorted(of_lists, key=str) == sorted(
        [
            *[("GET", Where.LISTED), ("HEAD", Where.LISTED)] * 2,
            *[("DELETE", Where.HANGUP), ("PUT", Where.ACTION)] * 2,
        ],
        key=str,
    )
