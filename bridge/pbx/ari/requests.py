"""Requests to Asterisk's HTTP interface: how many at a time, how long, and what a fault means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from bridge.faults import reason
from bridge.pbx.ari.errors import AriError, AriRefused, AriUnavailable, refusal
from bridge.pbx.pbx_settings import AriSettings
from bridge.pbx.tls import ssl_context

_CHUNK_BYTES = 65_536


class AriRequests:
    """Use as `async with AriRequests(settings) as ari`. Every method raises AriError."""

    def __init__(self, settings: AriSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(settings.max_concurrent_requests)
        self._download_slots = asyncio.Semaphore(settings.max_concurrent_downloads)

    async def __aenter__(self) -> Self:
        tls = self._settings.tls
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl_context(tls) if tls is not None else True),
            headers={
                "Authorization": aiohttp.encode_basic_auth(
                    self._settings.username, self._settings.secret
                ),
                "Accept-Encoding": "identity",
            },
            auto_decompress=False,  # an answer takes no more memory than its length
            timeout=aiohttp.ClientTimeout(
                total=self._settings.request_timeout_s,
                connect=self._settings.connect_timeout_s,
            ),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. A request after that raises AriUnavailable."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def json(
        self,
        method: str,
        *path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Make a request; returns its JSON answer, or None for 204.

        `path`: its parts below the base URL, unescaped. Raises AriError.
        """
        async with self._turn(self._slots, path):
            response = await self._open(method, path, json=body, params=query)
            with _blaming_ari(path):
                async with response:
                    if response.status == 204:
                        return None
                    text = await self._bounded(response)
        try:
            return orjson.loads(text)
        except ValueError as error:
            raise AriError(f"{'/'.join(path)}: the answer is not JSON") from error

    @asynccontextmanager
    async def file(self, *path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body in chunks; no limit on the whole time, only on silence in between.

        AriError comes from opening and from reading; what the block raises passes through.
        """
        quiet = aiohttp.ClientTimeout(
            total=None,
            connect=self._settings.connect_timeout_s,
            sock_read=self._settings.request_timeout_s,
        )
        async with self._turn(self._download_slots, path):
            response = await self._open("GET", path, timeout=quiet)
            try:
                yield _chunks(response, path)
            finally:
                response.close()

    @asynccontextmanager
    async def _turn(self, slots: asyncio.Semaphore, path: tuple[str, ...]) -> AsyncIterator[None]:
        """One of the slots. Waiting for a slot takes no longer than waiting for an answer."""
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await slots.acquire()
        except TimeoutError:
            raise AriUnavailable(f"{'/'.join(path)}: too many requests at a time") from None
        try:
            yield
        finally:
            slots.release()

    async def _open(
        self, method: str, path: tuple[str, ...], **options: Any
    ) -> aiohttp.ClientResponse:
        """The answer, unless it is a refusal; to be closed."""
        if self._session is None:
            raise AriUnavailable("the ARI client is closed")
        url = self._url(*path)
        with _blaming_ari(path):
            response = await self._session.request(method, url, allow_redirects=False, **options)
            if response.status < 300:
                return response
            async with response:
                raise refusal(response.status, await self._message(response))

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body. Raises AriError for one that is too long."""
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._settings.max_answer_bytes:
                raise AriError(f"the answer is longer than {self._settings.max_answer_bytes} bytes")
        return bytes(body)

    async def _message(self, response: aiohttp.ClientResponse) -> str:
        try:
            answer = orjson.loads(await self._bounded(response))
            return str(answer.get("message") or answer.get("error") or response.reason)
        except (ValueError, AttributeError):
            return str(response.reason)

    def _url(self, *path: str) -> URL:
        """Each part fully escaped: `0003*210` goes out as `0003%2A210`, a `/` cannot add a part."""
        if any(part in ("", ".", "..") for part in path):
            raise AriRefused(400, "empty or dotted name")
        parts = "/".join(quote(part, safe="") for part in path)
        return URL(f"{self._settings.base_url.rstrip('/')}/{parts}", encoded=True)


@contextmanager
def _blaming_ari(path: tuple[str, ...]) -> Iterator[None]:
    """For what talks to the PBX and does nothing else."""
    try:
        yield
    except TimeoutError:
        raise AriUnavailable(f"{'/'.join(path)}: no answer in time") from None
    except aiohttp.ClientError as error:
        raise AriUnavailable(f"{'/'.join(path)}: {reason(error)}") from error


async def _chunks(response: aiohttp.ClientResponse, path: tuple[str, ...]) -> AsyncIterator[bytes]:
    while True:
        with _blaming_ari(path):
            chunk = await response.content.read(_CHUNK_BYTES)
        if not chunk:
            return
        yield chunk
