"""GET /ws: SIP over WebSocket (RFC 7118), relayed to the PBX.

Asterisk serves it on the same port as ARI, which must not be open to phones. So phones come here;
each frame goes unchanged to the PBX's `/ws` and back. SIP's own digest decides about registrations.
A connection that does not register in time is closed.
"""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import structlog
from aiohttp import web

from bridge.calls.pace import Pace
from bridge.config.repeated_event import RepeatedEvent
from bridge.faults import reason
from bridge.http.allowed_origins import require_allowed_origin
from bridge.http.console.session_cookie import is_of_session
from bridge.http.context import SERVICES
from bridge.http.errors import UapiError
from bridge.http.guesses import WebSocketGuesses
from bridge.http.http_settings import SipWebSocketSettings
from bridge.http.remote_address import remote_of
from bridge.http.sip_registration import Registration
from bridge.http.sip_websocket_places import Places
from bridge.http.streaming import begin_answer
from bridge.pbx.tls import ssl_context
from bridge.supervision.tasks import awaited

log = structlog.get_logger()

SUBPROTOCOL = "sip"
_HEARTBEAT_S = 30.0
_MAX_FRAME_BYTES = 65_536  # as long as a SIP message over UDP may be
_UNBOUNDED_MS = 1_000_000_000
_BURST_S = 4  # frames of so many seconds are taken at once

_PHONES = web.AppKey("sip_websockets", set[web.WebSocketResponse])
_PLACES = web.AppKey("sip_websocket_places", Places)
_STRANGERS_LEFT = web.AppKey("sip_websocket_strangers_left", RepeatedEvent)


async def sip_websocket(request: web.Request) -> web.WebSocketResponse:
    """`GET /ws`: relay SIP between a phone and the PBX until one of them closes."""
    settings = request.app[SERVICES].settings.sip_websocket
    if not is_of_session(request):
        require_allowed_origin(request, settings.allowed_origins)
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    if SUBPROTOCOL not in (x.strip() for x in offered):
        raise UapiError(400, "request_invalid", "This is SIP over WebSocket: subprotocol 'sip'.")
    guesses = WebSocketGuesses(request)
    places = request.app[_PLACES]
    place = places.take(remote_of(request.remote))  # before anything is waited for
    try:
        return await _connected(request, settings, Registration(place, places, guesses))
    finally:
        places.leave(place)


async def _connected(
    request: web.Request, settings: SipWebSocketSettings, registration: Registration
) -> web.WebSocketResponse:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        try:
            pbx = await _to_first(session, settings)
        except (aiohttp.ClientError, TimeoutError) as why:
            raise UapiError(
                503, "pbx_unavailable", f"The PBX takes no WebSocket: {reason(why)}"
            ) from None
        phone = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=_HEARTBEAT_S,
            autoping=False,  # pings count as frames
            max_msg_size=_MAX_FRAME_BYTES,
            compress=False,  # a frame costs no more than its length
        )
        try:
            await begin_answer(request, phone)
        except BaseException:
            await pbx.close()
            raise
        request.app[_PHONES].add(phone)
        try:
            await _relay(phone, pbx, registration, settings)
        finally:
            request.app[_PHONES].discard(phone)
            if registration.was_registered:
                log.info("sip_websocket_closed", remote=request.remote)
            else:
                request.app[_STRANGERS_LEFT].happened()
    return phone


async def _to_first(
    session: aiohttp.ClientSession, settings: SipWebSocketSettings
) -> aiohttp.ClientWebSocketResponse:
    """The first of the addresses that answers. Raises what the last one raised."""
    *first, last = settings.pbx_urls
    for url in first:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            return await _to_pbx(session, settings, url)
    return await _to_pbx(session, settings, last)


async def _to_pbx(
    session: aiohttp.ClientSession, settings: SipWebSocketSettings, url: str
) -> aiohttp.ClientWebSocketResponse:
    async with asyncio.timeout(settings.connect_timeout_s):
        return await _opened(session, settings, url)


async def _opened(
    session: aiohttp.ClientSession, settings: SipWebSocketSettings, url: str
) -> aiohttp.ClientWebSocketResponse:
    return await session.ws_connect(
        url,
        protocols=(SUBPROTOCOL,),
        max_msg_size=_MAX_FRAME_BYTES,
        heartbeat=_HEARTBEAT_S,
        compress=0,
        ssl=True if settings.pbx_tls is None else ssl_context(settings.pbx_tls),
    )


async def _relay(
    phone: web.WebSocketResponse,
    pbx: aiohttp.ClientWebSocketResponse,
    registration: Registration,
    settings: SipWebSocketSettings,
) -> None:
    """Until one of the two closes, or the phone is not registered; then both are closed."""
    frames_per_s = settings.frames_per_s
    pace = Pace(frames_per_s, _BURST_S * frames_per_s, _UNBOUNDED_MS)
    ways = [
        awaited(_from_phone(phone, pbx, pace, registration), "sip_from_phone"),
        awaited(_to_phone(pbx, phone, registration), "sip_to_phone"),
    ]
    try:
        async with registration.time_limit(settings.registration_s):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        pass
    finally:
        for way in ways:
            way.cancel()
        _log_faults(await asyncio.gather(*ways, return_exceptions=True))
        await pbx.close()
        await phone.close()


def _log_faults(outcomes: list[BaseException | None]) -> None:
    for fault in outcomes:
        if isinstance(fault, Exception) and not isinstance(fault, OSError):
            log.error("sip_websocket_failed", exc_info=fault)


async def _from_phone(
    phone: web.WebSocketResponse,
    pbx: aiohttp.ClientWebSocketResponse,
    pace: Pace,
    registration: Registration,
) -> None:
    """A phone that sends more than its share is read slower; TCP makes it wait.

    Ends at a request that its address may not send after too many wrong passwords.
    """
    async for message in phone:
        await pace.turn()
        if message.type is aiohttp.WSMsgType.TEXT:
            if not registration.may_send(message.data):
                return
            await pbx.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            if not registration.may_send(message.data.decode(errors="replace")):
                return
            await pbx.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.PING:
            await phone.pong(message.data)


async def _to_phone(
    pbx: aiohttp.ClientWebSocketResponse, phone: web.WebSocketResponse, registration: Registration
) -> None:
    async for message in pbx:
        if message.type is aiohttp.WSMsgType.TEXT:
            registration.heard(message.data)
            await phone.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            registration.heard(message.data.decode(errors="replace"))
            await phone.send_bytes(message.data)


async def _close_all(app: web.Application) -> None:
    """At the stop: a phone's connection never ends by itself, and must not hold the stop up."""
    going_away = aiohttp.WSCloseCode.GOING_AWAY
    phones: set[web.WebSocketResponse] = app[_PHONES]
    await asyncio.gather(*(x.close(code=going_away) for x in tuple(phones)))


def add_routes(app: web.Application) -> None:
    settings = app[SERVICES].settings.sip_websocket
    app[_PHONES] = set()
    app[_PLACES] = Places(settings.phones_max, settings.strangers_per_address_max)
    app[_STRANGERS_LEFT] = RepeatedEvent(
        lambda times: log.info("sip_websockets_never_registered", times=times)
    )
    app.on_shutdown.append(_close_all)
    app.router.add_get("/ws", sip_websocket, allow_head=False)
