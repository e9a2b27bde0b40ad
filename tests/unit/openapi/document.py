"""The OpenAPI document, put together from its parts: `python -m tests.unit.openapi.document`.

It is written by hand in `bridge/http/openapi/parts`: its errors and the order of its fields are the
vendor's, so no handler could generate it. The service sends the file that this program writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import yaml

import bridge.http.openapi
from bridge import __version__
from bridge.http.openapi.routes import DOCUMENT

from .error_answers import tell_errors_apart

PARTS = (
    "about",
    "tokens",
    "phone_calls",
    "phone_call_schemas",
    "streams",
    "timeline",
    "phone_call_actions",
    "presence",
    "queues",
    "call_records",
    "conferences",
    "phone_call_events",
    "webhooks",
    "recordings",
    "operation",
    "not_implemented",
)
"""In the order in which a reader sees them."""


def document() -> dict[str, Any]:
    """The whole document, made anew from its parts."""
    merged: dict[str, Any] = {}
    for name in PARTS:
        part = files(bridge.http.openapi).joinpath("parts", f"{name}.yaml")
        merge(merged, yaml.safe_load(part.read_text(encoding="utf-8")), name)
    merged["info"]["version"] = __version__
    for path, item in merged["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and method != "parameters":
                if method == "post" and not path.startswith("/oauth/"):
                    add_idempotency_key(operation)
                if path.startswith(("/uapi/", "/verba/", "/oauth/")):
                    add_rate_limits(operation, merged["components"]["responses"], path)
                add_link(operation)
                add_request_id(operation["responses"], merged["components"]["responses"])
                add_strict_handling(operation)
    tell_errors_apart(merged)
    return merged


def add_request_id(responses: dict[str, Any], shared: dict[str, Any]) -> None:
    """Every answer has the header X-Request-Id; the parts do not repeat it."""
    for answer in responses.values():
        named = answer.get("$ref", "").removeprefix("#/components/responses/")
        headers = (shared[named] if named else answer).setdefault("headers", {})
        headers["X-Request-Id"] = {"$ref": "#/components/headers/X-Request-Id"}


def add_strict_handling(operation: dict[str, Any]) -> None:
    """Where an answer names ignored parameters, a request may prefer that they are an error."""
    naming = [
        x["headers"]
        for x in operation["responses"].values()
        if "X-Ignored-Parameters" in x.get("headers", {})
    ]
    for headers in naming:
        headers["Preference-Applied"] = {"$ref": "#/components/headers/Preference-Applied"}
    prefer = {"$ref": "#/components/parameters/Prefer"}
    if naming and prefer not in operation.get("parameters", []):
        operation["parameters"] = [*operation.get("parameters", []), prefer]


def add_idempotency_key(operation: dict[str, Any]) -> None:
    """Every POST takes a key, apart from those for a token."""
    key = {"$ref": "#/components/parameters/Idempotency-Key"}
    if key not in operation.get("parameters", []):
        operation["parameters"] = [*operation.get("parameters", []), key]
    replayed = {"Idempotent-Replayed": {"$ref": "#/components/headers/Idempotent-Replayed"}}
    operation["responses"] = {  # anew: a GET may have the same answers
        status: {**x, "headers": {**replayed, **x.get("headers", {})}} if status[0] == "2" else x
        for status, x in operation["responses"].items()
    }


def add_rate_limits(operation: dict[str, Any], shared: dict[str, Any], path: str) -> None:
    """Every answer tells what remains of the limits; a request may be one too many."""
    headers = {x: {"$ref": f"#/components/headers/{x}"} for x in ("RateLimit-Policy", "RateLimit")}
    if path.startswith("/uapi/"):
        operation["responses"].setdefault("429", {"$ref": "#/components/responses/Error"})
    for status, answer in operation["responses"].items():
        named = answer.get("$ref", "").removeprefix("#/components/responses/")
        if named:
            shared[named]["headers"] = {**shared[named].get("headers", {}), **headers}
        else:
            operation["responses"][status] = {
                **answer,
                "headers": {**answer.get("headers", {}), **headers},
            }


def add_link(operation: dict[str, Any]) -> None:
    """A list with cursors leads to its next page."""
    if {"$ref": "#/components/parameters/cursor"} in operation.get("parameters", []):
        link = {"Link": {"$ref": "#/components/headers/Link"}}
        answer = operation["responses"]["200"]
        operation["responses"] = {
            **operation["responses"],
            "200": {**answer, "headers": {**answer.get("headers", {}), **link}},
        }


def merge(into: dict[str, Any], part: Mapping[str, Any], where: str) -> None:
    """Add `part` to `into`. Raises ValueError for a value that is in both."""
    for key, value in part.items():
        if isinstance(value, dict) and isinstance(into.setdefault(key, {}), dict):
            merge(into[key], value, f"{where}.{key}")
        elif key in into:
            raise ValueError(f"{where}.{key} is in two parts of the document")
        else:
            into[key] = value


def written() -> bytes:
    """The document as the file has it."""
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    Path(str(DOCUMENT)).write_bytes(written())
