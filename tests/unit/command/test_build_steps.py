"""The steps of a build: a bar on a terminal, lines elsewhere, and the terminal as it was."""

from __future__ import annotations

import io

import pytest

from bridge.command.build_steps import BuildSteps

UPDATE = "running apt-get update..."
DOWNLOAD = "downloading packages with apt..."
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # of the cursor, around a bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called by the test itself: pytest replaces stderr between a fixture and its test."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return made


def test_given_no_terminal_then_each_known_step_is_a_line_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with BuildSteps() as step:
        step(UPDATE)
        step("something that nobody waits for")
        step(DOWNLOAD)
        step("")
    said = capsys.readouterr()
    assert said.err == f"  {UPDATE}\n  {DOWNLOAD}\n"
    assert said.out == ""


def test_given_a_terminal_then_one_bar_shows_all_steps_and_is_gone_when_the_build_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_a_terminal(monkeypatch)
    with BuildSteps() as step:
        step(UPDATE)
        step(DOWNLOAD)
        step("something that nobody waits for")
        step("")
        shown = terminal.getvalue()
        assert DOWNLOAD in shown
        assert "nobody" not in shown
        assert (shown.count(HIDE), shown.count(SHOW)) == (1, 1)
    assert terminal.getvalue() == shown


def test_given_a_build_that_fails_then_the_terminal_has_its_cursor_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_a_terminal(monkeypatch)
    with pytest.raises(RuntimeError), BuildSteps() as step:  # noqa: PT012
        step(UPDATE)
        raise RuntimeError
    assert terminal.getvalue().count(SHOW) == 1


def test_given_a_second_build_then_it_has_a_bar_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_a_terminal(monkeypatch)
    with BuildSteps() as step:
        step(UPDATE)
        step("")
        step(UPDATE)
    assert (terminal.getvalue().count(HIDE), terminal.getvalue().count(SHOW)) == (2, 2)
