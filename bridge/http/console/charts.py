"""GET /console/charts: the ended calls of the last hours, counted for charts."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bridge.calls.call_chart import CallChart, EndedMoments, call_chart
from bridge.clock import now_ms
from bridge.http.context import SERVICES
from bridge.http.json_answer import json_answer
from bridge.http.streaming import break_off, has_left
from bridge.http.uapi.cdr.cdr_scope import cdr_scope_of
from bridge.http.uapi.fields import Json
from bridge.keyed_locks import KeyedLocks

_MINUTE_MS = 60_000
# Of each number of hours that the page offers: minutes of one interval.
_INTERVALS = {"1": 1, "6": 2, "24": 5}
CALLS_MAX = 50_000
"""More calls than these are not read; the newest count."""


_ONE_OF_APP = web.AppKey("charts_one_of_app", KeyedLocks)
"""A chart takes a second of work and the memory of its calls: one at a time of each app."""


def add_routes(app: web.Application) -> None:
    app[_ONE_OF_APP] = KeyedLocks()
    app.router.add_get("/console/charts", charts)


async def charts(request: web.Request) -> web.StreamResponse:
    """`hours`: 1, 6, or 24 for any other value. All extensions in reach of the session count."""
    scope = cdr_scope_of(request)
    asked = request.query.get("hours", "")
    hours = asked if asked in _INTERVALS else "24"
    interval_ms = _INTERVALS[hours] * _MINUTE_MS
    intervals = int(hours) * 60 // _INTERVALS[hours]
    # The last interval is the one that has begun.
    from_ms = (now_ms() // interval_ms + 1 - intervals) * interval_ms
    records = request.app[SERVICES].call_details
    async with request.app[_ONE_OF_APP].of(scope.app.client_id):
        if has_left(request):
            return break_off(request)
        moments = await records.ended_moments(scope.extensions, from_ms, CALLS_MAX + 1)
        # In a thread: so many calls would keep all others on the loop waiting.
        chart = await asyncio.to_thread(
            call_chart, moments[:CALLS_MAX], from_ms, interval_ms, intervals
        )
    return json_answer(_shown(chart, moments), headers={"Cache-Control": "no-store"})


def _shown(chart: CallChart, moments: list[EndedMoments]) -> Json:
    return {
        "fromMs": chart.from_ms,
        "intervalMs": chart.interval_ms,
        "calls": chart.calls,
        "answerMs": chart.answer_ms,
        "concurrent": chart.concurrent,
        "truncated": len(moments) > CALLS_MAX,
    }
