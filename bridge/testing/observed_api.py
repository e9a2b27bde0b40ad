"""The typed client, with each request and answer in the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from multidict import MultiMapping

from bridge.client import ApiError, PhoneCall, UapiClient
from bridge.testing.followed_call import FollowedCall, HeardBy
from bridge.testing.journal import Journal, Observation, Source, now_ms

_TOKEN_PATH = "/oauth/token.php"
_GONE_S = 10.0


class ObservedApi(UapiClient):
    """An app of a test. `place` gives a call with expectations; all else is as in UapiClient.

    A GET that is answered as it was before is not told again, so that polling does not fill the
    journal. Secrets and tokens are never in it.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        journal: Journal,
        heard_by: HeardBy,
        user: str = "@me",
    ) -> None:
        super().__init__(url, client_id, client_secret, user=user)
        self.client_id = client_id
        self._journal = journal
        self._heard_by = heard_by
        self._told: dict[str, str] = {}

    async def place(
        self, source: str | list[str], destination: str | list[str], **more: Any
    ) -> FollowedCall:
        """As create_call, which takes the same arguments and raises the same."""
        call = await self.create_call(source, destination, **more)
        return self.follow(call)

    def follow(self, call: PhoneCall) -> FollowedCall:
        """Expectations of a call that somebody else has made."""
        return FollowedCall(self, self._journal, call, self._heard_by)

    async def only_call(self, extension: str = "@self", *, within_s: float = 5.0) -> FollowedCall:
        """The one live call of the extension, also one that a phone or the public network began."""
        return await FollowedCall.of_extension(
            self, self._journal, extension, self._heard_by, within_s
        )

    async def _exchange(self, method: str, path: str, **more: Any) -> tuple[Any, MultiMapping[str]]:
        if path == _TOKEN_PATH:
            return await super()._exchange(method, path, **more)
        began_ms, asked = now_ms(), _asked(method, path, more.get("params"))
        body = "" if more.get("json") is None else json.dumps(more["json"], ensure_ascii=False)
        try:
            answer, headers = await super()._exchange(method, path, **more)
        except ApiError as why:
            self._tell(began_ms, asked, body, str(why.status), str(why))
            raise
        except Exception as why:
            self._tell(began_ms, asked, body, "no answer", f"{type(why).__name__}: {why}")
            raise
        status = "204" if answer is None else "200"
        self._tell(began_ms, asked, body, status, json.dumps(answer, ensure_ascii=False))
        return answer, headers

    def _tell(self, began_ms: float, asked: str, body: str, status: str, text: str) -> None:
        if asked.startswith("GET "):
            if self._told.get(asked) == text:
                return
            self._told[asked] = text

        def observed(at_ms: float, kind: str, line: str, detail: str) -> Observation:
            outgoing = kind == "request"
            return Observation(
                at_ms, Source.API, self.client_id, kind, line, detail, "", "service", outgoing
            )

        self._journal.note(observed(began_ms, "request", asked, body))
        self._journal.note(observed(now_ms(), "answer", f"{status} {asked}", text))

    async def leave_no_call(self) -> None:
        """Hang up every call of the app's user, and return when they are gone."""
        await self.hang_up()
        ends_ms = now_ms() + _GONE_S * 1000
        while await self.calls() and now_ms() < ends_ms:
            await self.hang_up()


def _asked(method: str, path: str, params: Mapping[str, str] | None) -> str:
    query = "&".join(f"{name}={value}" for name, value in (params or {}).items())
    return f"{method} {path}" + (f"?{query}" if query else "")


class MakeClient(Protocol):
    """The type of `uapi_client`: the client of an app, ended after the test."""

    async def __call__(self, client_id: str, user: str = ...) -> ObservedApi: ...
