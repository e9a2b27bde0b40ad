"""The ladder of a journal: phones, app, service and PBX as lanes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bridge.ladder import Ladder, LadderEntry, LadderKind
from bridge.testing.journal import Observation, Source
from bridge.testing.report.transfers import outcome_told

SERVICE, PBX, TEST = "service", "PBX", "test"
_KINDS = {
    Source.SIP: LadderKind.SIP,
    Source.API: LadderKind.REQUEST,
    Source.PBX: LadderKind.PBX_EVENT,
    Source.WEBHOOK: LadderKind.WEBHOOK,
    Source.SERVICE: LadderKind.LOG,
    Source.TEST: LadderKind.CALL,
}
_STATUS = re.compile(r"(?:SIP/2\.0 )?(\d{3})\b")
_CHALLENGES = (401, 407)
_CANCELLED = 487
# They tell of no call, unless they fail.
_UPKEEP = ("REGISTER", "OPTIONS", "SUBSCRIBE", "PUBLISH")
# The lamp of a mailbox: Asterisk sends it unasked, and phones that want none answer 481.
_LAMP = re.compile(r"^(?:Event|o):\s*message-summary\b", re.MULTILINE | re.IGNORECASE)
_NOT_SUBSCRIBED = 481


def ladder_of_journal(observations: Iterable[Observation]) -> Ladder:
    """Registrations are left out, as far as they went well."""
    entries = [_entry(x) for x in shown(observations)]
    apps = [x.sender for x in entries if x.kind is LadderKind.REQUEST and x.sender != SERVICE]
    return Ladder.of(entries, (TEST, *apps, SERVICE, PBX))


def shown(observations: Iterable[Observation]) -> Iterator[Observation]:
    """Those that a reader of the report wants."""
    for one in observations:
        if one.source is not Source.SIP or has_failed(one) or not _is_upkeep(one):
            yield one


def status_of(one: Observation) -> int | None:
    """Of an answer in SIP or of the API."""
    found = _STATUS.match(one.text)
    return int(found[1]) if found and one.source in (Source.SIP, Source.API) else None


def has_failed(one: Observation) -> bool:
    """Whether it tells of a failure."""
    status = status_of(one)
    if one.source is Source.SIP:
        if outcome_told(one)[:1] in ("4", "5", "6"):
            return True
        harmless = (*_CHALLENGES, _CANCELLED, *((_NOT_SUBSCRIBED,) if _of_notify(one) else ()))
        return status is not None and status >= 400 and status not in harmless
    if one.source is Source.API:
        return status is not None and status >= 400
    if one.source is Source.PBX:
        return one.kind == "OriginateResponse" and "Failure" in one.text + one.detail
    if one.source is Source.WEBHOOK:
        return one.kind != "received"
    if one.source is Source.SERVICE:
        return one.kind in ("warning", "error", "critical")
    return one.kind == "failed"


def _is_upkeep(one: Observation) -> bool:
    if _of_notify(one):
        return _LAMP.search(one.detail) is not None or status_of(one) == _NOT_SUBSCRIBED
    return _method(one) in _UPKEEP


def _of_notify(one: Observation) -> bool:
    return _method(one) == "NOTIFY"


def _method(one: Observation) -> str:
    """Of a request, or of the request that an answer belongs to."""
    cseq = re.search(r"^CSeq:\s*\d+\s+(\w+)", one.detail, re.MULTILINE | re.IGNORECASE)
    return one.text.partition(" ")[0] if cseq is None else cseq[1].upper()


def _entry(one: Observation) -> LadderEntry:
    lane, other = _lanes(one)
    sender, receiver = (lane, other) if one.outgoing else (other, lane)
    return LadderEntry(
        round(one.at_ms),
        sender,
        receiver,
        _label(one),
        one.detail,
        _KINDS[one.source],
        has_failed(one),
    )


def _lanes(one: Observation) -> tuple[str, str]:
    if one.source is Source.SIP:
        return one.who, PBX
    if one.source is Source.API:
        return one.who, SERVICE
    if one.source is Source.WEBHOOK:
        return SERVICE, f"webhooks of {one.who}"
    own = {Source.PBX: PBX, Source.SERVICE: SERVICE, Source.TEST: TEST}[one.source]
    return own, own


def _label(one: Observation) -> str:
    if one.source is Source.SIP:
        label = re.sub(r"^SIP/2\.0 | sip:\S+ SIP/2\.0$| SIP/2\.0$", "", one.text)
        return f"{label} {outcome_told(one)}".strip()
    if one.source is Source.PBX:
        return f"{one.kind} {one.text}".strip()
    if one.source is Source.TEST and one.kind == "failed":
        return f"FAILED: {one.text}"
    return one.text
