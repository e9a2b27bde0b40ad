"""A browser's part: it keeps the cookie, and sends the proof that the session tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ..whole_service import WholeService


class ConsoleClient:
    """Requests of the console's page. `proof`: what it was told at sign-in."""

    def __init__(self, base_url: str, http: aiohttp.ClientSession) -> None:
        self.base_url = base_url
        self.http = http
        self.proof = ""
        self.set_cookie = ""

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        """The status and the JSON of the answer. `headers`: `_` stands for `-`."""
        sent = {"X-Console-Proof": self.proof}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = self.base_url + path
        async with self.http.request(method, url, json=body, headers=sent) as answer:
            self.set_cookie = answer.headers.get("Set-Cookie", "")
            told = await answer.json() if answer.content_type == "application/json" else None
            return answer.status, told

    async def sign_in(self, **fields: str) -> tuple[int, Any]:
        """Sign in with `clientId` and `clientSecret`, or with `code`."""
        status, told = await self.ask("POST", "/console/session", fields)
        self.proof = told.get("proof", "")
        return status, told


@asynccontextmanager
async def console_client(service: WholeService) -> AsyncIterator[ConsoleClient]:
    """A browser that nobody has signed in with."""
    jar = aiohttp.CookieJar(unsafe=True)  # the host is an address
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield ConsoleClient(service.base_url, http)


@asynccontextmanager
async def signed_in(service: WholeService, client_id: str) -> AsyncIterator[ConsoleClient]:
    """A browser with a session of this app."""
    secret = service.service.directory.directory.apps[client_id].client_secret
    async with console_client(service) as client:
        status, _ = await client.sign_in(clientId=client_id, clientSecret=secret)
        assert status == 200
        yield client
