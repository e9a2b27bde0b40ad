"""The ladder of a call from its timeline, in the form in which the API answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from bridge.ladder.entry import Ladder, LadderEntry, LadderKind

Raw: TypeAlias = Mapping[str, Any]

APP, SERVICE, PBX = "app", "service", "PBX"
_ANSWERED_ELSEWHERE = 26
_OF_A_PARTY = {
    "ringing": "ringing",
    "answered": "answered",
    "hold": "holds",
    "unhold": "resumes",
    "parked": "parked",
    "parkingEnded": "no longer parked",
}
_NOTES = {
    "connected": "connected",
    "taken": "taken",
    "transferUndone": "transfer refused",
    "pickedUp": "picked up",
    "joined": "joined",
    "listening": "listening",
    "listeningEnded": "listening ended",
    "recordingStarted": "recording starts",
    "recordingStopped": "recording stops",
    "resumed": "service started again",
}
_DISPOSITIONS = ("answered", "busy", "failed", "no answer", "unknown", "not allowed")


def ladder_of_timeline(timeline: Mapping[str, Any]) -> Ladder:
    """`timeline`: as docs/timeline.md has it. Types that this version does not know are notes."""
    return Ladder.of(_entries(timeline), (APP, SERVICE, PBX))


def _entries(timeline: Mapping[str, Any]) -> Iterator[LadderEntry]:
    ending, answered, dialling = False, set[str](), set[str]()
    for raw in timeline.get("entry", ()):
        kind = str(raw.get("type", ""))
        if kind == "hangup":
            yield _hangup(raw, ending=ending, answered=_party(raw) in answered)
        elif kind == "answered" and _party(raw) in dialling:
            yield _arrow(raw, PBX, _party(raw), "answered")
        elif kind in _OF_A_PARTY:
            yield _arrow(raw, _party(raw), PBX, _OF_A_PARTY[kind])
        else:
            yield _MADE_BY[kind](raw) if kind in _MADE_BY else _note(raw, _NOTES.get(kind, kind))
        ending = ending or kind in ("hangup", "hangupAsked")
        if kind == "answered":
            answered.add(_party(raw))
        elif kind == "dial" and raw.get("direction") == "in":
            dialling.add(_party(raw))


def _arrow(
    raw: Raw, sender: str, receiver: str, label: str, told_in_label: str = ""
) -> LadderEntry:
    told = _told(raw, told_in_label)
    return LadderEntry(int(raw["ms"]), sender, receiver, label, told)


def _note(raw: Raw, label: str) -> LadderEntry:
    return _arrow(raw, PBX, PBX, label)


def _party(raw: Raw) -> str:
    return str(raw.get("number", PBX))


def _accepted(raw: Raw) -> LadderEntry:
    return replace(_arrow(raw, APP, SERVICE, "create"), kind=LadderKind.REQUEST)


def _hangup_asked(raw: Raw) -> LadderEntry:
    if raw.get("by") == "api":
        return replace(_arrow(raw, APP, SERVICE, "hang up", "by"), kind=LadderKind.REQUEST)
    return _arrow(raw, SERVICE, SERVICE, f"hang up: {raw.get('by')}", "by")


def _dial(raw: Raw) -> LadderEntry:
    sender, receiver = (_party(raw), PBX) if raw.get("direction") == "in" else (PBX, _party(raw))
    source = raw.get("forwardedFrom")
    label = "dial" if source is None else f"dial, forwarded from {source}"
    return _arrow(raw, sender, receiver, label, "direction forwardedFrom")


def _digits_sent(raw: Raw) -> LadderEntry:
    return _arrow(raw, PBX, _party(raw), f"{raw.get('count')} digits", "count")


def _transfer(raw: Raw) -> LadderEntry:
    return _arrow(raw, _party(raw), PBX, f"transfer to {raw.get('target', 'a call')}", "target")


def _hangup(raw: Raw, *, ending: bool, answered: bool) -> LadderEntry:
    """A party that refuses tells the PBX, and so does the first one that hangs up. The code of a
    party that had answered is that of another one, which the PBX passed on."""
    code, cause = raw.get("sipCode"), raw.get("hangupCause")
    refused = isinstance(code, int) and code >= 300 and not answered
    passed_on = answered and isinstance(code, int) and code >= 300
    label = f"hang-up {code}" if refused or passed_on else "hang-up"
    if cause is not None:
        label += f" (cause {cause})"
    by_pbx = (ending and not refused) or passed_on or cause == _ANSWERED_ELSEWHERE
    sender, receiver = (PBX, _party(raw)) if by_pbx else (_party(raw), PBX)
    return replace(_arrow(raw, sender, receiver, label, "sipCode hangupCause"), failed=refused)


def _webhook(raw: Raw) -> LadderEntry:
    status = raw.get("status")
    label = f"{raw.get('callStatus', 'event')}: {raw.get('status', raw.get('error', 'no answer'))}"
    host = str(raw.get("host", "receiver"))
    arrow = _arrow(raw, SERVICE, host, label, "callStatus status host error")
    failed = not (isinstance(status, int) and 200 <= status < 300)
    return replace(arrow, kind=LadderKind.WEBHOOK, failed=failed)


def _ended(raw: Raw) -> LadderEntry:
    number = raw.get("disposition")
    known = isinstance(number, int) and 0 <= number < len(_DISPOSITIONS)
    outcome = _DISPOSITIONS[number] if known and isinstance(number, int) else "unknown"
    label = f"ended: {outcome}, by {raw.get('by')}, {raw.get('reason')}"
    arrow = _arrow(raw, PBX, PBX, label, "disposition by reason")
    return replace(arrow, failed=outcome != "answered")


def _told(raw: Raw, in_label: str) -> str:
    """The other facts; those that the arrow or its label has are not repeated."""
    known = {"type", "ms", "number", "view", *in_label.split()}
    return ", ".join(f"{k}: {v}" for k, v in raw.items() if k not in known)


_MADE_BY: Mapping[str, Callable[[Raw], LadderEntry]] = {
    "accepted": _accepted,
    "hangupAsked": _hangup_asked,
    "dial": _dial,
    "digitsSent": _digits_sent,
    "transfer": _transfer,
    "webhook": _webhook,
    "ended": _ended,
}
