"""Large answers in gzip, for clients that accept it."""

from __future__ import annotations

from aiohttp import web

from bridge.http.answer_headers import answer_headers
from bridge.http.error_answers import Handler

COMPRESSED_FROM_BYTES = 4096
"""Below it, packing costs more time than a network saves."""
_TEXTS = ("application/json", "text/xml", "application/xml")


def with_compression(handler: Handler) -> Handler:
    """Wrap `handler`: its long JSON and XML answers are packed if the client accepts gzip.

    Media is not: it is sent piece by piece. Secrets are not: answers with tokens are short.
    """

    async def compressing(request: web.BaseRequest) -> web.StreamResponse:
        response = await handler(request)
        if (
            isinstance(response, web.Response)
            and not response.prepared
            and isinstance(response.body, bytes)
            and len(response.body) >= COMPRESSED_FROM_BYTES
            and response.content_type in _TEXTS
        ):
            _add_vary(answer_headers(request))
            if accepts_gzip(request):
                response.enable_compression(web.ContentCoding.gzip)
        return response

    return compressing


def _add_vary(headers: dict[str, str]) -> None:
    before = headers.get("Vary")
    headers["Vary"] = f"{before}, Accept-Encoding" if before else "Accept-Encoding"


def accepts_gzip(request: web.BaseRequest) -> bool:
    """Whether the client takes an answer in gzip: RFC 9110 §12.5.3; a weight of 0 refuses."""
    for part in ",".join(request.headers.getall("Accept-Encoding", [])).split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0").lower() not in ("q=", "q=0.")
    return False
