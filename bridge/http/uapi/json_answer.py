"""JSON answers, UTF-8 as it is."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from aiohttp import web


def json_text(value: object) -> str:
    return orjson.dumps(value).decode()


def json_answer(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        text=json_text(body),
        content_type="application/json",
        headers=headers,
    )
