"""As much of ARI as the service asks for: endpoints, and the objects that phones are made of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import unquote

_DYNAMIC = "/ari/asterisk/config/dynamic/res_pjsip/"


class ScriptedAri:
    """`marks`: the endpoints that are there, each with the one field that says by whom it was made.

    `reads`, `writes`: how many single objects were read and written. Use as `async with`.
    """

    def __init__(self, marks: Mapping[str, str], field: str) -> None:
        self.port = 0
        self.reads = self.writes = 0
        self.changed: dict[tuple[str, str], dict[str, str]] = {}
        self._marks, self._field = marks, field
        self._endpoints = json.dumps(
            [
                {"technology": "PJSIP", "resource": x, "state": "online", "channel_ids": []}
                for x in ("edge", *marks)
            ]
        ).encode()

    async def __aenter__(self) -> ScriptedAri:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, path, _ = head[0].split(" ", 2)
                fields = {
                    name.lower(): value
                    for name, _, value in (line.partition(": ") for line in head[1:])
                }
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                status, answer = self._answer(method, path.partition("?")[0], body)
                writer.write(
                    f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(answer)}\r\n\r\n".encode()
                    + answer
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/ari/endpoints/PJSIP":
            return 200, self._endpoints
        if path == "/ari/asterisk/modules":
            return 200, b"[]"
        if not path.startswith(_DYNAMIC):
            return (404, b"{}") if method == "GET" else (204, b"")
        kind, name = map(unquote, path.removeprefix(_DYNAMIC).split("/"))
        if method != "GET":
            self.writes += 1
            if method == "PUT":
                fields = json.loads(body)["fields"]
                self.changed[kind, name] = {x["attribute"]: x["value"] for x in fields}
            else:
                self.changed.pop((kind, name), None)
            return 204, b""
        self.reads += 1
        found = self.changed.get((kind, name))
        if found is None and kind == "endpoint" and name in self._marks:
            found = {self._field: self._marks[name]}
        if found is None:
            return 404, b"{}"
        return 200, json.dumps([{"attribute": x, "value": y} for x, y in found.items()]).encode()
