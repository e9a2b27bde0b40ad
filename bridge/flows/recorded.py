"""Writes a flow that does again what happened in a call, from the timeline of the call.

A timeline tells no digits, and nothing of the second call of an attended transfer. Comments in the
flow say so. Pauses of a second and more are kept.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from bridge.flows.steps import OUTCOMES, WITHIN_S

Entry: TypeAlias = Mapping[str, Any]
Step: TypeAlias = dict[str, Any]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z|[0-9]{1,4}(\.[0-9]+)?\Z|[0-9]+\*[0-9]+\Z")
_PHONE = re.compile(r"(?:[0-9]+\*)?[0-9]{2,6}\Z")
_PAUSE_MS, _PAUSE_MAX_S = 1000, 60.0
_ANSWERED_ELSEWHERE = 26
_REFUSED = (17, 21)
_SANDBOX = "00"


def flow_of_timeline(timeline: Mapping[str, Any], prefix: str = "", payer: str = "") -> str:
    """YAML. `prefix`: of the organization, for short numbers of extensions; left out, they stay
    short, and phones cannot register with them. `payer`: the extension that the call is charged
    to, if none of its sources has a phone."""
    return _Recording(timeline, prefix, payer).text()


class _Recording:
    def __init__(self, timeline: Mapping[str, Any], prefix: str, payer: str) -> None:
        self._payer = payer
        self._entries: Sequence[Entry] = timeline.get("entry", ())
        self._id = str(timeline.get("id", ""))
        self._prefix = prefix
        self._answered: set[str] = set()
        self._ending = False
        self._lines: list[str] = []

    def text(self) -> str:
        """The whole file."""
        self._steps()
        phones = [f"  {self._name(x)}: {self._extension(x)}" for x in self._phones()]
        head = [f"flow: Call {re.sub('[^A-Za-z0-9]', '', self._id)}"]
        if phones:
            head += ["phones:", *phones]
        return "\n".join([*head, "steps:", *self._lines]) + "\n"

    def _phones(self) -> list[str]:
        """The extensions that rang or dialled, in order. A queue answers, but does not ring."""
        numbers = [
            str(x.get("number", ""))
            for x in self._entries
            if x["type"] == "ringing" or x.get("direction") == "in"
        ]
        return list(dict.fromkeys(x for x in numbers if _PHONE.match(x)))

    def _steps(self) -> None:
        before_ms = int(self._entries[0]["ms"]) if self._entries else 0
        for place, entry in enumerate(self._entries):
            at_ms = int(entry["ms"])
            for step in self._of(entry, place):
                self._write(step, at_ms - before_ms)
                before_ms = at_ms

    def _of(self, entry: Entry, place: int) -> Iterator[Step | str]:
        kind, number = str(entry["type"]), str(entry.get("number", ""))
        if kind == "accepted":
            yield from self._create()
        elif kind == "dial" and entry.get("direction") == "in" and place == 0:
            yield from self._dialled(number)
        elif kind == "hangup":
            yield from self._hangup(entry, number)
        elif number in self._phones() and kind != "digitsSent":
            yield from self._of_phone(entry, kind, number)
        else:
            yield from self._of_call(entry, kind)

    def _of_call(self, entry: Entry, kind: str) -> Iterator[Step | str]:
        if kind == "connected":
            yield {"who": "app", "expects": "talking"}
        elif kind == "recordingStarted":
            yield {"who": "app", "expects": "entry", "type": kind}
        elif kind == "digitsSent":
            yield f"# {entry.get('count')} digits were sent; the timeline does not tell them"
        elif kind == "hangupAsked" and entry.get("by") == "api":
            self._ending = True
            yield {"who": "app", "does": "hang_up"}
        elif kind == "joined":
            other = re.sub(r"[^A-Za-z0-9]", "", str(entry.get("phoneCallId")))
            yield f"# it goes on as call {other}"
        elif kind == "ended" and self._place_of("joined") == len(self._entries):
            yield self._ended(entry)

    def _of_phone(self, entry: Entry, kind: str, number: str) -> Iterator[Step | str]:
        who = self._name(number)
        if kind == "ringing":
            yield {"who": who, "expects": "ringing"}
        elif kind == "answered" and number not in self._answered:
            self._answered.add(number)
            yield {"who": who, "does": "answer"}
        elif kind in ("hold", "unhold"):
            yield {"who": who, "does": "hold" if kind == "hold" else "resume"}
        elif kind == "transfer" and not entry.get("attended"):
            yield {"who": who, "does": "transfer", "to": self._party(str(entry.get("target")))}
        elif kind == "transfer":
            yield "# before this, its second call: the timeline does not tell of it"
            yield {"who": who, "does": "attended_transfer"}

    def _create(self) -> Iterator[Step]:
        """The parties that are dialled before the first answer are the sources."""
        numbers = self._dialled_before(0, "answered")
        first = self._place_of("answered")
        services = [
            str(x.get("number"))
            for x in self._entries
            if x["type"] == "answered" and str(x.get("number")) not in self._all_dialled()
        ]
        found = services[:1] or self._dialled_before(first, "transfer")
        step: Step = {
            "who": "app",
            "does": "create",
            "source": [self._party(x) for x in numbers or [_SANDBOX]],
            "destination": [self._party(x) for x in found or [_SANDBOX]],
        }
        if self._payer and not any(x in self._phones() for x in numbers):
            step["extension"] = self._extension(self._payer)
        if self._place_of("recordingStarted") < len(self._entries):
            step["recording"] = "yes"
        yield step

    def _place_of(self, kind: str) -> int:
        places = [n for n, x in enumerate(self._entries) if x["type"] == kind]
        return places[0] if places else len(self._entries)

    def _all_dialled(self) -> list[str]:
        return [str(x.get("number")) for x in self._entries if x["type"] == "dial"]

    def _dialled_before(self, begin: int, kind: str) -> list[str]:
        end = self._place_of(kind)
        dials = [x for x in self._entries[begin:end] if x["type"] == "dial"]
        return list(dict.fromkeys(str(x.get("number")) for x in dials))

    def _dialled(self, number: str) -> Iterator[Step]:
        out = [x for x in self._entries if x["type"] == "dial" and x.get("direction") == "out"]
        called = str(out[0].get("number")) if out else _SANDBOX
        if number in self._phones():
            self._answered.add(number)  # its own call: nobody picks it up
            yield {"who": self._name(number), "does": "dial", "number": self._party(called)}
            yield {"who": "app", "does": "find", "extension": self._name(number)}

    def _hangup(self, entry: Entry, number: str) -> Iterator[Step]:
        """The party that ended the call hangs up, at the moment when the first one is gone."""
        who = self._who_hung_up()
        goes_on = number in self._left() or entry.get("hangupCause") == _ANSWERED_ELSEWHERE
        if who is not None and not self._ending and not goes_on:
            self._ending = True
            yield {"who": self._name(who), "does": "hang_up"}
        if number in self._phones() and number != who:
            yield {"who": self._name(number), "expects": "no_call"}

    def _who_hung_up(self) -> str | None:
        if any(x["type"] == "hangupAsked" for x in self._entries):
            return None
        hangups = [x for x in self._entries if x["type"] == "hangup"]
        answered = {x.get("number") for x in self._entries if x["type"] in ("answered", "transfer")}
        refused = [
            str(x.get("number"))
            for x in hangups
            if x.get("hangupCause") in _REFUSED and x.get("number") not in answered
        ]
        left = self._left()
        ended = [x for x in self._entries if x["type"] == "ended"]
        by_source = bool(ended) and ended[-1].get("by") == "source"
        sources = self._dialled_before(0, "answered") if not left else []
        stayed = [
            str(x.get("number"))
            for x in hangups
            if x.get("hangupCause") != _ANSWERED_ELSEWHERE and x.get("number") not in left
        ]
        of_side = [x for x in stayed if (x in sources) is by_source] if sources else stayed
        return next((x for x in (refused or of_side) if x in self._phones()), None)

    def _left(self) -> set[str]:
        """The parties that handed the call over."""
        return {str(x.get("number")) for x in self._entries if x["type"] == "transfer"}

    def _ended(self, entry: Entry) -> Step:
        number = entry.get("disposition")
        step: Step = {"who": "app", "expects": "ended"}
        if isinstance(number, int) and 0 <= number < len(OUTCOMES):
            step["outcome"] = OUTCOMES[number]
        if isinstance(entry.get("by"), str):
            step["by"] = entry["by"]
        return step

    def _write(self, step: Step | str, after_ms: int) -> None:
        if isinstance(step, str):
            self._lines.append(f"  {step}")
            return
        if "does" in step and after_ms >= _PAUSE_MS:
            pause = {"who": step["who"], "does": "wait", "for_s": _rounded_s(after_ms)}
            self._lines.append(_line(pause))
        if "expects" in step and after_ms * 2 > WITHIN_S * 1000:
            step = {**step, "within_s": min(300, math.ceil(after_ms * 2 / 1000))}
        self._lines.append(_line(step))

    def _party(self, number: str) -> str:
        return self._name(number) if number in self._phones() else number

    def _extension(self, number: str) -> str:
        return number if "*" in number or not self._prefix else f"{self._prefix}*{number}"

    @staticmethod
    def _name(number: str) -> str:
        return f"phone_{number.replace('*', '_')}"


def _rounded_s(after_ms: int) -> float:
    return min(_PAUSE_MAX_S, round(after_ms / 1000, 1))


def _line(step: Step) -> str:
    return "  - {" + ", ".join(f"{k}: {_value(v)}" for k, v in step.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, list):
        shown = [_value(x) for x in value]
        return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
    text = str(value)
    return text if _PLAIN.match(text) else json.dumps(text)
