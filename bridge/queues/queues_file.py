"""The file of queues that the service writes for the PBX, in the form of queues.conf."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bridge.directory.model import Queue, QueueStrategy

HEAD = "; Written by uapi-bridge from its directory file. Changes are lost.\n"
ORDER = "; agents in this order: "
_ORDER = re.compile(rf"^\[(.+)\]\n{ORDER}(.*)$", re.MULTILINE)
RETRY_S = 1
"""Between two attempts to ring agents."""


def queues_text(queues: Iterable[Queue]) -> str:
    """The text of the file. The directory file has checked each value."""
    return HEAD + "".join(_section(x) for x in queues)


def reordered(before: str, after: str) -> frozenset[str]:
    """The names of the linear queues whose agents are in another order in the text `after`."""
    old = set(_ORDER.findall(before))
    return frozenset(name for name, order in _ORDER.findall(after) if (name, order) not in old)


def read_queues(file: Path) -> str:
    """The text of the file; empty if there is none. Raises OSError."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def write_queues(file: Path, text: str) -> None:
    """Write the file as a whole, for everybody to read. Raises OSError."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)
    new.replace(file)


def _section(queue: Queue) -> str:
    values = {
        "strategy": queue.strategy.value,
        "timeout": queue.ring_s,
        "retry": RETRY_S,
        "wrapuptime": queue.wrap_up_s,
        # A phone that talks or rings gets no second call; so an agent is not called by itself.
        "ringinuse": "no",
        "autofill": "yes",
        "joinempty": "yes",
        "leavewhenempty": "no",
        "reportholdtime": "no",
        "announce-position": "yes" if queue.announce_position_s else "no",
        "announce-frequency": queue.announce_position_s,
        "min-announce-frequency": min(15, queue.announce_position_s),
        "announce-holdtime": "no",
        "periodic-announce-frequency": queue.announcement_s if queue.announcement else 0,
    }
    if queue.music:
        values["musicclass"] = queue.music
    if queue.announcement:
        values["periodic-announce"] = queue.announcement
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    order = f"{ORDER}{' '.join(queue.members)}\n" if _is_linear(queue) and queue.members else ""
    return f"\n[{queue.name}]\n{order}{lines}"


def _is_linear(queue: Queue) -> bool:
    return queue.strategy is QueueStrategy.LINEAR
