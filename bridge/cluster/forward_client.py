"""Sends a request to another instance, over connections that are kept."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from bridge.cluster.forward_header import HEADER, Forward, ForwardSigner, RequestShape
from bridge.cluster.lease import Lease
from bridge.faults import reason

MISDIRECTED = 421
"""HTTP's status for "not mine" (RFC 9110 §15.5.20). Only instances see it."""

_REFUSED = 401
_FULL = 503  # it has too many connections, or waits for its database
# Streams have a heartbeat every 15 s; an answer without a byte for so long has died.
SILENCE_S = 45.0
# An instance closes a connection that was idle for longer than `http_idle_timeout_s`; it must not
# do so while a request is on its way.
_KEPT_S = 15.0
_CONNECT_S = 1.0
_READ_AT_ONCE = 64 * 1024
_OF_TRACES = ("traceparent", "tracestate")
# aiohttp would add its own.
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class NotCarriedOut(Exception):
    """The other instance has not begun with the request: it can be sent elsewhere."""


class NotHolder(NotCarriedOut):
    """The other instance says that it does not hold the PBX."""


class ForwardBroken(Exception):
    """The request was sent. Nobody knows whether it was carried out.

    `epoch`: of the lease of the instance that it was sent to; -1: not told.
    """

    def __init__(self, why: str, epoch: int = -1) -> None:
        super().__init__(why)
        self.epoch = epoch


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request as it is sent on. `target`: the path with the query; `headers`: without `Host`.

    `host`: as the client called this service.
    """

    method: str
    target: str
    host: str
    headers: Mapping[str, str]
    body: bytes


class ForwardClient:
    """`async with ForwardClient(signer) as client`. Each answer is proved to be of an instance.

    `trace`: the headers by which the other instance goes on with the trace of the request that is
    being served; empty: those of the client stay.
    """

    def __init__(
        self,
        signer: ForwardSigner,
        *,
        kept_s: float = _KEPT_S,
        trace: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._signer = signer
        self._trace = trace
        self._kept_s = kept_s
        self._session: ClientSession

    async def __aenter__(self) -> ForwardClient:
        self._session = ClientSession(
            # As many as requests: a stream holds one for as long as it is open.
            connector=TCPConnector(limit=0, keepalive_timeout=self._kept_s),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_ADDED,
            read_bufsize=_READ_AT_ONCE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @asynccontextmanager
    async def answer(
        self, lease: Lease, forward: Forward, request: OutgoingRequest, head_within_s: float
    ) -> AsyncIterator[ClientResponse]:
        """The answer of the holder, with its body still to be read.

        `head_within_s`: until its head must be there. Raises NotCarriedOut, NotHolder,
        ForwardBroken; faults of the body are those of aiohttp.
        """
        url = URL(lease.url.rstrip("/") + request.target, encoded=True)
        headers = {**self._headers(request), "Host": request.host}
        lower = {name.lower(): value for name, value in headers.items()}
        # The target as the request line will have it, whatever the URL makes of it.
        shape = RequestShape(request.method, url.raw_path_qs, lower)
        sent = replace(forward, receiver=lease.holder)
        headers[HEADER], proof = self._signer.sign(sent, shape, request.body)
        response = await self._sent(url, request, headers, head_within_s)
        try:
            _require_genuine(response, proof)
            yield response
        finally:
            response.release() if response.content.at_eof() else response.close()

    def _headers(self, request: OutgoingRequest) -> Mapping[str, str]:
        if not (trace := self._trace()):
            return request.headers
        of_client = {x: y for x, y in request.headers.items() if x.lower() not in _OF_TRACES}
        return {**of_client, **trace}

    async def _sent(
        self, url: URL, request: OutgoingRequest, headers: Mapping[str, str], head_within_s: float
    ) -> ClientResponse:
        try:
            async with asyncio.timeout(head_within_s):
                return await self._session.request(
                    request.method,
                    url,
                    data=request.body or None,
                    headers=headers,
                    allow_redirects=False,
                    timeout=_timeout(head_within_s),
                )
        except (ClientConnectorError, ConnectionTimeoutError) as why:
            raise NotCarriedOut(reason(why)) from None
        except TimeoutError:
            raise ForwardBroken(f"no answer within {head_within_s:.1f} s") from None
        except (ClientError, OSError) as why:
            raise ForwardBroken(reason(why)) from None


def _timeout(head_within_s: float) -> ClientTimeout:
    silence_s = max(SILENCE_S, head_within_s + 1.0)
    return ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=silence_s)


def _require_genuine(response: ClientResponse, proof: str) -> None:
    """Raises NotHolder, NotCarriedOut, ForwardBroken."""
    given = response.headers.get(HEADER, "")
    if not (given.isascii() and hmac.compare_digest(given, proof)):
        # An instance proves each answer to a request that it has begun with. Others refuse.
        text = f"status {response.status} without a proof: too late, or another cluster secret"
        refused = 400 <= response.status < 500 or response.status == _FULL
        raise NotCarriedOut(text) if refused else ForwardBroken(text)
    if response.status == MISDIRECTED:
        raise NotHolder("it does not hold the PBX")
    if response.status == _REFUSED:
        raise ForwardBroken("the request has come before")
