"""The client of a flow: its requests and answers are in the journal, its secrets are not."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.client import ApiError
from bridge.testing.expecting import Seen
from bridge.testing.journal import Journal, Source
from bridge.testing.observed_api import ObservedApi

SECRET, TOKEN = "the-secret", "the-token"


async def answer(request: web.Request) -> web.Response:
    if request.path == "/oauth/token.php":
        return web.json_response({"access_token": TOKEN})
    if request.method == "POST":
        return web.json_response({"error": {"code": "x", "message": "no phone"}}, status=400)
    return web.json_response({"entry": []})


async def heard_by(_: float, __: str | None) -> Seen[float]:
    return Seen(False, "", 0.0)


async def test_given_requests_then_each_new_answer_is_told_and_no_secret() -> None:
    app, journal = web.Application(), Journal()
    app.router.add_route("*", "/{path:.*}", answer)
    async with (
        TestServer(app) as server,
        ObservedApi(
            str(server.make_url("")), "user-12", SECRET, journal=journal, heard_by=heard_by
        ) as api,
    ):
        for _ in range(3):
            assert await api.call("c1") is None
        with pytest.raises(ApiError):
            await api.place("210", "211")

    told = [x for x in journal.observations() if x.source is Source.API]
    assert [(x.kind, x.text.partition("?")[0]) for x in told] == [
        ("request", "GET /uapi/phoneCalls/@me/@self/c1"),
        ("answer", "200 GET /uapi/phoneCalls/@me/@self/c1"),
        ("request", "GET /uapi/phoneCalls/@me/@self/c1"),  # of the ended calls
        ("answer", "200 GET /uapi/phoneCalls/@me/@self/c1"),
        ("request", "POST /uapi/phoneCalls/@me/simple"),
        ("answer", "400 POST /uapi/phoneCalls/@me/simple"),
    ]
    assert '"destination": ["211"]' in told[-2].detail
    assert "no phone" in told[-1].detail
    everything = "".join(x.text + x.detail for x in journal.observations())
    assert SECRET not in everything
    assert TOKEN not in everything
