"""The report of a failed test in pytest: its text, and links to its files. The plugin registers
this module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge.testing.options import KitOptions

if TYPE_CHECKING:
    from bridge.testing.journal import Journal

SECTION = "uapi report"


def pytest_uapi_failed(item: pytest.Item, report: pytest.TestReport, journal: Journal) -> None:
    """Causes and ladder become a section of the report. The paths of the files are in it, in its
    user_properties (`uapi_report`, `uapi_pcap`), and in `extras`, which pytest-html shows."""
    from bridge.testing.journal import now_ms
    from bridge.testing.report.writing import write_report

    folder = KitOptions.of(item.config).report_dir
    try:
        captured = journal.captured(journal.began_ms, now_ms())
        written = write_report(journal.observations(), folder, item.nodeid, captured=captured)
    except OSError as why:
        report.sections.append((SECTION, f"no report: {why}"))
        return
    files = f"{written.html}\n{written.pcap}"
    report.sections.append((SECTION, f"{written.text}\n\n{files}"))
    properties = [("uapi_report", str(written.html)), ("uapi_pcap", str(written.pcap))]
    report.user_properties += properties
    item.user_properties += properties  # those that JUnit's XML has
    extras: list[Any] = [*getattr(report, "extras", [])]
    extras += [_link("call", written.html), _link("SIP", written.pcap)]
    report.extras = extras  # type: ignore[attr-defined]


def _link(name: str, file: Path) -> dict[str, str | None]:
    """As pytest-html takes it."""
    return {
        "name": name,
        "format_type": "url",
        "content": file.as_uri(),
        "mime_type": None,
        "extension": None,
    }
