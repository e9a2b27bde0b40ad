"""A very short round of the benchmark, so that it cannot rot. It says nothing about speed."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest

from tests.bench.__main__ import measure_all
from tests.bench.figures import Figure
from tests.bench.full_calls import API, BEHIND_WALL
from tests.bench.machine import describe
from tests.bench.page import PICTURES, numbers, write_pictures
from tests.bench.plan import SHORT
from tests.bench.results import Results


@pytest.mark.timeout(480)
async def test_given_a_very_short_plan_when_it_is_measured_then_every_measure_has_its_numbers(
    tmp_path: Path,
) -> None:
    conditions = await describe(SHORT)  # first, as `make bench` does: on a new machine it gets SIPp
    # Not below tmp_path: its name is too long for the Unix socket of an Asterisk.
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        results = await measure_all(Path(folder), SHORT, conditions)
    results.write(tmp_path)
    write_pictures(tmp_path, results)

    assert len(results.measures) == 20
    for measure in results.measures:
        figures = [measure.value, measure.judged]
        figures += [measure.reference] if measure.reference is not None else []
        assert all(_is_a_number(x) for x in figures), measure
        # Memory of a few calls may be lost in what the interpreter takes and gives back.
        assert measure.value.median > 0 or measure.unit == "KB", measure
    assert results.events > 20, "a Local channel rings the source, so a call has four channels"
    assert {API, BEHIND_WALL} < set(results.cpu_ms)
    assert len(results.concurrency) == 3 * len(SHORT.concurrency)
    read = Results.read(tmp_path / "bench.json")
    assert read.measures == results.measures
    assert read.concurrency == results.concurrency
    assert numbers(read).count("\n|") == 1 + len(results.measures)
    for name in PICTURES:
        assert (tmp_path / name).read_text().startswith("<svg ")


def _is_a_number(figure: Figure) -> bool:
    return all(math.isfinite(x) for x in (figure.median, figure.lowest, figure.highest))
