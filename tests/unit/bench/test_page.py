"""The figures of a run come into the page of docs mechanically."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench.concurrency import PATHS, Point
from tests.bench.figures import Figure, Measure, ratio, value
from tests.bench.full_calls import AMI, API, BEHIND_WALL, BY_HAND
from tests.bench.page import BLOCKS, DOCS, PAGE, PICTURES, filled
from tests.bench.results import FILE, Results

_PROCESSES = {"asterisk": 4.0, "service": 2.0, "phones": 0.6, "client": 0.4}


def measures() -> list[Measure]:
    return [
        ratio("full calls per second", "/s", [200], BY_HAND, [100], 1.5, at_least=True),
        ratio("full calls per second", "/s", [200], BEHIND_WALL, [80], None),
        value("memory per live call", "KB", [8.0], 6),
    ]


def results() -> Results:
    figure = Figure(1.0, 0.5, 2.0)
    points = [Point(path, at_once, figure, figure, figure) for path in PATHS for at_once in (1, 50)]
    conditions: dict[str, dict[str, object]] = {
        "machine": {"cpus": 2, "load_before": 0.2},
        "versions": {"asterisk": "22.10.1"},
        "plan": {"calls": 600, "at_once": 50, "rounds": 5},
    }
    cpu_ms = dict.fromkeys((API, BEHIND_WALL, AMI), _PROCESSES)
    return Results(measures(), cpu_ms, points, 21, conditions)


def page_with(text: str) -> str:
    places = (f"<!-- bench: {x} -->\n{text}\n<!-- end of {x} -->\n" for x in BLOCKS)
    return "begin\n" + "between\n".join(places) + "end\n"


def test_given_old_figures_when_the_page_is_filled_then_the_new_ones_replace_them() -> None:
    found = filled(page_with("OLD"), results())

    assert "OLD" not in found
    assert found.startswith("begin\n")
    assert found.endswith("end\n")
    assert "2.00 x" in found
    assert "| HTTP API | 4.00 ms | 2.00 ms | 0.60 ms | 0.40 ms | 7.00 ms |" in found
    assert "21 events of each call" in found
    assert "2.0 ms of them, 29 %," in found
    assert "1.4 MB of memory (8.0 KB each)" in found


def test_given_a_filled_page_when_it_is_filled_again_then_nothing_changes() -> None:
    once = filled(page_with(""), results())

    assert filled(once, results()) == once


def test_given_a_page_without_a_place_when_it_is_filled_then_that_is_an_error() -> None:
    page = page_with("").replace("<!-- end of sizing -->", "")

    with pytest.raises(ValueError, match="0 places for sizing"):
        filled(page, results())


def test_given_the_page_of_the_docs_when_it_is_filled_then_it_has_every_place_and_picture() -> None:
    page = (DOCS / PAGE).read_text()

    assert filled(page, results()) != page
    for picture in PICTURES:
        assert f"]({picture})" in page


def test_given_results_when_they_are_written_and_read_then_they_are_the_same(
    tmp_path: Path,
) -> None:
    results().write(tmp_path)

    assert Results.read(tmp_path / FILE) == results()


@pytest.mark.parametrize("name", PICTURES)
def test_given_results_when_a_picture_is_drawn_then_it_is_svg_for_light_and_dark(name: str) -> None:
    drawn = PICTURES[name](results())

    assert re.match(r"<svg [^>]+>\n<title>[^<]+</title>\n", drawn)
    assert drawn.count("<text") == drawn.count("</text>")
    assert "prefers-color-scheme: dark" in drawn
    assert "nan" not in drawn


def test_given_a_row_without_target_when_the_targets_are_drawn_then_it_is_left_out() -> None:
    drawn = PICTURES["how-fast.svg"](results())

    assert drawn.count("<rect") == 1 + 2
    assert "no phone can forward" not in drawn
