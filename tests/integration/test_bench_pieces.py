"""The measures of the home-made pieces can be taken."""

from __future__ import annotations

import subprocess
import sys

import pytest

PIECES = ["event_dataclass", "fast_replace", "disk_thread", "plain SQL", "gc.disable", "gc.freeze"]
PIECES.append("latest events")


@pytest.mark.timeout(300)
def test_given_one_round_when_measured_then_each_piece_has_its_line() -> None:
    command = [sys.executable, "-m", "tests.bench.pieces", "1"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=280)
    lines = done.stdout.splitlines()
    assert {piece for piece in PIECES for line in lines if line.startswith(piece)} == set(PIECES)
