"""A recorded story as text: what people do, what the service says of it, what it shows and keeps.

    > 210 picks up
      call 1: 01 0003*211 answered    | 00 0003*210 TRYING → 01 0003*211 ON_CALL

A line with `>` is what somebody is about to do. The lines below it are what the events of the PBX
mean. Behind `|` are the views of that call from then on, sources → destinations. A name in
parentheses is listed in the views and has none of its own. At the end stands what is kept of each
call: who created it, its flow, who pays and what was dialled, and how it came out for each party.

The file with the suffix `.txt` beside a recording has the story in prose, and then this text. The
text says what the service does, which need not be right: read a new one line by line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.calls.live.change import Change
from bridge.calls.state.call_views import PhoneCallView, views_of
from bridge.calls.state.outcome import has_outcome, outcome_of
from bridge.calls.state.phone_call import PhoneCall, Side
from bridge.directory.caller_ids import CallerId

from .recorded_events import RecordedEvent
from .replaying import Replay, recorded

FILL_IN = "FILL IN: who calls whom, who picks up, who hangs up."
"""The prose of a story that nobody has told yet."""

_SAID_WIDTH = 40
_WITHHELD = CallerId("", "")


def story_text(story: str) -> str:
    """The whole story. Raises AssertionError where a call ends twice, or lives on at the end."""
    replay = Replay(story)
    told = [line for event in recorded(story) for line in _told(replay, event)]
    assert len(replay.tracker.live) == 0, replay.views()
    kept = [line for call in replay.ended.values() for line in _kept(replay.name(call.id), call)]
    return "\n".join([*told, "", *kept, ""])


def expected_file(story: str) -> Path:
    return Path(f"{story}.txt")


def prose_and_text(story: str) -> tuple[str, str]:
    """The prose in the file of the story, and the text that is expected."""
    prose, text = expected_file(story).read_text(encoding="utf-8").split("\n\n>", 1)
    return prose, f">{text}"


def check_story(story: Path | str) -> None:
    """Raises AssertionError where the replay of the story says otherwise than its text."""
    __tracebackhide__ = True
    prose, expected = prose_and_text(str(story))
    assert FILL_IN not in prose, f"{expected_file(str(story))} begins with: {FILL_IN}"
    said = story_text(str(story)).splitlines()
    told = expected.splitlines()
    different = list(difflib.unified_diff(told, said, "expected", "said", lineterm=""))
    assert not different, "\n".join(different)


def write(story: str) -> None:
    """Put the text of the story into its file; the prose stays, or is what the recording says."""
    if expected_file(story).exists():
        prose, _ = prose_and_text(story)
    else:
        prose = recorded(story)[0].headers["Text"]
    expected_file(story).write_text(f"{prose}\n\n{story_text(story)}", encoding="utf-8")


def _told(replay: Replay, event: RecordedEvent) -> Iterator[str]:
    yield from _changed(replay, replay.take(event))
    if event.headers["Event"] == "Story":
        yield from _done(replay, event)


def _changed(replay: Replay, changes: list[Change]) -> Iterator[str]:
    for change in changes:
        *before, last = replay.said_of(change) or [f"{replay.name(change.after.id)}:"]
        shown = _shown(change)
        for line in before:
            yield f"  {line}"
        if shown or change.effects:
            yield f"  {last:<{_SAID_WIDTH}} {shown}".rstrip()


def _done(replay: Replay, event: RecordedEvent) -> Iterator[str]:
    yield f"> {event.headers['Text']}"
    if "PublishedMs" in event.headers:
        call_id = event.headers["CallId"]
        call = next(x for x in replay.tracker.live if x.id == call_id)
        yield f"  {f'{replay.name(call_id)}: accepted':<{_SAID_WIDTH}} | {_views(call)}"


def _shown(change: Change) -> str:
    """The views of a live call, if they are others than before the event."""
    before = "" if change.before is None else _views(change.before)
    after = _views(change.after)
    return f"| {after}" if change.after.final is None and after != before else ""


def _views(call: PhoneCall) -> str:
    views = views_of(call)
    sources = _side(views, Side.SOURCE, views[0].sources if views else ())
    destinations = _side(views, Side.DESTINATION, views[0].destinations if views else ())
    return f"{sources} → {destinations}".strip()


def _side(views: Sequence[PhoneCallView], side: Side, names: Sequence[str]) -> str:
    shown = [x for x in views if x.leg.side is side]
    own = {name for x in shown for name in (x.leg.number, x.leg.spelled)}
    return ", ".join(
        [f"({name})" for name in names if name not in own]
        + [f"{x.leg.view_id} {x.leg.number} {x.status.name}" for x in shown]
    )


def _kept(name: str, call: PhoneCall) -> Iterator[str]:
    payer = f"{call.extension} pays" if call.extension else "nobody pays"
    dialled = f", dialled {call.dialled}" if call.dialled else ""
    yield f"{name}: {call.flow.name} call of {call.origin.value}, {payer}{dialled}"
    for view in views_of(call):
        leg, sees = view.leg, view.caller_id
        came_out = "not reached"
        if has_outcome(call, leg):
            outcome = outcome_of(call, leg)
            came_out = f"{outcome.disposition.name}, {outcome.reason}"
        seen = f", sees {sees.name!r} <{sees.number}>" if sees and sees != _WITHHELD else ""
        yield f"  {leg.view_id} {leg.number}, {leg.side.value}: {came_out}{seen}"
