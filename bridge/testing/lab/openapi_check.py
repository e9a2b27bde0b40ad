"""Every answer that a test gets is compared with the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import orjson
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from bridge.http.openapi.routes import DOCUMENT

_BASE = "urn:openapi"
_METHODS = ("get", "post", "put", "delete")
_NOT_OF_A_ROUTE = {404, 405, 408, 417, 429, 500, 503}
"""Any path may answer these: no route was found yet, or the service cannot work."""


@cache
def openapi() -> Any:
    """The document that the service sends."""
    return orjson.loads(DOCUMENT.read_bytes())


@cache
def _operations() -> list[tuple[re.Pattern[str], str, str]]:
    """Pattern of the path, template, method; paths with fewer parameters come first."""
    found = []
    for template, item in openapi()["paths"].items():
        pattern = re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(template))
        found += [
            (re.compile(pattern + "/?"), template, method) for method in _METHODS if method in item
        ]
    return sorted(found, key=lambda x: x[1].count("{"))


def operation_of(method: str, path: str) -> Mapping[str, Any] | None:
    """The operation that answers this request; None where the document has none."""
    plain = re.sub("/+", "/", path).replace("/unifiedapi/", "/uapi/", 1)
    wanted = "get" if method == "HEAD" else method.lower()
    for pattern, template, known in _operations():
        if known == wanted and pattern.fullmatch(plain):
            operation: Mapping[str, Any] = openapi()["paths"][template][known]
            return operation
    return None


def resolved(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """`value`, or where its `$ref` leads."""
    while "$ref" in value:
        target: Any = openapi()
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        value = target
    return value


@cache
def _registry() -> Registry[Any]:
    resources = [(_BASE, Resource.opaque(openapi()))]
    registry: Registry[Any] = Registry().with_resources(resources)
    return registry


def check_instance(instance: Any, schema: Mapping[str, Any]) -> None:
    """Raises an AssertionError that says where the value and the schema differ."""
    validator = Draft202012Validator(_with_base(schema), registry=_registry())
    problems = [f"{x.json_path}: {x.message}" for x in validator.iter_errors(instance)]
    assert not problems, f"the OpenAPI document says otherwise: {problems[:5]}"


def _with_base(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _BASE + v if k == "$ref" and isinstance(v, str) else _with_base(v)
            for k, v in value.items()
        }
    return [_with_base(x) for x in value] if isinstance(value, list) else value


def check_answer(method: str, url: str, status: int, content_type: str, body: Any) -> None:
    """`body` is the parsed JSON, or None. Raises AssertionError for what is not in the document."""
    path = urlsplit(url).path
    operation = operation_of(method, path)
    if operation is None:
        assert status in _NOT_OF_A_ROUTE | {400, 401, 403, 501}, f"{method} {path} is not described"
        return
    answer = operation["responses"].get(str(status))
    if answer is None and status in _NOT_OF_A_ROUTE:
        return
    assert answer is not None, f"{method} {path} answered {status}, which is not described"
    content = resolved(answer).get("content", {})
    if body is None or method == "HEAD":
        return
    assert content_type in content, f"{method} {path} answered {content_type}: not described"
    check_instance(body, content[content_type]["schema"])
