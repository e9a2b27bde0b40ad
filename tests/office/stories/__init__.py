"""The stories of the office, the same live, recorded and replayed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

from tests.office.stage import Story

from . import voicemail


def stories() -> dict[str, Story]:
    """Every story by its name, in the order of the files."""
    modules = [
        importlib.import_module(f"{__name__}.{x.name}") for x in pkgutil.iter_modules(__path__)
    ]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.iscoroutinefunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


RECORDINGS = Path(__file__).parents[2] / "event_streams" / "recordings" / "office"
OPEN = RECORDINGS / "OPEN.md"
OTHER_VERSIONS = ("16", "18", "20")
"""Of Asterisk. Some stories have recordings of them as well."""


def recordings() -> dict[str, Story]:
    """Story by the name of its recording."""
    found = {}
    for name, story in stories().items():
        found[name] = story
        for other in [of_version(name, x) for x in OTHER_VERSIONS]:
            if recording_of(other).exists():
                found[other] = story
    return found


def of_version(name: str, major: str) -> str:
    """The name of a recording by that Asterisk."""
    return f"{name}_asterisk_{major}"


def recording_of(name: str) -> Path:
    return RECORDINGS / f"{name}.jsonl"


def open_rows() -> set[str]:
    """Recordings that the service does not tell right yet: rows `| recording | right | seen |`."""
    return set(re.findall(r"^\| `(\w+)` \|", OPEN.read_text(), re.MULTILINE))


def told_right() -> list[str]:
    """The names of the others, of stories and of recordings."""
    return [x for x in recordings() if x not in open_rows()]


def played() -> list[str]:
    """The stories that are played live, on Asterisk 22."""
    return [x for x in stories() if x not in open_rows()]


def played_by(major: str) -> list[str]:
    """The stories that are played live on that Asterisk."""
    right = [x for x in played() if of_version(x, major) not in open_rows()]
    # Debian's package of 16 has no app_voicemail.
    return [x for x in right if major != "16" or stories()[x].__module__ != voicemail.__name__]
