"""Whether a PBX has all that the service needs: every point, and how to mend what is not there.

Nothing on the PBX stays changed. Tried out are: a call between two Local channels that reaches
nobody, and an AOR that is made and removed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

OLDEST_VERSION = (16, 28)
NEWEST_MAJOR = 23
"""Measured on 16.28 and 22.10; those in between have both forms of what differs."""


class Outcome(StrEnum):
    OK = "ok"
    LACKING = "LACKING"
    """Calls, or what the settings ask for, do not work without it."""
    ADVICE = "advice"
    """Works, but not all of it."""
    UNKNOWN = "unknown"
    """Could not be found out, because something before it is lacking."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One point that was looked at."""

    point: str
    outcome: Outcome
    remedy: str = ""
    """What to do; empty if there is nothing to do."""


def ok(point: str) -> Finding:
    return Finding(point, Outcome.OK)


def lacking(point: str, remedy: str) -> Finding:
    return Finding(point, Outcome.LACKING, remedy)


def advice(point: str, remedy: str) -> Finding:
    return Finding(point, Outcome.ADVICE, remedy)


def unknown(point: str, why: str) -> Finding:
    return Finding(point, Outcome.UNKNOWN, why)


def version_finding(text: str) -> Finding:
    """`text` as Asterisk says it, e.g. "22.10.1~dfsg" or "certified/18.9-cert1"."""
    found = re.search(r"(\d+)\.(\d+)", text)
    point = f"Asterisk {text}"
    oldest = ".".join(map(str, OLDEST_VERSION))
    if found is None:
        return advice(
            point, f"its version cannot be read; {oldest} to {NEWEST_MAJOR} are supported"
        )
    version = (int(found[1]), int(found[2]))
    if version < OLDEST_VERSION:
        return lacking(point, f"too old: install {oldest} or newer")
    if version[0] > NEWEST_MAJOR:
        return advice(point, f"newer than any that was tried; up to {NEWEST_MAJOR} are supported")
    return ok(point)


def is_ready(findings: Sequence[Finding]) -> bool:
    """Nothing that is needed is lacking or unknown."""
    return all(x.outcome in (Outcome.OK, Outcome.ADVICE) for x in findings)


def report(findings: Sequence[Finding]) -> str:
    """One line for each point, the remedy below it."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.outcome:<8} {finding.point}")
        if finding.remedy:
            lines.append(f"{'':<8}   {finding.remedy}")
    return "\n".join(lines)
