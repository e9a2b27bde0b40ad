"""JSON answers, UTF-8 as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web


def json_answer(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        text=json.dumps(body, ensure_ascii=False),
        content_type="application/json",
        headers=headers,
    )
