"""The answer to a DELETE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from bridge.http.context import SERVICES
from bridge.http.json_answer import json_answer
from bridge.http.uapi.fields import Json


def deleted_answer(
    request: web.Request, items: Sequence[Json], headers: Mapping[str, str]
) -> web.Response:
    """The deleted entries; where that is nothing, 204, or 200 with an empty list by the settings.

    `headers`: further headers of the answer.
    """
    if items or request.app[SERVICES].settings.uapi.nothing_deleted_status == 200:
        return json_answer(items, headers=headers)
    return web.Response(status=204, headers=headers)
