"""GET /ws: SIP over WebSocket (RFC 7118), relayed to the PBX.

Asterisk serves it on the same port as ARI, which must not be open to phones. So phones come here;
each frame goes to the PBX's `/ws` and back as it is, and SIP's own digest decides who may register.
"""

from __future__ import annotations

import asyncio

import aiohttp
import structlog
from aiohttp import web

from bridge.http.context import SERVICES
from bridge.http.uapi.errors import UapiError
from bridge.pbx_access import pbx_host
from bridge.settings import Settings

log = structlog.get_logger()

SUBPROTOCOL = "sip"
_HEARTBEAT_S = 30.0
_FIRST_WORD_S = 300.0  # who has nothing to say by then is no phone
_MAX_FRAME_BYTES = 65_536  # as long as a SIP message over UDP may be

_PHONES = web.AppKey("sip_websockets", set[web.WebSocketResponse])
_PLACES = web.AppKey("sip_websocket_places", set[object])

_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def sip_websocket(request: web.Request) -> web.WebSocketResponse:
    settings = request.app[SERVICES].settings
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    if SUBPROTOCOL not in (x.strip() for x in offered):
        raise UapiError(400, "request_invalid", "This is SIP over WebSocket: subprotocol 'sip'.")
    places = request.app[_PLACES]
    if len(places) >= settings.sip_websockets_max:
        raise UapiError(
            503, "too_many_phones", "As many phones as may be are connected over WebSocket."
        )
    place = object()
    places.add(place)  # before anything is waited for
    try:
        return await _connected(request, settings)
    finally:
        places.discard(place)


async def _connected(request: web.Request, settings: Settings) -> web.WebSocketResponse:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                pbx = await _to_pbx(session, settings)
        except (aiohttp.ClientError, TimeoutError) as why:
            raise UapiError(503, "pbx_unavailable", f"The PBX takes no WebSocket: {why}") from None
        phone = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), heartbeat=_HEARTBEAT_S, max_msg_size=_MAX_FRAME_BYTES
        )
        await phone.prepare(request)
        phones = request.app[_PHONES]
        phones.add(phone)
        log.info("sip websocket opened", remote=request.remote, phones=len(phones))
        try:
            await _relay(phone, pbx)
        finally:
            phones.discard(phone)
            log.info("sip websocket closed", remote=request.remote, phones=len(phones))
    return phone


async def _to_pbx(
    session: aiohttp.ClientSession, settings: Settings
) -> aiohttp.ClientWebSocketResponse:
    url = f"http://{pbx_host(settings)}:{settings.ari_port}/ws"
    return await session.ws_connect(
        url, protocols=(SUBPROTOCOL,), max_msg_size=_MAX_FRAME_BYTES, heartbeat=_HEARTBEAT_S
    )


async def _relay(phone: web.WebSocketResponse, pbx: aiohttp.ClientWebSocketResponse) -> None:
    """Until one of the two closes; then the other is closed too."""
    spoken = asyncio.Event()
    ways = [
        asyncio.create_task(_pump(phone, pbx, spoken)),
        asyncio.create_task(_pump(pbx, phone, spoken)),
        asyncio.create_task(_silent(spoken)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await pbx.close()
        await phone.close()


async def _silent(spoken: asyncio.Event) -> None:
    """Returns where nobody has said anything for too long."""
    try:
        async with asyncio.timeout(_FIRST_WORD_S):
            await spoken.wait()
    except TimeoutError:
        return
    await asyncio.Event().wait()  # for ever


async def _pump(source: _Socket, sink: _Socket, spoken: asyncio.Event) -> None:
    async for message in source:
        spoken.set()
        if message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)


async def _close_all(app: web.Application) -> None:
    """At the stop: a phone's connection never ends by itself, and must not hold the stop up."""
    going_away = aiohttp.WSCloseCode.GOING_AWAY
    phones: set[web.WebSocketResponse] = app[_PHONES]
    await asyncio.gather(*(x.close(code=going_away) for x in tuple(phones)))


def add_routes(app: web.Application) -> None:
    app[_PHONES], app[_PLACES] = set(), set()
    app.on_shutdown.append(_close_all)
    app.router.add_get("/ws", sip_websocket, allow_head=False)
