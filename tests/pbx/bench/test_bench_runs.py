"""A very short round of the benchmark, so that it cannot rot. It says nothing about speed."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import pytest

from tests.bench.__main__ import measure_all, write_results
from tests.bench.figures import Figure
from tests.bench.machine import describe
from tests.bench.plan import SHORT
from tests.bench.report import table


@pytest.mark.timeout(240)
async def test_given_a_very_short_plan_when_it_is_measured_then_every_measure_has_its_numbers(
    tmp_path: Path,
) -> None:
    conditions = await describe(SHORT)  # first, as `make bench` does: on a new machine it gets SIPp
    # Not below tmp_path: its name is too long for the Unix socket of an Asterisk.
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        measures = await measure_all(Path(folder), SHORT)
    write_results(tmp_path / "build", measures, conditions)

    assert len(measures) == 19
    for measure in measures:
        figures = [measure.value, measure.judged]
        figures += [measure.reference] if measure.reference is not None else []
        assert all(_is_a_number(x) for x in figures), measure
        # Memory of a few calls may be lost in what the interpreter takes and gives back.
        assert measure.value.median > 0 or measure.unit == "KB", measure
    result = json.loads((tmp_path / "build" / "bench.json").read_text())
    assert [x["name"] for x in result["measures"]] == [x.name for x in measures]
    assert (tmp_path / "build" / "bench.svg").read_text().count("<rect") == 1 + len(measures)
    assert table(measures).count("\n") == 1 + len(measures)


def _is_a_number(figure: Figure) -> bool:
    return all(math.isfinite(x) for x in (figure.median, figure.lowest, figure.highest))
