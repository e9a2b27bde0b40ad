"""The Verba API as an application uses it; XML is read by a real parser."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from bridge.testing.eventually import eventually

_TIMEOUT_S = 90.0


@dataclass(frozen=True)
class VerbaAnswer:
    """The answer to one request; `root` is its XML."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def root(self) -> ET.Element:
        root = ET.fromstring(self.body)  # noqa: S314 - our own answer
        assert root.tag == "VerbaApi"
        return root

    @property
    def response(self) -> ET.Element:
        response = self.root.find("Response")
        assert response is not None, self.text
        return response

    @property
    def code(self) -> int:
        return int(self.response.attrib["code"])

    @property
    def message(self) -> str:
        return self.response.findtext("ErrorMessage", "")

    @property
    def calls(self) -> list[ET.Element]:
        return list(self.response.iter("verbacdr"))


class VerbaClient:
    """One application with its API key; use it as `async with`."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.url = f"{base_url}/verba/api"
        self.api_key = api_key
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session

    async def ask(self, action: str, **parameters: str) -> VerbaAnswer:
        """A GET request; parameters as given, the key unless it is given too."""
        everything = {"action": action, "apiKey": self.api_key, **parameters}
        async with self.http.get(self.url, params=everything) as response:
            return VerbaAnswer(response.status, response.headers, await response.read())

    async def post(self, action: str, **parameters: str) -> VerbaAnswer:
        form = {"action": action, "apiKey": self.api_key, **parameters}
        async with self.http.post(self.url, data=form) as response:
            return VerbaAnswer(response.status, response.headers, await response.read())

    async def conversation(
        self, value: str, *, ongoing: bool, field: str = "platform_call_id"
    ) -> ET.Element:
        """Wait for a conversation in that state; finished ones measured.

        `value` is the id of a PhoneCall that the API made, or the wanted value of `field`.
        """
        last = b""

        async def found() -> list[ET.Element]:
            nonlocal last
            answer = await self.ask(
                "SearchCalls",
                start="2000-01-01 00:00",
                status="ongoing" if ongoing else "recorded",
                **{f"f_{field}": value},
            )
            last = answer.body
            return [
                x
                for x in answer.calls
                if ongoing or all("bytes" in y.attrib for y in x.findall("media"))
            ]

        return (await eventually(found, timeout=20, why=lambda: f"no such conversation: {last!r}"))[
            0
        ]

    async def ongoing_of(self, extension: str) -> str:
        """Wait for an ongoing conversation of that number; its callID."""

        async def ongoing() -> str:
            answer = await self.ask("GetCallID", extension=extension, status="ongoing")
            return answer.root.findtext("CallID", "") if answer.code == 0 else ""

        return await eventually(
            ongoing, timeout=15, why=lambda: f"no ongoing conversation of {extension}"
        )

    async def wait_gone(self, conversation_id: str) -> None:
        """Until it is in no search any more."""

        async def gone() -> bool:
            for status in ("ongoing", "recorded"):
                answer = await self.ask(
                    "SearchCalls",
                    start="2000-01-01 00:00",
                    status=status,
                    f_ccdr_id=conversation_id,
                )
                if answer.calls:
                    return False
            return True

        await eventually(gone, timeout=30, why=lambda: f"{conversation_id} is still there")
