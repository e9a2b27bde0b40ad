"""The figures and pictures of docs/how-fast.md from a run: `python -m tests.bench.page`.

The page has places for what a run decides, each between `<!-- bench: NAME -->` and
`<!-- end of NAME -->`. What is between is replaced; the rest is written by people.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from .full_calls import API, BEHIND_WALL
from .plot import plot
from .plot_concurrency import plot_concurrency
from .plot_cpu import PROCESSES, plot_cpu
from .report import table
from .results import FILE, Results

PAGE, DOCS, BUILD = "how-fast.md", Path("docs"), Path("build")
PICTURES: Mapping[str, Callable[[Results], str]] = {
    "how-fast.svg": lambda x: plot(x.measures),
    "how-fast-cpu.svg": lambda x: plot_cpu(x.cpu_ms),
    "how-fast-concurrency.svg": lambda x: plot_concurrency(x.concurrency),
}
_LINE = 120
_CALLS_PER_HOUR, _TALK_S, _STREAMS_PER_CALL = 3_600, 180, 2


def numbers(results: Results) -> str:
    """The table, and on what it was measured."""
    lines = [table(results.measures), ""]
    for name in ("machine", "versions"):
        facts = results.conditions[name]
        lines.append(f"- {name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))
    plan = results.conditions["plan"]
    lines.append(
        f"- load: {plan['calls']} calls a round and path, {plan['at_once']} at once, "
        f"{plan['rounds']} rounds; {results.events} events of each call"
    )
    return "\n".join(lines)


def cpu(results: Results) -> str:
    """ms of a call by way and process."""
    head = ("way to make the call", *PROCESSES, "all")
    lines = [_line(head), _line(["---"] * len(head))]
    for path, ms in results.cpu_ms.items():
        parts = [ms[x] for x in PROCESSES]
        lines.append(_line([path, *(f"{x:.2f} ms" if x else "-" for x in (*parts, sum(parts)))]))
    load = results.conditions["machine"]["load_before"]
    lines += ["", f"Load of the machine before this table and the pictures: {load}."]
    return "\n".join(lines)


def sizing(results: Results) -> str:
    """What 1,000 phones ask of the machine."""
    ms = results.cpu_ms[API]
    service, asterisk = ms["service"], ms["asterisk"]
    per_s = _CALLS_PER_HOUR / 3_600
    share = (service + asterisk) * per_s / 10
    up = int(per_s * _TALK_S)
    kb = results.measure("memory per live call").value.median
    lines = (
        f"- {per_s:g} call begins in each second. The service takes {service:.1f} ms of CPU for ",
        f"it, Asterisk {asterisk:.1f} ms: {share:.1f} % of one CPU.\n",
        f"- {up} calls are up at once. The service takes no CPU for them, and ",
        f"{up * kb / 1024:.1f} MB of memory ({kb:.1f} KB each).\n",
        f"- Asterisk carries {up * _STREAMS_PER_CALL} streams of audio. No row measures them.",
    )
    items = "".join(lines).splitlines()
    return "\n".join(textwrap.fill(x, _LINE, subsequent_indent="  ") for x in items)


def price(results: Results) -> str:
    """What the service adds to a call, beside the service by hand that makes the same call."""
    ours = results.cpu_ms[API]
    share = 100 * ours["service"] / sum(ours.values())
    by_hand = results.cpu_ms[BEHIND_WALL]
    words = (
        f"A call by the API takes {sum(ours.values()):.1f} ms of CPU in all processes. "
        f"{ours['service']:.1f} ms of them, {share:.0f} %, are the service's. The service written "
        f"by hand takes {by_hand['service']:.1f} of {sum(by_hand.values()):.1f} ms for a call "
        "through the same Local channel."
    )
    return textwrap.fill(words, _LINE)


BLOCKS: Mapping[str, Callable[[Results], str]] = {
    "numbers": numbers,
    "cpu": cpu,
    "price": price,
    "sizing": sizing,
}


def filled(page: str, results: Results) -> str:
    """The page with these results. ValueError: it lacks a place."""
    for name, block in BLOCKS.items():
        begin, end = f"<!-- bench: {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        new = f"{begin}\n\n{block(results)}\n\n{end}"
        page, found = pattern.subn(lambda _, new=new: new, page)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"{found} places for {name}, one is needed")
    return page


def write_pictures(folder: Path, results: Results) -> None:
    for name, draw in PICTURES.items():
        (folder / name).write_text(draw(results))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__)
    parser.add_argument("--results", type=Path, default=BUILD / FILE, help="file of a run")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the page")
    arguments = parser.parse_args()
    results = Results.read(arguments.results)
    page = arguments.docs / PAGE
    page.write_text(filled(page.read_text(), results))
    write_pictures(arguments.docs, results)


def _line(cells: object) -> str:
    assert isinstance(cells, list | tuple)
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
