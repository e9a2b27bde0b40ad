"""Writes the report of a failure: text for the terminal, and files beside each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.ladder import ladder_text
from bridge.testing.journal import Observation
from bridge.testing.pcap_file import Packet
from bridge.testing.report.causes import causes
from bridge.testing.report.html import report_page
from bridge.testing.report.of_journal import ladder_of_journal
from bridge.testing.report.pcap import Address, pcap_of

_NAME_MAX = 120


@dataclass(frozen=True, slots=True)
class Report:
    """`text`: causes and ladder. `html`: needs no other file. `pcap`: the SIP of the call."""

    text: str
    html: Path
    pcap: Path


def write_report(
    observations: Sequence[Observation],
    folder: Path,
    name: str,
    *,
    width: int = 140,
    captured: Sequence[Packet] = (),
    addresses: Mapping[str, Address] | None = None,
) -> Report:
    """`name` becomes that of the files, as far as a file may have it. `width` of the text in
    columns. `captured`: the packets of that time; left out, they are made of the SIP messages, with
    `addresses` as `pcap_of` takes them. Raises OSError."""
    found, ladder = causes(observations), ladder_of_journal(observations)
    pcap = pcap_of(observations, addresses, captured)
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-_NAME_MAX:] or "report"
    html, capture_file = folder / f"{stem}.html", folder / f"{stem}.pcap"
    html.write_text(report_page(name, found, ladder, pcap), encoding="utf-8", errors="replace")
    capture_file.write_bytes(pcap)
    text = "\n".join([*(f"- {x}" for x in found), "", ladder_text(ladder, width)])
    return Report(text, html, capture_file)
