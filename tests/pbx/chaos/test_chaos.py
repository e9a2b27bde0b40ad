"""A short run of `make chaos`, and that it sees what is wrong."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from tests.chaos.run import chaos


@pytest.mark.timeout(300)
async def test_given_kills_and_cuts_when_calls_go_on_then_none_is_lost_and_none_doubled() -> None:
    seed = random.SystemRandom().getrandbits(32)
    # Not below tmp_path: its name is too long for the Unix socket of an Asterisk.
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        report = await chaos(Path(folder) / "stage", seconds=8, per_s=5, seed=seed)

    assert report.wrong == (), f"--seed {seed}"
    assert report.orders == 40
    assert report.accepted == 40
    assert report.faults.total() > 0
