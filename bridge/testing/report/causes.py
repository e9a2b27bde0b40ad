"""The causes that a journal shows for a failure, most telling first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from bridge.testing.journal import Observation, Source
from bridge.testing.report.of_journal import has_failed, status_of
from bridge.testing.report.transfers import failed_transfers, outcome_told

_CAUSES_MAX = 12


def causes(observations: Sequence[Observation]) -> list[str]:
    """One sentence each, with the moment in ms after the first observation; at most 12.

    First the step that failed, then refusals and failed transfers by their moments, then the
    phones that still ring or got no call. The failed step ends the test, so later observations are
    left out.
    """
    began_ms = observations[0].at_ms if observations else 0.0
    observations = _until_it_failed(observations)
    of_transfers = dict(failed_transfers(observations))
    told = [x for x in observations if x in of_transfers or has_failed(x)]
    found = [f"{_at(x, began_ms)}: {of_transfers.get(x) or _said(x)}" for x in told]
    steps = [x for x in observations if x.source is Source.TEST and x.kind == "failed"]
    first = [f"{_at(x, began_ms)}: {_said(x)}" for x in steps]
    rest = [x for x in dict.fromkeys(found) if x not in first]
    phones = [*_not_answered(observations, began_ms), *_not_called(observations)]
    return (first + rest + phones)[:_CAUSES_MAX]


def _until_it_failed(observations: Sequence[Observation]) -> Sequence[Observation]:
    steps = [i for i, x in enumerate(observations) if x.source is Source.TEST]
    failed = [i for i in steps if has_failed(observations[i])]
    return observations[: failed[-1] + 1] if failed else observations


def _at(one: Observation, began_ms: float) -> str:
    return f"{one.at_ms - began_ms:.0f} ms"


def _said(one: Observation) -> str:
    if one.source is Source.SIP:
        who = one.who if one.outgoing else "the PBX"
        to = "the PBX" if one.outgoing else one.who
        if outcome_told(one):
            return f"{who} told {to} of a transfer: {outcome_told(one)}"
        return f"{who} answered {to}: {one.text.removeprefix('SIP/2.0 ')}{_reason(one)}"
    if one.source is Source.API:
        return f"the service refused {one.who}: {one.text}{_error(one)}"
    if one.source is Source.PBX:
        return f"the PBX could not dial: {one.text}"
    if one.source is Source.WEBHOOK:
        return f"the webhook of {one.who} was refused: {one.text}"
    if one.source is Source.SERVICE:
        return f"the log of the service: {one.text}{_facts(one)}"
    seen = one.detail.partition("\n")[0]  # of a phone, its whole log follows
    return f"{one.text}: {seen}" if seen else one.text


def _reason(one: Observation) -> str:
    found = re.search(r"^Reason:\s*(.+)$", one.detail, re.MULTILINE | re.IGNORECASE)
    return "" if found is None else f" ({found[1].strip()})"


def _error(one: Observation) -> str:
    """Code and message of an error of the API."""
    try:
        error = json.loads(one.detail)["error"]
        return f": {error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return f": {one.detail[:200]}" if one.detail else ""


def _facts(one: Observation) -> str:
    try:
        line = json.loads(one.detail)
        known = ("event", "level", "timestamp")
        facts = ", ".join(f"{k}={v}" for k, v in line.items() if k not in known)
    except (ValueError, AttributeError):
        return ""
    return f" ({facts[:300]})" if facts else ""


def _not_answered(observations: Sequence[Observation], began_ms: float) -> Iterator[str]:
    """Phones that rang at the end, and neither answered nor were called off."""
    ringing: dict[str, Observation] = {}
    for one in observations:
        if one.source is not Source.SIP:
            continue
        status = status_of(one)
        if status in (180, 183) and one.outgoing:
            ringing.setdefault(one.call_id, one)
        elif (status or 0) >= 200 or one.text.startswith(("CANCEL ", "BYE ")):
            ringing.pop(one.call_id, None)
    for one in ringing.values():
        yield f"{one.who}: it rings from {_at(one, began_ms)} on, and does not answer"


def _not_called(observations: Sequence[Observation]) -> Iterator[str]:
    """Phones that are registered, and that no INVITE has reached or left."""
    phones: dict[str, bool] = {}
    for one in observations:
        if one.source is Source.SIP:
            called = status_of(one) is None and one.text.startswith("INVITE ")
            phones[one.who] = phones.get(one.who, False) or called
    for name, called in phones.items():
        if not called:
            yield f"{name}: no INVITE reached it or left it"
