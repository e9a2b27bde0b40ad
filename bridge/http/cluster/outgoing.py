"""A request of a client as it is sent on to another instance."""

from __future__ import annotations

from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from bridge.cluster.forward_client import OutgoingRequest
from bridge.cluster.forward_header import HEADER, Forward
from bridge.http.answer_headers import answer_headers
from bridge.http.base_url import base_url
from bridge.http.body import body_of
from bridge.http.error_answers import APP
from bridge.http.request_ids import REQUEST_ID

# Of one connection (RFC 9110 §7.6.1), or set anew for the next one.
_NOT_SENT_ON = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "proxy-authorization", "proxy-authenticate", "content-length", "expect"),
        # The first instance has read these. It packs the answer itself.
        *("authorization", "cookie", "accept-encoding", "host", "content-encoding"),
        *(HEADER.lower(), REQUEST_ID.lower()),
    }
)


async def outgoing(request: web.Request) -> OutgoingRequest:
    """The request as it is sent on. Raises as `body_of`."""
    named = {
        x.strip().lower() for x in request.headers.get("Connection", "").split(",") if x.strip()
    }
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in request.headers.items():
        if name.lower() not in _NOT_SENT_ON and name.lower() not in named:
            # Of one that is given several times the other instance sees the list (RFC 9110 §5.3).
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    headers[REQUEST_ID] = answer_headers(request).get(REQUEST_ID, "")
    return OutgoingRequest(
        request.method,
        request.rel_url.raw_path_qs,
        URL(base_url(request, ""), encoded=True).raw_authority,
        headers,
        await body_of(request),
    )


def stated(request: web.Request, *, call_id: str = "", wanted: str = "") -> Forward:
    """The statement of this instance about the request, whose app it has authenticated already."""
    return Forward(
        sender="",
        receiver="",
        pbx="",
        deadline_ms=0,
        principal=request.get(APP) or "",
        remote=request.remote or "",
        scheme=URL(base_url(request, ""), encoded=True).scheme,
        request_id=answer_headers(request).get(REQUEST_ID, ""),
        call_id=call_id,
        wanted=wanted,
    )
