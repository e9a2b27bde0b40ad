"""Carries out `uapi-bridge load`: phones, a bar of progress, the figures and the plot."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from yarl import URL

from bridge.command.flow.target import Target
from bridge.command.remote.account import NoAccount
from bridge.testing.load.plan import LoadPlan, check_address
from bridge.testing.load.plot import load_plot
from bridge.testing.load.results import PERCENTS, LoadResults
from bridge.testing.load.running import LoadRun
from bridge.testing.softphones.sipp_behaviour import SippBehaviour
from bridge.testing.softphones.sipp_phone import SippPhone

FAILED = 1


async def run_load(plan: LoadPlan, target: Target, allowed: Collection[str], folder: Path) -> int:
    """0 if each call went as the scenario says, else 1. Raises NotAllowed, NoAccount, PhoneError,
    and what the client raises."""
    for host in (URL(target.account.url).host or "", target.sip[0]):
        check_address(host, allowed)
    source = _phone(target, plan.source, plan.scenario.of_source)
    destination = _phone(target, plan.destination, plan.scenario.of_destination)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(target.account.client())
        await stack.enter_async_context(source)
        await stack.enter_async_context(destination)
        progress = stack.enter_context(_progress())
        task = progress.add_task(_words(plan), total=plan.calls, failed=0)

        def done(results: LoadResults) -> None:
            progress.update(task, advance=1, failed=results.failed)

        began, run = time.monotonic(), LoadRun(api, plan, done)
        try:
            await run.run()
        finally:
            seconds = time.monotonic() - began
            progress.stop()
            tell(run.results, seconds, folder)
    return FAILED if run.results.failed else 0


def _phone(target: Target, extension: str, behaviour: SippBehaviour) -> SippPhone:
    secret = target.secret_of(extension)
    if secret is None:
        raise NoAccount(f"no SIP password of {extension} is here: name a file with --secrets")
    host, port = target.sip
    return SippPhone(extension, secret, server=host, port=port, behaviour=behaviour)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TimeRemainingColumn(),
    )


def _words(plan: LoadPlan) -> str:
    return f"{plan.scenario.value}, {plan.calls_per_second:g} calls/s"


def tell(results: LoadResults, seconds: float, folder: Path) -> None:
    """Print the figures of a run that lasted so long, and write them with the plot."""
    console = Console()
    rate = len(results.calls) / seconds if seconds else 0.0
    console.print(
        f"{len(results.calls)} calls in {seconds:.1f} s ({rate:.1f} a second), "
        f"{results.failed} failed"
    )
    table = Table("ms", *(f"{x} %" for x in PERCENTS), "max")
    for name, values in results.percentiles().items():
        table.add_row(name, *(f"{x:g}" for x in values.values()))
    if table.row_count:
        console.print(table)
    for cause, count in results.causes():
        console.print(f"{count:>6}  {cause}", markup=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "load.svg").write_text(load_plot(results, seconds))
    figures = json.dumps(results.as_json(seconds), indent=2)
    (folder / "load.json").write_text(figures + "\n")
    console.print(f"plot: {folder / 'load.svg'}, figures: {folder / 'load.json'}", markup=False)
