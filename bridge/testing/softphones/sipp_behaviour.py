"""The behaviour of a scripted phone; each is a scenario file with values filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SCENARIOS = Path(__file__).parent / "scenarios"
_PLACEHOLDER = re.compile(r"@@(\w+)@@")

# SIPp must end by itself some day even if a test does not end it.
_LONG_MS = 3_600_000


@dataclass(frozen=True)
class SippBehaviour:
    """How a SIPp phone treats each call."""

    scenario: str
    """File in the folder scenarios, without .xml."""
    values: Mapping[str, str | int] = field(default_factory=dict)

    def xml(self, **more: str | int) -> str:
        """The scenario with its @@placeholders@@ filled.

        Raises KeyError if one has no value, ValueError if a value would break the file.
        """
        values = {**self.values, **more}

        def fill(found: re.Match[str]) -> str:
            value = str(values[found.group(1)])
            free_text = found.group(1) in ("phrase", "contact")
            if not free_text and re.search(r"[\[\]<>&\"'\r\n\s]", value):
                raise ValueError(f"{found.group(1)} cannot be {value!r} in a SIPp scenario")
            return value

        return _PLACEHOLDER.sub(fill, (_SCENARIOS / f"{self.scenario}.xml").read_text())


def answers(*, ring_ms: int = 1, talk_ms: int = _LONG_MS) -> SippBehaviour:
    """180, after ring_ms 200; hangs up talk_ms after that if nobody did before."""
    return SippBehaviour("uas_answer", {"ring_ms": max(ring_ms, 1), "talk_ms": talk_ms})


def early_media(*, ring_ms: int = 1, talk_ms: int = _LONG_MS) -> SippBehaviour:
    """183 with SDP, after ring_ms 200."""
    return SippBehaviour("uas_early_media", {"ring_ms": max(ring_ms, 1), "talk_ms": talk_ms})


def rings() -> SippBehaviour:
    """180 and nothing more until the caller gives up."""
    return SippBehaviour("uas_ring")


def refuses(status: int, phrase: str = "Refused", *, ring_ms: int = 0) -> SippBehaviour:
    """The given 4xx, 5xx or 6xx; after 180 and ring_ms if ring_ms is not 0.

    Raises ValueError for another status.
    """
    if not 400 <= status <= 699:
        raise ValueError(f"a phone refuses with a status from 400 to 699, not with {status}")
    values: dict[str, str | int] = {"status": status, "phrase": phrase, "ring_ms": ring_ms}
    return SippBehaviour("uas_reject" if ring_ms else "uas_reject_at_once", values)


def forwards(contact: str) -> SippBehaviour:
    """302 with that URI, as a phone that forwards its calls."""
    return SippBehaviour("uas_redirect", {"contact": contact})


def refers(
    number: str, *, ring_ms: int = 1, refer_after_ms: int = 500, talk_ms: int = 10_000
) -> SippBehaviour:
    """Answers, refer_after_ms later transfers the other side to `number` (blind REFER).

    If nobody ended the call talk_ms after the last NOTIFY, it hangs up.
    """
    return SippBehaviour(
        "uas_refer",
        {
            "refer_to": number,
            "ring_ms": max(ring_ms, 1),
            "refer_after_ms": refer_after_ms,
            "talk_ms": talk_ms,
        },
    )
