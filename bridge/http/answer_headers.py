"""Headers that every answer to a request gets: also errors, also answers sent piece by piece."""

from __future__ import annotations

from aiohttp import web

_HEADERS = web.RequestKey("answer_headers", dict[str, str])


def answer_headers(request: web.BaseRequest) -> dict[str, str]:
    """The headers of the answer to come, to be added to. A copy of the request shares them."""
    headers = request.get(_HEADERS)
    if headers is None:
        headers = request[_HEADERS] = {}
    return headers


def add_answer_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Put them on the answer, before its head is sent. `Vary` is extended, others are set."""
    for name, value in answer_headers(request).items():
        if name == "Vary" and name in response.headers:
            value = f"{response.headers[name]}, {value}"
        response.headers[name] = value
