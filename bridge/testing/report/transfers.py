"""The transfers of a journal that failed, and why: the record of the call does not tell it.

The phone that transfers learns it by the answer to its REFER, or by a NOTIFY afterwards. Of a
number that does not exist, the PBX tells by the hangup cause alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bridge.testing.journal import Observation, Source

_SIPFRAG = re.compile(r"\n\nSIP/2\.0 (\d{3}.*)")
_REFER_TO = re.compile(r"^(?:Refer-To|r):.*?sips?:([^@;>\s]+)", re.MULTILINE | re.IGNORECASE)
_CSEQ_REFER = re.compile(r"^CSeq:\s*\d+\s+REFER\b", re.MULTILINE | re.IGNORECASE)
_CHALLENGES = ("401", "407")
_NO_SUCH_NUMBER = ("1", "3")  # of Q.850: unallocated number, no route to destination


def outcome_told(one: Observation) -> str:
    """Status and phrase of the transfer that a NOTIFY to a phone tells of; empty for others."""
    if one.source is not Source.SIP or not one.text.startswith("NOTIFY "):
        return ""
    found = _SIPFRAG.search(one.detail.replace("\r\n", "\n"))
    return "" if found is None else found[1].strip()


def failed_transfers(observations: Sequence[Observation]) -> Iterator[tuple[Observation, str]]:
    """Each with the observation that tells of it, and one sentence."""
    for place, one in enumerate(observations):
        if one.source is Source.SIP and one.outgoing and one.text.startswith("REFER "):
            found = _of_refer(one, observations[place + 1 :])
        elif one.source is Source.PBX and one.kind == "BlindTransfer":
            found = _of_event(one, observations, place)
        elif one.source is Source.PBX and one.kind == "transferUndone":  # of a timeline
            found = one, f"the PBX refused a transfer ({one.text})"
        else:
            continue
        if found is not None:
            yield found


def _of_refer(refer: Observation, later: Sequence[Observation]) -> tuple[Observation, str] | None:
    target = _REFER_TO.search(refer.detail)
    what = f"the transfer of {refer.who} to {target[1] if target else 'an unknown target'}"
    for one in later:
        if one.source is not Source.SIP or (one.who, one.call_id) != (refer.who, refer.call_id):
            continue
        if one.text.startswith("REFER "):  # again, with its password
            return None
        told = outcome_told(one)
        if told.startswith("2"):
            return None
        if told and told[0] in "3456":
            return one, f"{what} failed: {told}{_because(later)}"
        status = one.text.removeprefix("SIP/2.0 ")
        if _CSEQ_REFER.search(one.detail) and status[0] in "3456":
            if status[:3] in _CHALLENGES:
                continue
            return one, f"the PBX refused {what}: {status}"
    ended = _no_such_number(later)
    return None if ended is None else (ended, f"{what} failed{_because(later)}")


def _of_event(
    event: Observation, observations: Sequence[Observation], place: int
) -> tuple[Observation, str] | None:
    """Of a phone whose SIP the journal does not have, or whose REFER tells nothing."""
    channel, target = _header(event, "TransfererChannel"), _header(event, "Extension")
    for one in observations[:place]:
        to = _REFER_TO.search(one.detail) if one.text.startswith("REFER ") else None
        if to is not None and to[1] == target and f"/{one.who}-" in channel:
            return None
    what = f"the transfer of {channel} to {target}"
    result = _header(event, "Result")
    if result != "Success":
        return event, f"the PBX refused {what}: {result}"
    later = observations[place + 1 :]
    ended = _no_such_number(later)
    return None if ended is None else (ended, f"{what} failed{_because(later)}")


def _because(later: Sequence[Observation]) -> str:
    """The reason that the PBX gives, as a part of a sentence."""
    for one in later:
        if one.source is Source.PBX and one.kind == "BlindTransfer":
            result = _header(one, "Result")
            if result != "Success":
                return f" ({result})"
            break
    ended = _no_such_number(later)
    if ended is None:
        return ""
    cause, text = _header(ended, "Cause"), _header(ended, "Cause-txt")
    return f" (the PBX has no such number: hangup cause {cause}, {text})"


def _no_such_number(later: Sequence[Observation]) -> Observation | None:
    """The first end of a channel for that reason, before anybody talks again."""
    for one in later:
        if one.source is not Source.PBX:
            continue
        if one.kind == "BridgeEnter":
            return None
        if one.kind == "Hangup" and _header(one, "Cause") in _NO_SUCH_NUMBER:
            return one
    return None


def _header(event: Observation, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", event.detail, re.MULTILINE)
    return "" if found is None else found[1].strip()
