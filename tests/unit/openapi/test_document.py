"""The OpenAPI document is valid, is that of its parts, and has just what the code has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from openapi_spec_validator import validate

import bridge.http.verba.api as verba_api
from bridge.calls.state.phone_call import Disposition, EndedBy, Flow
from bridge.config.settings import Settings
from bridge.http.application import make_application
from bridge.http.context import Services
from bridge.http.openapi.routes import DOCUMENT
from bridge.http.uapi.actions.actions import ACTIONS
from bridge.http.uapi.phone_call_event_json import FILTERABLE, PHONE_CALL_EVENT_FIELDS
from bridge.http.uapi.phone_call_json import PHONE_CALL_FIELDS
from bridge.phone_call_events.call_states import STATES
from bridge.phone_call_events.delivery import DeliveryState
from bridge.phone_call_events.subscription import EventType
from bridge.testing.lab.openapi_check import check_instance, openapi, operation_of, resolved
from bridge.wiring.http import http_settings

from .document import document, merge, written

METHODS = {"get", "post", "put", "delete"}
ALTERNATIVES: dict[str, tuple[str, ...]] = {}


def test_the_file_is_that_of_its_parts() -> None:
    assert DOCUMENT.read_bytes() == written(), "make pages"


def test_the_document_is_valid() -> None:
    validate(document())


def test_a_value_in_two_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="in two parts"):
        merge({"a": {"b": 1}}, {"a": {"b": 2}}, "part")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in openapi()["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


# The same as /uapi; and what the console's own page asks for, which changes with the page.
_NOT_DESCRIBED = ("/unifiedapi", "/console")


def routes() -> Iterator[tuple[str, str]]:
    """Method and an example path of each route of the application, in the document's spelling."""
    services = cast("Services", SimpleNamespace(settings=http_settings(Settings())))
    for route in make_application(services).router.routes():
        info = route.resource.get_info() if route.resource else {}
        path = str(info.get("formatter", info.get("path")))
        if not path.startswith(_NOT_DESCRIBED) and route.method != "HEAD":
            yield route.method.lower(), path


def spelled(path: str) -> list[str]:
    """The path of a route without its optional ends; each alternative by itself."""
    path = path.replace("{slash}", "").replace("{rest}", "")
    for name, words in ALTERNATIVES.items():
        if name in path:
            return [path.replace(name, x) for x in words]
    return [path]


def described(method: str, path: str) -> bool:
    """A route for every method (`*`) is described by an operation of any."""
    wanted = METHODS if method == "*" else {method}
    return any(operation_of(x, path) is not None for x in wanted)


def test_every_route_is_described() -> None:
    missing = [
        f"{method} {path}"
        for method, route in routes()
        for path in spelled(route)
        if not described(method, re.sub(r"\{\w+\}", "1", path))
    ]
    assert not missing


def test_every_operation_has_a_route() -> None:
    known = {
        (method, path)
        for wanted, route in routes()
        for path in spelled(route)
        for method in (METHODS if wanted == "*" else {wanted})
    }
    assert not {(method, path) for path, method, _ in operations()} - known


def test_each_operation_has_a_name_of_its_own_and_words() -> None:
    names = [x["operationId"] for _, _, x in operations()]
    assert len(names) == len(set(names)) > 20
    assert all(x["summary"] and x["tags"] for _, _, x in operations())


def test_each_example_fits_its_schema() -> None:
    checked = 0
    webhooks = [x for item in openapi()["webhooks"].values() for x in item.values()]
    for operation in [*(x for _, _, x in operations()), *webhooks]:
        bodies = [operation.get("requestBody", {})]
        bodies += [resolved(x) for x in operation["responses"].values()]
        for body in bodies:
            for kind, content in body.get("content", {}).items():
                if "example" in content and kind != "text/xml":
                    check_instance(content["example"], content["schema"])
                    checked += 1
    assert checked > 10


def undescribed(value: Any, path: str = "") -> Iterator[str]:
    """Where the document has a parameter or a header without words for a reader."""
    if isinstance(value, list):
        for x in value:
            yield from undescribed(x, path)
    elif isinstance(value, dict):
        if {"name", "in", "schema"} <= value.keys() and not value.get("description"):
            yield f"{path} {value['name']}"
        if path.endswith(".headers"):
            yield from (
                f"{path} {k}" for k, v in value.items() if not {"$ref", "description"} & v.keys()
            )
        for key, x in value.items():
            yield from undescribed(x, f"{path}.{key}")


def test_each_parameter_and_header_is_explained() -> None:
    assert list(undescribed(openapi())) == []


def test_the_events_of_the_example_of_the_stream_fit_their_schema() -> None:
    operation = operation_of("GET", "/uapi/phoneCalls/@me/210/stream")
    assert operation is not None
    example = operation["responses"]["200"]["content"]["text/event-stream"]["example"]
    state, call = (json.loads(x) for x in re.findall(r"^data: (.*)$", example, re.MULTILINE))
    schemas = "#/components/schemas/"
    check_instance(state["entry"], {"type": "array", "items": {"$ref": f"{schemas}PhoneCall"}})
    check_instance(call, {"$ref": f"{schemas}PhoneCall"})


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = openapi()["components"]["schemas"][name]
    return found


def test_fields_and_words_are_those_of_the_code() -> None:
    call, event, view = schema("PhoneCall"), schema("PhoneCallEvent"), schema("PhoneCallView")
    assert set(call["properties"]) == PHONE_CALL_FIELDS
    assert set(event["properties"]) == PHONE_CALL_EVENT_FIELDS
    assert schema("Disposition")["enum"] == [int(x) for x in Disposition]
    assert view["properties"]["flow"]["enum"] == [int(x) for x in Flow]
    assert set(call["properties"]["endedBy"]["enum"]) == {x.value for x in EndedBy}
    assert schema("PhoneCallState")["properties"]["state"]["enum"] == list(STATES)
    details = schema("EventDetails")["properties"]
    assert details["type"]["enum"] == [str(int(x)) for x in EventType]
    states = schema("Delivery")["properties"]["state"]["enum"]
    assert set(states) == {x.value for x in DeliveryState}


def test_the_actions_on_calls_and_their_fields_are_those_of_the_code() -> None:
    action = schema("PhoneCallAction")["properties"]
    assert set(action["action"]["enum"]) == set(ACTIONS)
    assert set(action) == {"action", *(x for found in ACTIONS.values() for x in found.fields)}


def test_the_filters_are_those_of_the_code() -> None:
    operation = operation_of("GET", "/uapi/extensions/@me/210/phoneCallEvents")
    assert operation is not None
    [filter_by] = [x for x in map(resolved, operation["parameters"]) if x["name"] == "filterBy"]
    assert set(filter_by["schema"]["enum"]) == set(FILTERABLE)


def test_the_actions_of_the_verba_api_are_those_of_the_code() -> None:
    text = Path(verba_api.__file__).read_text()
    actions = set(re.findall(r'^    "(\w+)": \w+,', text, re.MULTILINE)) | {"RequestToken"}
    operation = operation_of("POST", "/verba/api")
    assert operation is not None
    [action] = [x for x in operation["parameters"] if x.get("name") == "action"]
    assert set(action["schema"]["enum"]) == actions
