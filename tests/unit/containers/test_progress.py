"""Who waits for containers sees each step, that it goes on, and how it ended."""

from __future__ import annotations

import threading

import pytest

from tests.containers.progress import said_on_terminal, step


def test_given_a_long_step_then_its_begin_its_going_on_and_its_end_are_said() -> None:
    lines: list[str] = []
    goes_on = threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        if len(lines) == 3:
            goes_on.set()

    with step(say, "building the images", again_s=0.01):
        assert goes_on.wait(10)
    assert lines[:2] == ["building the images ...", "  building the images: 0 s so far"]
    assert lines[-1] == "building the images: done after 0 s"
    assert "progress" not in {x.name for x in threading.enumerate()}


def test_given_a_step_that_fails_then_that_is_said_and_raised() -> None:
    lines: list[str] = []
    with pytest.raises(RuntimeError), step(lines.append, "pulling"):
        raise RuntimeError
    assert lines == ["pulling ...", "pulling: failed after 0 s"]


def test_given_pytest_that_captures_then_a_line_gets_past_it(
    pytestconfig: pytest.Config, capfd: pytest.CaptureFixture[str]
) -> None:
    with said_on_terminal(pytestconfig) as say:
        say("(a line of test_progress.py)")
    assert capfd.readouterr().err == ""
