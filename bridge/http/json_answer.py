"""JSON answers in UTF-8, without escapes for letters."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from aiohttp import web

IN_A_THREAD_FROM_BYTES = 32 * 1024
"""Packing so much takes a millisecond, in which the event loop would serve nobody else."""


def json_text(value: object) -> str:
    return orjson.dumps(value).decode()


def json_part(value: object) -> orjson.Fragment:
    """A part of an answer that is written already; `json_answer` takes it as a value."""
    return orjson.Fragment(orjson.dumps(value))


def json_answer(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer of `status` with `body` as JSON in UTF-8."""
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        charset="utf-8",
        headers=headers,
        zlib_executor_size=IN_A_THREAD_FROM_BYTES,
    )
