"""The command `python -m bridge.testing.recorded_calls`: docs/test-kit.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .clean import make_story
from .story_text import FILL_IN, expected_file, story_text, write

_TEST = '''"""A call that somebody met, replayed."""

from pathlib import Path

from bridge.testing.recorded_calls.story_text import check_story


def test_{name}() -> None:
    check_story(Path(__file__).with_name("{name}"))
'''


def main(arguments: list[str] | None = None) -> None:
    """Run one command. Raises SystemExit with a text if the cleaned story says something else."""
    parser = argparse.ArgumentParser(prog="python -m bridge.testing.recorded_calls")
    commands = parser.add_subparsers(required=True)
    clean = commands.add_parser("clean", help="make a story of recorded events")
    clean.add_argument("file", type=Path, help="as BRIDGE_RECORD_PBX_EVENTS_TO has written it")
    clean.add_argument("story", type=Path, help="its files, without a suffix")
    clean.add_argument("--text", default=FILL_IN, help="who does what, in a sentence")
    clean.add_argument("--directory", type=Path, help="of that service; default: the example")
    clean.add_argument("--test", action="store_true", help="write test_STORY.py beside it as well")
    clean.set_defaults(run=_clean)
    text = commands.add_parser("text", help="show what the service makes of a story")
    text.add_argument("story", type=Path, nargs="+", help="its files, without a suffix")
    text.add_argument("--write", action="store_true", help="into its file, keeping the prose")
    text.set_defaults(run=_text)
    chosen = parser.parse_args(arguments)
    chosen.run(chosen)


def _clean(chosen: argparse.Namespace) -> None:
    story = str(chosen.story)
    target = chosen.story.with_name(f"{chosen.story.name}.jsonl")
    if chosen.test and not chosen.story.name.isidentifier():
        raise SystemExit(f"{chosen.story.name} is no name of a Python function")
    try:
        difference = make_story(chosen.file, target, chosen.directory, chosen.text)
    except (OSError, ValueError, KeyError) as why:
        raise SystemExit(f"{chosen.file} is no recording of events: {why}") from None
    file = expected_file(story)
    file.write_text(f"{chosen.text}\n\n{story_text(story)}", encoding="utf-8")
    written = [file]
    if chosen.test:
        name = chosen.story.name
        written.append(chosen.story.with_name(f"test_{name}.py"))
        written[-1].write_text(_TEST.format(name=name), encoding="utf-8")
    sys.stdout.write("".join(f"{x}\n" for x in written))
    if difference:
        raise SystemExit(f"It does not say what the original says:\n{difference}")


def _text(chosen: argparse.Namespace) -> None:
    for story in chosen.story:
        if chosen.write:
            write(str(story))
        else:
            sys.stdout.write(f"{story}\n\n{story_text(str(story))}\n")


if __name__ == "__main__":
    main()
