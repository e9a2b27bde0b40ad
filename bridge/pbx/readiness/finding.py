"""Whether a PBX has all that the service needs: every point, and how to mend what is not there.

The check leaves the PBX unchanged. It places a call between Local channels, makes and removes an
AOR, and deletes a recording that does not exist.

To look at more: of AMI, a function that takes an AmiLook and returns findings, named in
bridge/command/check_pbx.py; of ARI, a method of AriReadiness.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

OLDEST_VERSION = (16, 28)
NEWEST_MAJOR = 23
"""Measured on 16.28 and 22.10; versions between them use one of the two forms."""


class Verdict(StrEnum):
    """The result of one point of the check."""

    OK = "ok"
    LACKING = "LACKING"
    """Calls, or what the settings ask for, do not work without it."""
    ADVICE = "advice"
    """Works, but not all of it."""
    NOTE = "note"
    """Could not be found out, and most likely is as it should be."""
    UNKNOWN = "unknown"
    """Could not be found out, because something before it is lacking."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One point that was looked at."""

    point: str
    verdict: Verdict
    remedy: str = ""
    """The remedy; empty if there is nothing to do."""


def ok(point: str) -> Finding:
    """The PBX has what the point names."""
    return Finding(point, Verdict.OK)


def lacking(point: str, remedy: str) -> Finding:
    """The PBX lacks what the point names, and the service needs it."""
    return Finding(point, Verdict.LACKING, remedy)


def advice(point: str, remedy: str) -> Finding:
    """The service works without it; `remedy` makes it better."""
    return Finding(point, Verdict.ADVICE, remedy)


def note(point: str, what: str) -> Finding:
    """The point could not be looked at, and the check goes on; `what` to look at by hand."""
    return Finding(point, Verdict.NOTE, what)


def unknown(point: str, why: str) -> Finding:
    """The point could not be looked at; `why` says the reason."""
    return Finding(point, Verdict.UNKNOWN, why)


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
    """Whether no needed point is lacking or unknown."""
    return all(x.verdict in (Verdict.OK, Verdict.ADVICE, Verdict.NOTE) for x in findings)


def report(findings: Sequence[Finding]) -> str:
    """One line for each point, the remedy below it."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:<8} {finding.point}")
        if finding.remedy:
            lines.append(f"{'':<8}   {finding.remedy}")
    return "\n".join(lines)
