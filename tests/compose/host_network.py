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
    """Packet filter, forwarding and bridges are afterwards as they were."""
    rules, forwarding, bridges = _rules(), _FORWARDING.read_text(), _bridges()
    try:
        yield
    finally:
        for bridge in _bridges() - bridges:
            run("ip", "link", "delete", bridge, timeout_s=_TIMEOUT_S)
        for table in _rules().keys() | rules.keys():
            run("iptables-restore", timeout_s=_TIMEOUT_S, stdin=rules.get(table, _EMPTY % table))
        _FORWARDING.write_text(forwarding)


_EMPTY = "*%s\nCOMMIT\n"


def _rules() -> dict[str, str]:
    """Table → its section of iptables-save, without the counters of rules."""
    text = run("iptables-save", timeout_s=_TIMEOUT_S)
    return {
        found[1]: found[0] for found in re.finditer(r"^\*(\w+)\n.*?^COMMIT\n", text, re.M | re.S)
    }


def _bridges() -> set[str]:
    return {x.parent.name for x in Path("/sys/class/net").glob("*/bridge")}
