"""The routes, and what the events do to the calls."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
import sqlite3
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from .ari import Ari
from .database import Database

log = logging.getLogger("by_hand")

_NUMBER = re.compile(r"[0-9*]{1,32}\Z")
_ACCEPT = (
    "INSERT INTO calls (id, source, destination, caller_id, accepted_ms) VALUES (?, ?, ?, ?, ?)"
)
_ANSWER = "UPDATE calls SET answered_ms = ? WHERE id = ?"
_END = "UPDATE calls SET ended_ms = ?, status = ?, cause = ?, ended_by = ? WHERE id = ?"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Call:
    """A live call; `channels`: those that are up or ring."""

    id: str
    source: str
    destination: str
    caller_id: str
    channels: set[str] = field(default_factory=set)
    answered_ms: int | None = None
    status: str = ""
    ended_by: str = ""


class Service:
    def __init__(self, url: str, secret: str, token: str, database: Database, wall: bool) -> None:
        """`wall`: the source is rung by the dialplan, which follows no forward of a phone."""
        self._ari = Ari(url, secret, self._event)
        self._token = f"Bearer {token}".encode()
        self._database = database
        self._calls: dict[str, Call] = {}
        self._of_channel: dict[str, Call] = {}
        self._wall = wall
        self.ready = False
        for row in database.live:
            self._add(Call(*row))

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ready", self._ready)
        app.router.add_post("/calls", self._create)
        app.router.add_get("/calls/{id}", self._show)
        app.router.add_delete("/calls/{id}", self._hang_up)
        app.cleanup_ctx.append(self._running)
        return app

    async def _running(self, _: web.Application) -> Any:
        await self._ari.open()
        following = asyncio.create_task(self._ari.follow(self._compare))
        yield
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await self._ari.close()
        await asyncio.to_thread(self._database.close)

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self.ready else 503)

    async def _create(self, request: web.Request) -> web.Response:
        self._require_token(request)
        try:
            wanted = orjson.loads(await request.read())
            source, destination = wanted["source"], wanted["destination"]
            caller_id = wanted["callerId"]
            if not all(_NUMBER.match(x) for x in (source, destination, caller_id)):
                raise ValueError("numbers are digits and *")
        except (KeyError, TypeError, ValueError) as why:
            return _json(400, {"error": str(why)})
        call = Call(secrets.token_hex(10), source, destination, caller_id)
        self._add(call)
        try:
            await self._database.write(_ACCEPT, call.id, source, destination, caller_id, _now_ms())
            log.info("call %s accepted: %s to %s", call.id, source, destination)
            refused = await self._dial(call)
        except sqlite3.Error:
            self._forget(call)
            return _json(503, {"error": "not stored"})
        if refused:
            self._end(call, "refused", None)
            return _json(502, {"error": refused})
        return _json(202, {"id": call.id})

    async def _dial(self, call: Call) -> str:
        """Why it was not taken; empty where it was, and where nobody knows."""
        variables = {
            "BRIDGE_DESTINATION": f"PJSIP/{call.destination}",
            "BRIDGE_DESTINATION_WAIT_S": "60",
            "BRIDGE_DIAL_OPTIONS": "S(7200)",
            "BRIDGE_DESTINATION_CALLER_NAME": "",
            "BRIDGE_DESTINATION_CALLER_NUMBER": call.caller_id,
            "__TRANSFER_CONTEXT": "transfer-any",
            "CHANNEL(accountcode)": call.source,
        }
        dialled = {"endpoint": f"PJSIP/{call.source}"}
        if self._wall:
            dialled = {"endpoint": "Local/ring@bridge-source/n", "otherChannelId": f"{call.id};2"}
            variables |= {
                "BRIDGE_SOURCES": f"PJSIP/{call.source}",
                "BRIDGE_SOURCE_WAIT_S": "25",
                "BRIDGE_SOURCE_PHONES": "1",
                "BRIDGE_DESTINATION_PHONES": "1",
            }
        try:
            status, answer = await self._ari.request(
                "POST",
                "/ari/channels",
                {"variables": variables},
                **dialled,
                channelId=call.id,
                timeout="25",
                context="bridge-call",
                extension="dial",
                priority="1",
                callerId=call.caller_id,
                formats="ulaw,alaw",
            )
        except (aiohttp.ClientError, TimeoutError):
            return ""  # its events or the next comparison tell
        return "" if status == 200 else str(answer)

    async def _show(self, request: web.Request) -> web.Response:
        self._require_token(request)
        call = self._calls.get(request.match_info["id"])
        if call is None:
            return _json(404, {"error": "no such call"})
        return _json(200, {"id": call.id, "status": call.status, "answeredMs": call.answered_ms})

    async def _hang_up(self, request: web.Request) -> web.Response:
        self._require_token(request)
        call = self._calls.get(request.match_info["id"])
        if call is None:
            return _json(404, {"error": "no such call"})
        call.ended_by = "api"
        try:
            status, _ = await self._ari.request("DELETE", f"/ari/channels/{call.id}")
        except (aiohttp.ClientError, TimeoutError):
            return _json(503, {"error": "Asterisk does not answer"})
        if status == 404 and not call.channels:
            self._end(call, "gone", None)
        return _json(200, {"id": call.id})

    def _require_token(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._token):
            raise web.HTTPUnauthorized

    def _event(self, event: dict[str, Any]) -> None:
        channel = event["peer"]["id"] if event["type"] == "Dial" else event["channel"]["id"]
        caller = event.get("caller")
        call = self._of_channel.get(channel if caller is None else caller["id"])
        if call is None:
            return
        if event["type"] == "Dial":
            call.channels.add(channel)
            self._of_channel[channel] = call
            call.status = event["dialstatus"] or "DIALLED"
            # Of several dials, that of the destination is made by the channel of the call's id.
            by_call = caller is not None and caller["id"] == call.id
            if by_call and call.status == "ANSWER" and call.answered_ms is None:
                call.answered_ms = _now_ms()
                self._database.write_later(_ANSWER, call.answered_ms, call.id)
        else:
            call.channels.discard(channel)
            self._of_channel.pop(channel, None)
            if not call.channels:
                self._end(call, "answered" if call.answered_ms else call.status, event["cause"])

    def _end(self, call: Call, status: str, cause: int | None) -> None:
        if self._calls.get(call.id) is not call:
            return
        self._forget(call)
        ended_by = call.ended_by or "party"
        self._database.write_later(_END, _now_ms(), status, cause, ended_by, call.id)
        log.info("call %s ended: %s, cause %s, by %s", call.id, status, cause, ended_by)

    def _add(self, call: Call) -> None:
        self._calls[call.id] = self._of_channel[call.id] = call
        if self._wall:
            self._of_channel[f"{call.id};2"] = call

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)
        for channel in (call.id, f"{call.id};2", *call.channels):
            self._of_channel.pop(channel, None)

    async def _compare(self) -> None:
        """After events were missed: what has no channel any more has ended."""
        known = list(self._calls.values())
        _, channels = await self._ari.request("GET", "/ari/channels")
        living = {x["id"] for x in channels}
        for call in known:
            if call.id not in living:
                self._end(call, "lost", None)
        self.ready = True


def _json(status: int, content: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(content), content_type="application/json")
