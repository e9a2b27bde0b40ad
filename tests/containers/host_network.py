"""What a Docker daemon changes in the network of its machine, taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .command import run

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_TIMEOUT_S = 20.0


@contextmanager
def host_network_restored() -> Iterator[None]:
    """Packet filter, forwarding and bridges are afterwards as they were; AssertionError if not."""
    rules, forwarding, bridges = _rules(), _FORWARDING.read_text(), _bridges()
    try:
        yield
    finally:
        for bridge in _bridges() - bridges:
            run("ip", "link", "delete", bridge, timeout_s=_TIMEOUT_S)
        for table, section in _rules().items():
            before = rules.get(table, _emptied(section))
            run("iptables-restore", timeout_s=_TIMEOUT_S, stdin=before)
            rules[table] = before
        _FORWARDING.write_text(forwarding)
        assert (_without_counters(_rules()), _bridges()) == (_without_counters(rules), bridges)


def _rules() -> dict[str, str]:
    """Table → its section of iptables-save."""
    text = run("iptables-save", timeout_s=_TIMEOUT_S)
    sections = re.finditer(r"^\*(\w+)\n.*?^COMMIT\n", text, re.MULTILINE | re.DOTALL)
    return {found[1]: found[0] for found in sections}


def _emptied(section: str) -> str:
    """The table with its own chains only, all of them open, as a machine has it that uses none."""
    lines = section.splitlines()
    own = [line.split()[0] for line in lines if line.startswith(":") and line.split()[1] != "-"]
    return "\n".join([lines[0], *(f"{chain} ACCEPT [0:0]" for chain in own), "COMMIT", ""])


def _without_counters(rules: dict[str, str]) -> dict[str, str]:
    return {table: re.sub(r"\[\d+:\d+\]", "", text) for table, text in rules.items()}


def _bridges() -> set[str]:
    return {x.parent.name for x in Path("/sys/class/net").glob("*/bridge")}
