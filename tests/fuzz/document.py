"""The document as schemathesis gets it: with numbers, ids and URLs that lead somewhere harmless.

Invented numbers would be refused, nearly all of them, and no call would ever be placed. An invented
URL could be that of somebody else.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

ANSWERS_1_S, ECHO, RINGS, BUSY = "3235551001", "3235550201", "3235550180", "3235550486"
SOURCES = [ANSWERS_1_S, ECHO, int(ANSWERS_1_S)]
NUMBERS = [*SOURCES, RINGS, BUSY, "210", "0003*210", "0003*300"]
USERS = ["@me", "12", "@owner"]
PHONES, QUEUE, CONFERENCE, CALLBACK = ["210", "0003*211"], "0003*300", "0003*500", "0003*600"
EXTENSIONS = [*PHONES, "@self", QUEUE, "0004*210"]
ROOMS = ["1235"]  # which needs no PIN
SECONDS = [1, 2]

_PAYERS = {
    "CreateSimple": PHONES,
    "CreateCallback": [CALLBACK],
    "CreateConferenceInvite": [CONFERENCE],
}
_VALUES: dict[str, dict[str, Any]] = {
    "waitForPickup": {"enum": SECONDS},
    "callDuration": {"enum": SECONDS},
    "agent": {"enum": PHONES},
}
_EXTENSION_IN = {"/queue/": QUEUE, "/conference/": CONFERENCE}
_INVITE = "/uapi/phoneCalls/{userId}/conferenceInvite"


def narrowed(document: dict[str, Any], nobody_at: str) -> dict[str, Any]:
    """A copy. `nobody_at`: a URL on loopback where nobody listens; events are sent there."""
    made = copy.deepcopy(document)
    schemas, parameters = made["components"]["schemas"], made["components"]["parameters"]
    schemas["Number"] = {"enum": NUMBERS}
    for name, payers in _PAYERS.items():
        if name in schemas:
            schemas[name]["properties"]["extension"] = {"enum": payers}
    for name in (*_PAYERS, "NewPhoneCallEvent", "PhoneCallEventChange"):
        properties = schemas.get(name, {}).get("properties", {})
        for url in {"url", "statusUrl"} & properties.keys():
            nothing = [None] if "null" in properties[url].get("type", "") else []
            properties[url] = {"enum": [nobody_at, *nothing]}
    parameters["userId"]["schema"] = {"enum": USERS}
    for name in ("extension", "oneExtension"):
        parameters[name]["schema"] = {"enum": EXTENSIONS}
    for parameter in parameters.values():
        parameter["schema"] = _VALUES.get(parameter["name"], parameter["schema"])
    for path, item in made["paths"].items():
        _narrow_path(path, item)
        for operation in (x for x in item.values() if isinstance(x, dict)):
            _narrow_operation(operation, nobody_at)
    [number] = [
        x for x in made["paths"][_INVITE]["post"]["parameters"] if x.get("name") == "number"
    ]
    number["schema"] = {"enum": ROOMS}
    return made


def _ref(value: dict[str, Any]) -> str:
    return str(value.get("$ref", ""))


def _narrow_path(path: str, item: dict[str, Any]) -> None:
    """Queues and conferences are asked for where the path is theirs."""
    for part, number in _EXTENSION_IN.items():
        if part in path:
            own = {
                "name": "extension",
                "in": "path",
                "required": True,
                "schema": {"enum": [number]},
            }
            item["parameters"] = [
                own if _ref(x).lower().endswith("extension") else x for x in item["parameters"]
            ]
    for parameter in _named(item):
        parameter["schema"] = _VALUES.get(parameter["name"], parameter["schema"])


def _narrow_operation(operation: dict[str, Any], nobody_at: str) -> None:
    for parameter in _named(operation):
        parameter["schema"] = _VALUES.get(parameter["name"], parameter["schema"])
    # Keys are nearly all the same word, and then only bring back earlier answers.
    left_out = [] if "callback" in operation["operationId"].lower() else ["/Idempotency-Key"]
    body = operation.get("requestBody")
    if body is not None:  # most words are no fields, and would refuse what the body asks for
        left_out.append("/fields")
        for content in body["content"].values():
            _make_harmless(content.get("example", {}), nobody_at)
    operation["parameters"] = [
        x for x in operation.get("parameters", []) if not _ref(x).endswith(tuple(left_out))
    ]


def _named(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (x for x in holder.get("parameters", []) if "name" in x)


def _make_harmless(example: dict[str, Any], nobody_at: str) -> None:
    if "phoneCallView" in example:
        numbers = {"source": [ANSWERS_1_S], "destination": [ECHO]}
        [view] = example["phoneCallView"]
        view.update({k: v for k, v in numbers.items() if k in view})
    for url in {"url", "statusUrl"} & example.keys():
        example[url] = nobody_at
