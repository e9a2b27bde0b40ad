"""The async client: `async with UapiClient(url, client_id, client_secret) as api`."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from multidict import MultiMapping
from yarl import URL

from bridge.client.errors import ApiError, NotReached
from bridge.client.model import PhoneCall, Timeline

_TIMEOUT_S = 30.0
# An action may ring several phones, one after the other, for the longest time that an app may ask.
_ACTION_TIMEOUT_S = 1800.0
_SILENCE_S = 40.0  # of a stream, which has a heartbeat every 15 s
_RECONNECT_S = 2.0
_PAGE = 200
_NEXT = re.compile(r'<([^>]*)>; rel="next"')
Json = Mapping[str, Any]


@dataclass(frozen=True)
class StreamEvent:
    """`kind` is `state`, `call` or `gone`; `calls` are those it tells of, `gone` the id that left.

    After `state` forget all calls that you knew.
    """

    kind: str
    calls: tuple[PhoneCall, ...] = ()
    gone: str = ""


class UapiClient:
    """One app. The token is taken at the first request and renewed when it ends.

    `user`: the user of the URLs: `@me` for an app of a user, else the number of the user.
    Every method raises ApiError where the service refuses, and NotReached where it does not answer.
    """

    def __init__(self, url: str, client_id: str, client_secret: str, *, user: str = "@me") -> None:
        self.url = url.rstrip("/")
        self.user = user
        self.client_id = client_id
        self._client_secret = client_secret
        self._token = ""
        self.event_secret = ""
        """The X-Event-Secret that an answer told last."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def token(self) -> str:
        """The access token; a new one at the first call and after `forget_token`."""
        if not self._token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.client_id,
                "client_secret": self._client_secret,
            }
            answer, _ = await self._exchange("POST", "/oauth/token.php", data=form)
            self._token = str(answer["access_token"])
        return self._token

    def forget_token(self) -> None:
        """Take a new token before the next request."""
        self._token = ""

    async def create_call(
        self,
        source: str | Sequence[str],
        destination: str | Sequence[str],
        *,
        extension: str | None = None,
        caller_id: str | None = None,
        wait_for_pickup_s: int | None = None,
        call_duration_s: int | None = None,
        recording: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        status_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> PhoneCall:
        """Place a call: `source` rings, then `destination`. `extension` pays. Answers and events
        repeat `metadata`, an object of at most 2048 bytes as JSON. `status_url` gets each state of
        the call; afterwards `event_secret` has the secret that signs them.

        The idempotency key is a new one unless one is given; with it the request can be sent again.
        """
        view = {"source": _listed(source), "destination": _listed(destination)}
        if caller_id is not None:
            view["callerId"] = caller_id  # type: ignore[assignment]
        body: dict[str, Any] = {"phoneCallView": [view]}
        if extension is not None:
            body["extension"] = extension
        if metadata is not None:
            body["metadata"] = metadata
        if status_url is not None:
            body["statusUrl"] = status_url
        query = {
            "waitForPickup": wait_for_pickup_s,
            "callDuration": call_duration_s,
            "recording": recording if recording is None else str(recording).lower(),
        }
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        answer = await self.request(
            "POST", f"/uapi/phoneCalls/{self.user}/simple", query, body, headers
        )
        return PhoneCall.of(answer[0])

    async def calls(self, extension: str = "@self", *, ended: bool = False) -> list[PhoneCall]:
        """The live calls of an extension, or the ended ones, newest first; 100 at most."""
        query = {"count": 100, "sortOrder": "descending", "ended": str(ended).lower()}
        answer = await self.request("GET", f"/uapi/phoneCalls/{self.user}/{extension}", query)
        return [PhoneCall.of(x) for x in answer["entry"]]

    async def every_call(
        self, extension: str = "@self", *, ended: bool = False
    ) -> AsyncGenerator[PhoneCall, None]:
        """All live calls of an extension, or all ended ones, oldest first, page by page.

        Calls that begin or end meanwhile leave no gap, and no call comes twice.
        """
        path = f"/uapi/phoneCalls/{self.user}/{extension}"
        async for entry in self.entries(path, {"ended": str(ended).lower()}):
            yield PhoneCall.of(entry)

    async def entries(
        self, path: str, query: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Json, None]:
        """Each entry of a list with cursors, over all its pages: docs/requests.md names the lists.

        `query`: the filters, the order and the `count` of a page.
        """
        cursor: str | None = ""
        while cursor is not None:
            asked = {"count": _PAGE, **(query or {}), "cursor": cursor}
            answer, headers = await self._requested("GET", path, asked)
            found = answer["entry"]
            for entry in found.values() if isinstance(found, dict) else found:
                yield entry
            cursor = _next_cursor(headers)

    async def call(self, call_id: str) -> PhoneCall | None:
        """The call with that id: the live one, or its final record; None if there is none."""
        for ended in ("false", "true"):
            path = f"/uapi/phoneCalls/{self.user}/@self/{call_id}"
            answer = await self.request("GET", path, {"ended": ended})
            if answer["entry"]:
                return PhoneCall.of(answer["entry"][0])
        return None

    async def timeline(self, call_id: str, extension: str = "@self") -> Timeline:
        """The timeline of a live or ended call."""
        path = f"/uapi/phoneCalls/{self.user}/{extension}/{call_id}/timeline"
        return Timeline.of(await self.request("GET", path))

    async def hang_up(self, extension: str = "@self", call_id: str | None = None) -> list[str]:
        """End a call, or all calls of the extension; the ids of those whose end is certain."""
        path = f"/uapi/phoneCalls/{self.user}/{extension}" + (f"/{call_id}" if call_id else "")
        answer = await self.request("DELETE", path)
        return [str(x["id"]) for x in answer or ()]

    async def act(
        self, action: str, call_id: str, extension: str = "@self", **fields: object
    ) -> list[PhoneCall]:
        """Steer a live call: `OnHold`, `Transfer`, … with the fields of docs/actions.md.

        It waits for the phones that ring, as long as that lasts.
        """
        path = f"/uapi/phoneCalls/{self.user}/{extension}/{call_id}"
        answer = await self.request(
            "PUT", path, body={"action": action, **fields}, timeout_s=_ACTION_TIMEOUT_S
        )
        return [PhoneCall.of(x) for x in _entries(answer)]

    async def presence(self, extension: str = "@self") -> list[Json]:
        """The presence of each extension, with its registered phones."""
        path = f"/uapi/extensions/{self.user}/{extension}/presence"
        found: list[Json] = []
        while True:
            query = {"count": _PAGE, "startIndex": len(found)}
            answer = await self.request("GET", path, query)
            found += answer["entry"]
            if not answer["entry"] or len(found) >= int(answer["totalResults"]):
                return found

    async def stream(self, extension: str = "@self") -> AsyncGenerator[StreamEvent, None]:
        """The live calls at once, then every change. Goes on over breaks until it is closed.

        Raises ApiError if the service refuses.
        """
        last_id, token_is_new = "", False
        while True:
            try:
                async for event_id, event in self._events(extension, last_id):
                    last_id = event_id
                    yield event
                token_is_new = False  # the service took it, also if nothing happened since
            except (aiohttp.ClientError, TimeoutError, NotReached):
                token_is_new = False
            except ApiError as why:
                if _token_refused(why) and not token_is_new:
                    self.forget_token()
                    token_is_new = True
                elif why.retry_after_s is None:
                    raise
            await asyncio.sleep(_RECONNECT_S)

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:
        """Any request with the token; returns the JSON of the answer, None without one.

        A token that has ended is renewed, and the request sent once more.
        """
        answer, _ = await self._requested(method, path, query, body, headers, timeout_s)
        return answer

    async def _requested(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> tuple[Any, MultiMapping[str]]:
        params = {k: str(v) for k, v in (query or {}).items() if v is not None}
        more = {"params": params, "json": body, "timeout": aiohttp.ClientTimeout(total=timeout_s)}
        for last_try in (False, True):
            given = {"Authorization": f"Bearer {await self.token()}", **(headers or {})}
            try:
                return await self._exchange(method, path, headers=given, **more)
            except ApiError as why:
                if last_try or not _token_refused(why):
                    raise
                self.forget_token()
        raise AssertionError

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client as `async with`")
        return self._session

    async def _exchange(self, method: str, path: str, **more: Any) -> tuple[Any, MultiMapping[str]]:
        """The JSON and the headers of the answer."""
        try:
            async with self._http.request(
                method, self.url + path, allow_redirects=False, **more
            ) as answer:
                text = await answer.text()
                if answer.status >= 300:
                    raise _error(answer, text)
                self.event_secret = answer.headers.get("X-Event-Secret", self.event_secret)
                return json.loads(text) if text else None, answer.headers
        except (aiohttp.ClientError, TimeoutError) as why:
            raise NotReached(f"{self.url}: {why or type(why).__name__}") from why

    async def _events(self, extension: str, last_id: str) -> AsyncIterator[tuple[str, StreamEvent]]:
        headers = {"Authorization": f"Bearer {await self.token()}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        url = f"{self.url}/uapi/phoneCalls/{self.user}/{extension}/stream"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_TIMEOUT_S, sock_read=_SILENCE_S)
        async with self._http.get(url, headers=headers, timeout=timeout) as answer:
            if answer.status != 200:
                raise _error(answer, await answer.text())
            fields: dict[str, str] = {}
            async for raw in answer.content:
                line = raw.decode().rstrip("\r\n")
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                    continue
                if "data" in fields:
                    yield fields.get("id", ""), _stream_event(fields)
                fields = {}


def _next_cursor(headers: MultiMapping[str]) -> str | None:
    """Only the cursor of `Link` counts: behind a proxy its URL may be another one."""
    found = _NEXT.search(headers.get("Link", ""))
    return None if found is None else URL(found[1]).query.get("cursor")


def _token_refused(why: ApiError) -> bool:
    """403 where the service is told to answer so; a wrong client_secret has another code."""
    return why.code == "access_denied" and why.status in (401, 403)


def _stream_event(fields: Mapping[str, str]) -> StreamEvent:
    kind, data = fields.get("event", ""), json.loads(fields["data"])
    if kind == "gone":
        return StreamEvent(kind, gone=str(data["id"]))
    entries = data["entry"] if kind == "state" else [data]
    return StreamEvent(kind, tuple(PhoneCall.of(x) for x in entries))


def _entries(answer: Any) -> list[Json]:
    if answer is None:
        return []
    return list(answer) if isinstance(answer, list) else [answer]


def _listed(numbers: str | Sequence[str]) -> list[str]:
    return [numbers] if isinstance(numbers, str) else list(numbers)


def _error(answer: aiohttp.ClientResponse, text: str) -> ApiError:
    code, message = "unknown", text[:200]
    try:
        error = json.loads(text)["error"]
        if isinstance(error, dict):
            code, message = str(error["code"]), str(error["message"])
        else:  # the form of OAuth
            code, message = str(error), str(json.loads(text).get("error_description", ""))
    except (ValueError, KeyError, TypeError):
        pass
    after = answer.headers.get("Retry-After", "")
    return ApiError(
        answer.status,
        code,
        message,
        answer.headers.get("X-Request-Id", ""),
        int(after) if after.isdigit() else None,
    )
