"""A call as a picture: the parties as lanes, and an arrow for each thing that one tells another.

Pure: entries go in, text for a terminal or SVG comes out. Any text of an entry may be hostile.
"""

from bridge.ladder.entry import Ladder, LadderEntry, LadderKind
from bridge.ladder.of_timeline import ladder_of_timeline
from bridge.ladder.svg import ladder_svg
from bridge.ladder.text import ladder_text

__all__ = [
    "Ladder",
    "LadderEntry",
    "LadderKind",
    "ladder_of_timeline",
    "ladder_svg",
    "ladder_text",
]
