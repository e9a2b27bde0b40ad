"""GET /console/ladder/{userId}/{extension}/{phoneCallId}: the timeline of a call as a picture."""

from __future__ import annotations

from aiohttp import web

from bridge.http.uapi.timeline.routes import timeline_of
from bridge.ladder import ladder_of_timeline, ladder_svg


async def call_ladder(request: web.Request) -> web.Response:
    """SVG. The rights are those of the call."""
    ladder = ladder_of_timeline(await timeline_of(request))
    picture = ladder_svg(ladder, f"Call {request.match_info['phoneCallId']}")
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"}
    return web.Response(text=picture, content_type="image/svg+xml", headers=headers)
