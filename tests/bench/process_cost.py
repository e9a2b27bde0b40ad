"""What processes cost, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_ms(pid: int) -> float:
    """User and system time of all its threads, also of those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / _TICKS_PER_S


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


class CpuMeter:
    """CPU time of groups of processes between its making and `read`."""

    def __init__(self, processes: Mapping[str, Iterable[int]]) -> None:
        self._processes = {name: tuple(pids) for name, pids in processes.items()}
        self._before = self._now()

    def read(self) -> dict[str, float]:
        """ms by group."""
        return {name: now - self._before[name] for name, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: sum(cpu_ms(pid) for pid in pids) for name, pids in self._processes.items()}
