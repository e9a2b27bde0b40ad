"""The errors of each status, with their codes: they come from docs/reference/errors.md.

The parts of the document say only that an operation may answer a status with an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"
_ROW = re.compile(r"^\| `([a-z_]+)` \| ([\d, ]+) \|", re.MULTILINE)
_SHARED = "#/components/responses/Error"

MEANINGS = {
    "400": "Something of the request is missing or wrong. The message names it, and says the rule.",
    "401": "The access token is missing, unknown or expired. Ask for a new one.",
    "403": "As 401 where `BRIDGE_TOKEN_REFUSED_STATUS` says so; `/ws` refuses an origin with it.",
    "404": "There is no such resource.",
    "408": "The body did not come in time.",
    "409": "The request does not fit the present state. The message says what was not done.",
    "413": "The body is too long.",
    "415": "The body is compressed, and no body may be.",
    "429": "A limit is reached. Try again after the seconds of `Retry-After`.",
    "500": "The service failed; its log says how.",
    "501": "The vendor's API has this request. This service or its Asterisk cannot carry it out.",
    "502": "Asterisk refused the call, and the service waited for that. It is recorded as ended.",
    "503": "Asterisk or the database is away; nothing was done. Try again after `Retry-After`.",
    "504": "Asterisk did not say in time whether it was done. The call itself tells.",
}
"""Of each status what a client should know."""


def codes() -> dict[str, list[str]]:
    """The codes of the UnifiedAPI that may come with each status, in the order of the page."""
    section = _PAGE.read_text().partition("\n## UnifiedAPI\n")[2].partition("\n## ")[0]
    found: dict[str, list[str]] = {}
    for code, statuses in _ROW.findall(section):
        for status in statuses.split(","):
            found.setdefault(status.strip(), []).append(code)
    return found


def tell_errors_apart(document: dict[str, Any]) -> None:
    """Instead of one answer for all errors, each status has its own, with its codes."""
    shared = document["components"]["responses"]
    general = shared.pop("Error")
    by_status = codes()
    for item in document["paths"].values():
        for operation in (x for x in item.values() if isinstance(x, dict)):
            for status, answer in operation["responses"].items():
                if answer.get("$ref") == _SHARED:
                    operation["responses"][status] = {"$ref": _SHARED + status}
                    shared[f"Error{status}"] = _answer(general, status, by_status[status])


def _answer(general: dict[str, Any], status: str, known: list[str]) -> dict[str, Any]:
    headers = dict(general["headers"])
    for name, statuses in (
        ("Retry-After", ("429", "503")),
        ("WWW-Authenticate", ("401",)),
        ("Allow", ("405",)),
    ):
        header = headers.pop(name)
        if status in statuses:
            headers[name] = {"required": True, **header}
    code = {"properties": {"error": {"properties": {"code": {"enum": known}}}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, code]}
    example = {"error": {"code": known[0], "message": "For people."}}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": MEANINGS[status], "headers": headers, "content": content}
