"""Runs flows against a service, and prints each step and the report of a failure."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bridge.command.flow.target import Target
from bridge.flows.reading import ReadFlow
from bridge.testing.expecting import Seen
from bridge.testing.flows.attached_stage import AttachedStage
from bridge.testing.flows.running import FlowFailed, StepDone, run_flow
from bridge.testing.flows.timelines import note_timelines
from bridge.testing.journal import Journal
from bridge.testing.observed_api import ObservedApi
from bridge.testing.report.writing import write_report

FAILED = 1


async def run_files(flows: Mapping[Path, ReadFlow], target: Target, folder: Path) -> int:
    """The exit code: 0 if all went as they say, else 1."""
    failed = [x for x, read in flows.items() if not await _run_file(x, read, target, folder)]
    print(f"{len(flows)} flow{'' if len(flows) == 1 else 's'}, {len(failed)} failed")
    return FAILED if failed else 0


async def _run_file(file: Path, read: ReadFlow, target: Target, folder: Path) -> bool:
    print(f"{read.flow.flow} ({file})", flush=True)
    journal, who = Journal(), target.account
    client = ObservedApi(
        who.url,
        who.client_id,
        who.client_secret,
        journal=journal,
        heard_by=_nobody_hears,
        user=who.user,
    )
    async with client as api:
        stage = AttachedStage(api, journal, target.sip, target.secret_of)
        try:
            await run_flow(read, stage, _told)
        except FlowFailed as why:
            print(f"  FAILED  {str(why).partition(chr(10))[0]}", flush=True)
            await note_timelines(api, journal)
            _write_report(journal, folder, file)
            return False
    return True


async def _nobody_hears(_: float, __: str | None) -> Seen[float]:
    return Seen(False, "a flow asks its phones", 0.0)


def _told(step: StepDone) -> None:
    print(f"  ok {step.took_ms:>6} ms  {step.words}", flush=True)


def _write_report(journal: Journal, folder: Path, file: Path) -> None:
    width = shutil.get_terminal_size((140, 40)).columns
    name = file.name.removesuffix(".yaml").removesuffix(".flow")
    try:
        report = write_report(journal.observations(), folder, name, width=width)
    except OSError as why:
        print(f"  no report: {why}", file=sys.stderr)
        return
    print("\n".join(f"  {x}" for x in report.text.splitlines()))
    print(f"  report: {report.html}\n  SIP:    {report.pcap}")
