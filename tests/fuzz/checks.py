"""A check of our own for schemathesis: an answer has no header that the document lacks."""

from __future__ import annotations

from typing import Any

import schemathesis

from bridge.testing.lab.openapi_check import openapi, resolved

OF_EVERY_ANSWER = frozenset(
    {
        *("connection", "content-encoding", "content-length", "content-type", "date"),
        *("keep-alive", "server", "transfer-encoding", "vary", "x-content-type-options"),
    }
)
"""Of HTTP itself; nobody looks for them in the document of an API."""


@schemathesis.check
def response_headers_documented(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Raises AssertionError with the headers that the document should have."""
    operation = openapi()["paths"].get(case.operation.path, {}).get(case.method.lower())
    answer = (operation or {}).get("responses", {}).get(str(response.status_code))
    if answer is None:
        return  # another method, or a status that another check reports
    known = {x.lower() for x in resolved(answer).get("headers", {})}
    sent = {x.lower() for x in response.headers}
    unknown = sorted(sent - known - OF_EVERY_ANSWER)
    assert not unknown, f"headers of {response.status_code} that are not documented: {unknown}"
