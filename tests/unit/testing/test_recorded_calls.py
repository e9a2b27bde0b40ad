"""The command that makes a replay test of a call from the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.testing.recorded_calls.__main__ import main
from tests.unit.calls.replaying import RECORDINGS
from tests.unit.calls.story_text import prose_and_text

STORY = "simple_source_hangs_up"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """As the service has written it: without the lines that tell the story."""
    lines = (RECORDINGS / f"{STORY}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    file = tmp_path / "events.jsonl"
    file.write_text("".join(x for x in lines if '"Story"' not in x), encoding="utf-8")
    return file


def test_given_events_when_cleaned_then_the_files_are_a_test_that_passes(
    events: Path, outside: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    story = outside.path / "met"
    main(["clean", str(events), str(story), "--test", "--text", "210 calls, and hangs up."])

    assert capsys.readouterr().out == f"{story}.txt\n{story.with_name('test_met.py')}\n"
    prose, text = prose_and_text(str(story))
    assert prose == "210 calls, and hangs up."
    assert "ended" in text
    outside.runpytest_subprocess().assert_outcomes(passed=1)

    file = story.with_suffix(".txt")
    file.write_text(file.read_text().replace("ended", "lives on", 1))
    run = outside.runpytest_subprocess()
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["E *-*lives on*", "E *+*ended*"])

    main(["text", "--write", str(story)])
    outside.runpytest_subprocess().assert_outcomes(passed=1)


def test_given_a_story_that_nobody_has_told_then_its_test_says_so(
    events: Path, outside: pytest.Pytester
) -> None:
    main(["clean", str(events), str(outside.path / "met"), "--test"])

    run = outside.runpytest_subprocess()
    run.stdout.fnmatch_lines(["E *met.txt begins with: FILL IN*"])


def test_given_a_file_that_is_no_recording_then_the_command_says_so(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text('{"headers": {}}\n')

    with pytest.raises(SystemExit, match=r"other\.jsonl is no recording of events"):
        main(["clean", str(file), str(tmp_path / "met")])
    with pytest.raises(SystemExit, match="is no name of a Python function"):
        main(["clean", str(file), str(tmp_path / "lost-call"), "--test"])


def test_given_a_story_when_shown_then_its_text_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["text", str(RECORDINGS / STORY)])

    shown = capsys.readouterr().out
    assert shown.startswith(f"{RECORDINGS / STORY}\n\n> ")
    assert shown.endswith(prose_and_text(STORY)[1] + "\n")
