"""A small client for Asterisk's HTTP interface: phones, their state, stored recordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from bridge.pbx.pbx_settings import AriSettings

RECORDING_CHUNK_BYTES = 65_536


# What res_ari says of a route it does not have, and what the HTTP server says without res_ari.
_NO_SUCH_ROUTE = ("Resource not found", "Not Found")


class AriError(Exception):
    """Any failure of an ARI request."""


class AriUnavailable(AriError):
    """No connection, no answer in time, or the PBX says that it is not ready."""


class AriNotLoaded(AriUnavailable):
    """The HTTP server is there and this part of ARI is not: Asterisk boots, or lacks a module.

    Its 404 says nothing about the object asked for. Taken for "there is none" it would make a
    recording count as deleted that is still on disk.
    """


class AriRefused(AriError):
    """The PBX refused: `status` is HTTP's, `str()` its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class AriNotFound(AriRefused):
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class AriEndpoint:
    """`resource` is `0003*210`, `technology` `PJSIP`; `online` None where the PBX cannot tell."""

    technology: str
    resource: str
    online: bool | None

    @property
    def name(self) -> str:
        return f"{self.technology}/{self.resource}"


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A file below the PBX's recording folder; `name` without its extension `format`."""

    name: str
    format: str


class AriClient:
    """Use as `async with AriClient(settings) as ari`. Every method raises AriError."""

    def __init__(self, settings: AriSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(settings.max_concurrent_requests)

    async def __aenter__(self) -> AriClient:
        self._session = aiohttp.ClientSession(
            headers={
                "Authorization": aiohttp.encode_basic_auth(
                    self._settings.username, self._settings.secret
                )
            },
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
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def version(self) -> str:
        """The PBX's version; the cheapest way to see that it answers."""
        info = await self._json("GET", "asterisk", "info")
        return str(info["system"]["version"])

    async def running_modules(self) -> set[str]:
        """Names without `.so`."""
        listed = await self._json("GET", "asterisk", "modules")
        return {one["name"].removesuffix(".so") for one in listed if one.get("status") == "Running"}

    # ---- phones -----------------------------------------------------------------

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        try:
            listed = await self._json("GET", "endpoints", technology)
        except AriNotFound:
            return []  # "No Endpoints found": there is none of that technology yet
        known = {"online": True, "offline": False}
        return [
            AriEndpoint(one["technology"], one["resource"], known.get(one["state"]))
            for one in listed
        ]

    async def endpoint_states(self) -> Mapping[str, bool]:
        """What AmiLink asks at every link up. An endpoint of unknown state counts as reachable."""
        return {one.name: one.online is not False for one in await self.endpoints()}

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
        """The fields of a res_pjsip object (`auth`, `aor`, `endpoint`); None if there is none."""
        try:
            fields = await self._json("GET", *_dynamic(kind, name))
        except AriNotFound:
            return None
        return {one["attribute"]: one["value"] for one in fields}

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        """Make the object, or change these fields of it."""
        pairs = [{"attribute": key, "value": value} for key, value in fields.items()]
        await self._json("PUT", *_dynamic(kind, name), body={"fields": pairs})

    async def delete_dynamic_object(self, kind: str, name: str) -> bool:
        """False if there was none."""
        return await self._delete(*_dynamic(kind, name))

    # ---- recordings -------------------------------------------------------------

    async def stored_recordings(self) -> list[StoredRecording]:
        listed = await self._json("GET", "recordings", "stored")
        return [StoredRecording(one["name"], one["format"]) for one in listed]

    async def stored_recording(self, name: str) -> StoredRecording | None:
        try:
            one = await self._json("GET", "recordings", "stored", name)
        except AriNotFound:
            return None
        return StoredRecording(one["name"], one["format"])

    @asynccontextmanager
    async def stored_recording_file(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The audio in chunks; no limit on the whole time, only on silence in between."""
        quiet = aiohttp.ClientTimeout(
            total=None,
            connect=self._settings.connect_timeout_s,
            sock_read=self._settings.request_timeout_s,
        )
        path = ("recordings", "stored", name, "file")
        async with self._request("GET", *path, timeout=quiet) as response:
            yield response.content.iter_chunked(RECORDING_CHUNK_BYTES)

    async def delete_stored_recording(self, name: str) -> bool:
        """False if there was none."""
        return await self._delete("recordings", "stored", name)

    # ---- requests ---------------------------------------------------------------

    async def _delete(self, *path: str) -> bool:
        try:
            await self._json("DELETE", *path)
        except AriNotFound:
            return False
        return True

    async def _json(self, method: str, *path: str, body: object = None) -> Any:
        async with self._request(method, *path, body=body) as response:
            if response.status == 204:
                return None
            try:
                return await response.json(content_type=None)
            except ValueError as error:
                raise AriError(f"{'/'.join(path)}: the answer is no JSON") from error

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        *path: str,
        body: object = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise AriUnavailable("the ARI client is closed")
        options: dict[str, Any] = {"json": body, "allow_redirects": False}
        if timeout is not None:
            options["timeout"] = timeout
        try:
            async with (
                self._slots,
                self._session.request(method, self._url(*path), **options) as response,
            ):
                if response.status >= 300:
                    raise _refusal(response.status, await _message(response))
                yield response
        except TimeoutError:
            raise AriUnavailable(f"{'/'.join(path)}: no answer in time") from None
        except aiohttp.ClientError as error:
            raise AriUnavailable(f"{'/'.join(path)}: {error}") from error

    def _url(self, *path: str) -> URL:
        """Each part fully escaped: `0003*210` goes out as `0003%2A210`, a `/` cannot add a part."""
        if any(part in ("", ".", "..") for part in path):
            raise AriRefused(400, "empty or dotted name")
        parts = "/".join(quote(part, safe="") for part in path)
        return URL(f"{self._settings.base_url.rstrip('/')}/{parts}", encoded=True)


def _dynamic(kind: str, name: str) -> tuple[str, ...]:
    return ("asterisk", "config", "dynamic", "res_pjsip", kind, name)


async def _message(response: aiohttp.ClientResponse) -> str:
    try:
        answer = await response.json(content_type=None)
        return str(answer.get("message") or answer.get("error") or response.reason)
    except (ValueError, AttributeError):
        return str(response.reason)


def _refusal(status: int, message: str) -> AriError:
    if status == 404 and message in _NO_SUCH_ROUTE:
        return AriNotLoaded(f"ARI is not loaded (yet): {message}")
    if status == 404:
        return AriNotFound(status, message)
    if status == 503:
        return AriUnavailable(message)
    return AriRefused(status, message)
