"""Calls and events in one line, from what the API answers and what receivers get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ORGANIZATION = "0003*"
_SHORT_DIGITS = 3
_FLOWS = {2: "local", 4: "out", 8: "in"}
_DISPOSITIONS = ("answered", "busy", "failed", "no answer", "unknown", "not allowed")
KINDS = ("dial-in", "dial-out", "hang-up", "answer-in", "answer-out")
"""By the number of the type."""


def short(number: str) -> str:
    return number.removeprefix(ORGANIZATION)


def extended(number: str) -> str:
    """Of an extension in short form."""
    return f"{ORGANIZATION}{number}" if len(number) == _SHORT_DIGITS else number


def told_live(call: Mapping[str, Any]) -> str:
    """A party that is in no list, or twice in one, is told so."""
    views = call["phoneCallView"]
    of_extensions: dict[str, list[int]] = {}
    of_others: list[int] = []
    for view in views:
        name = short(view.get("extension", ""))
        (of_extensions.setdefault(name, []) if name else of_others).append(view["status"])

    def party(name: str) -> str:
        statuses = of_extensions.get(short(name)) or ([] if short(name) != name else of_others)
        if short(name) in of_extensions and statuses is of_others:
            statuses = []  # it has a view fewer than mentions
        return f"{short(name)}:{statuses.pop(0)}" if statuses else short(name)

    sources = [party(x) for x in views[0]["source"]]
    destinations = [party(x) for x in views[0]["destination"]]
    left = [f"{name}:{x}" for name, found in of_extensions.items() for x in found]
    left += [f"?:{x}" for x in of_others]
    line = f"{_FLOWS[views[0]['flow']]} {_joined(sources)} > {_joined(destinations)}"
    return line + (f" and also {_joined(left)}" if left else "")


def told_record(call: Mapping[str, Any]) -> str:
    view = call["phoneCallView"][0]
    sources = _joined(short(x) for x in view["source"])
    if call["reason"].startswith("joined"):
        return f"{sources}: joined"
    destinations = _joined(short(x) for x in view["destination"])
    end = f"{_DISPOSITIONS[call['disposition']]}, by {call['endedBy']}"
    return f"{_FLOWS[view['flow']]} {sources} > {destinations}: {end}"


def told_events(events: Iterable[tuple[str, int, Mapping[str, str]]]) -> dict[str, str]:
    """Extension → its events of (extension, type, parameters); a hang-up by its CallStatus."""
    told: dict[str, list[str]] = {}
    for extension, kind, parameters in events:
        word = parameters["CallStatus"] if KINDS[kind] == "hang-up" else KINDS[kind]
        told.setdefault(short(extension), []).append(word)
    return {x: " ".join(in_order(words)) for x, words in told.items()}


def of_extensions(told: dict[str, str]) -> dict[str, str]:
    """`t210=…`: keywords begin with a letter."""
    return {x.removeprefix("t"): " ".join(in_order(y.split())) for x, y in told.items()}


def in_order(words: Iterable[str]) -> list[str]:
    """Subscriptions are served apart from each other: one order for all of them."""
    known = ("dial-out", "dial-in", "answer-out", "answer-in")
    return sorted(words, key=lambda x: (known.index(x) if x in known else len(known), x))


def _joined(parts: Iterable[str]) -> str:
    return " ".join(sorted(parts)) or "-"
