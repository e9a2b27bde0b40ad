"""The client of the API, which notes each request and each answer in a journal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bridge.client import ApiError, NotReached, UapiClient
from bridge.testing.journal import Journal, Observation, Source, now_ms

_TIMEOUT_S = 30.0
_CALL_URI = re.compile(r"/phoneCalls/[^/]+/[^/]+/([A-Za-z0-9]{8,})")


class ObservedClient(UapiClient):
    """As UapiClient. An answer to a GET that is the same as the one before is not noted again."""

    def __init__(self, journal: Journal, url: str, client_id: str, client_secret: str, **more: Any):
        super().__init__(url, client_id, client_secret, **more)
        self._journal = journal
        self._who = client_id
        self._last: dict[str, str] = {}
        self.call_ids: dict[str, None] = {}
        """Of the calls that requests were about, in the order in which they came."""

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:
        """As UapiClient.request."""
        asked = f"{method} {path}"
        given = "".join(f"&{k}={v}" for k, v in (query or {}).items() if v is not None)
        asked += given.replace("&", "?", 1)
        began_ms = now_ms()
        try:
            answer = await super().request(method, path, query, body, headers, timeout_s)
        except ApiError as why:
            error = {"error": {"code": why.code, "message": why.message}}
            self._note(asked, began_ms, body, str(why.status), error)
            raise
        except NotReached as why:
            self._note(asked, began_ms, body, "503", {"error": {"code": "", "message": str(why)}})
            raise
        self._note(asked, began_ms, body, "200", answer)
        self._learn(method, path, answer)
        return answer

    def _learn(self, method: str, path: str, answer: object) -> None:
        """Ids of calls, of a create and of the URIs of calls."""
        if method == "POST" and path.endswith("/simple") and isinstance(answer, list):
            self.call_ids |= {str(x["id"]): None for x in answer}
        elif found := _CALL_URI.search(path):
            self.call_ids[found[1]] = None

    def _note(self, asked: str, began_ms: float, body: object, status: str, answer: object) -> None:
        text = json.dumps(answer, indent=1, ensure_ascii=False)
        if asked.startswith("GET "):
            if self._last.get(asked) == status + text:
                return
            self._last[asked] = status + text
        sent = "" if body is None else json.dumps(body, indent=1, ensure_ascii=False)
        for at_ms, kind, said, detail, outgoing in (
            (began_ms, "request", asked, sent, True),
            (now_ms(), "answer", f"{status} {asked}", text, False),
        ):
            self._journal.note(
                Observation(
                    at_ms, Source.API, self._who, kind, said, detail, "", "service", outgoing
                )
            )
