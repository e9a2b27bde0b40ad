"""The API as an app uses it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bridge.testing.eventually import eventually

from .openapi_check import check_answer

_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """The answer to one request. `json` is its parsed body, None for an empty one."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any = field(repr=False)

    @property
    def code(self) -> str:
        """`error.code` of an error answer."""
        return str(self.json["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])


class ApiClient:
    """One app. `token` is taken at the first request, and may be replaced."""

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        self.base_url = base_url
        self.client_id = client_id
        self._secret = client_secret
        self._session: aiohttp.ClientSession | None = None
        self.token: str | None = None

    async def __aenter__(self) -> ApiClient:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        assert self._session is not None, "use the client as `async with`"
        return self._session

    async def authenticate(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self._secret,
        }
        async with self.http.post(f"{self.base_url}/oauth/token.php", data=form) as response:
            assert response.status == 200, await response.text()
            self.token = str((await response.json())["access_token"])
        return self.token

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`path` from the root, or a whole URL; `body` is sent as JSON, bytes as they are."""
        token = self.token or await self.authenticate()
        url = path if path.startswith("http") else self.base_url + path
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        async with self.http.request(
            method,
            url,
            params=params,
            data=data,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
            allow_redirects=False,
        ) as response:
            text = await response.text()
            parsed = json.loads(text) if text else None
            assert "X-Request-Id" in response.headers
            check_answer(method, url, response.status, response.content_type, parsed)
            return Answer(response.status, response.headers, text, parsed)

    async def create(
        self,
        source: object,
        destination: object,
        *,
        user: str = "@me",
        extension: object = None,
        view: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Answer:
        """POST …/simple; `view` and `body` add fields to the view and to the PhoneCall."""
        call: dict[str, object] = {
            "phoneCallView": [{"source": source, "destination": destination, **(view or {})}],
            **(body or {}),
        }
        if extension is not None:
            call["extension"] = extension
        path = f"/uapi/phoneCalls/{user}/simple"
        return await self.request("POST", path, params=query, body=call, headers=headers)

    async def place(self, source: object, destination: object, **more: Any) -> str:
        """As `create`, which must succeed; the id of the call."""
        answer = await self.create(source, destination, **more)
        assert answer.status == 202, answer.text
        return str(answer.json[0]["id"])

    async def calls(self, extension: str = "@self", call_id: str = "", **query: str) -> list[Any]:
        """The `entry` of a list request as the app's own user."""
        path = f"/uapi/phoneCalls/@me/{extension}" + (f"/{call_id}" if call_id else "")
        answer = await self.request("GET", path, params=query)
        assert answer.status == 200, answer.text
        return list(answer.json["entry"])

    async def ended_calls(self, extension: str = "@self") -> list[Any]:
        """All of them, the oldest first. A list without `count` has 20."""
        return await self.calls(extension, ended="true", count="5000")

    async def call(self, call_id: str) -> Any:
        """The live call with that id, or None."""
        entry = await self.calls("@self", call_id)
        return entry[0] if entry else None

    async def wait_call(
        self, call_id: str, wanted: Callable[[Any], bool], time_limit_s: float = 10.0
    ) -> Any:
        """Poll until the live call is as wanted; an AssertionError shows its last state, or
        its final record."""
        last: Any = None

        async def as_wanted() -> Any:
            nonlocal last
            last = await self.call(call_id)
            return last if last is not None and wanted(last) else None

        try:
            return await eventually(as_wanted, time_limit_s)
        except AssertionError:
            record = await self.calls("@self", call_id, ended="true")
            raise AssertionError(f"call {call_id} did not get there: {last}, {record}") from None

    async def wait_status(self, call_id: str, status: int, time_limit_s: float = 10.0) -> Any:
        """Poll until the first view has that status."""
        return await self.wait_call(
            call_id, lambda call: call["phoneCallView"][0]["status"] == status, time_limit_s
        )

    async def wait_ended(self, call_id: str, time_limit_s: float = 10.0) -> Any:
        """Poll until the call has its final record; returns it."""
        try:
            [record] = await eventually(
                lambda: self.calls("@self", call_id, ended="true"), time_limit_s
            )
        except AssertionError:
            live = await self.call(call_id)
            raise AssertionError(f"call {call_id} did not end: {live}") from None
        # One that has joined another call is followed to that.
        live = await self.call(call_id)
        assert live is None or live["id"] != call_id
        return record

    async def leave_no_call(self, time_limit_s: float = 10.0) -> None:
        """Hang up all calls of the app's user, and wait until they are gone."""
        answer = await self.hang_up()
        if answer.status not in (200, 204):
            return  # the PBX is away

        async def none() -> bool:
            return not await self.calls()

        await eventually(none, time_limit_s)

    async def hang_up(self, extension: str = "@self", call_id: str = "", **query: str) -> Answer:
        path = f"/uapi/phoneCalls/@me/{extension}" + (f"/{call_id}" if call_id else "")
        return await self.request("DELETE", path, params=query)
