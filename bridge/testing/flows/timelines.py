"""The timelines of the calls of a journal. They have what the PBX told a service of others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bridge.client import ApiError, NotReached, Timeline, UapiClient
from bridge.testing.journal import Journal, Observation, Source

_NOT_TOLD = ("type", "ms", "view", "channel", "sipCallId", "subscriptionId")
_OF_URI = re.compile(r"/phoneCalls/[^/\s]+/[^/\s]+/([A-Za-z0-9]{8,})")
_OF_ANSWER = re.compile(r'"id": "([A-Za-z0-9]{8,})"')


async def note_timelines(api: UapiClient, journal: Journal) -> None:
    """Add the entries of each call that a request was about. A refusal leaves its call out."""
    for call_id in call_ids(journal.observations()):
        try:
            timeline = await api.timeline(call_id)
        except (ApiError, NotReached):
            continue  # the report goes without it
        for entry in _observed(call_id, timeline):
            journal.note(entry)


def call_ids(observations: Sequence[Observation]) -> list[str]:
    """Of the URIs of requests, and of the answers to creates."""
    found: dict[str, None] = {}
    for one in observations:
        if one.source is Source.API:
            created = _OF_ANSWER.findall(one.detail) if _is_create(one) else []
            found |= dict.fromkeys([*_OF_URI.findall(one.text), *created])
    return list(found)


def _is_create(one: Observation) -> bool:
    return one.kind == "answer" and "POST " in one.text and "/simple" in one.text


def _observed(call_id: str, timeline: Timeline) -> Iterator[Observation]:
    for entry in timeline.entries:
        facts = (f"{k}: {v}" for k, v in entry.raw.items() if k not in _NOT_TOLD)
        text = ", ".join(facts)
        detail = "\n".join(f"{k}: {v}" for k, v in entry.raw.items())
        if entry.type == "webhook":
            status = entry.raw.get("status")
            went_well = isinstance(status, int) and 200 <= status < 300
            kind, who = "received" if went_well else "refused", str(entry.raw.get("host"))
            yield Observation(
                entry.ms, Source.WEBHOOK, who, kind, text, detail, call_id, "service", False
            )
        else:
            yield Observation(
                entry.ms, Source.PBX, "pbx", entry.type, text, detail, call_id, "service"
            )
