"""The timelines of the live calls, in memory, until they are written with the rows of their calls.

A write of its own for each entry would cost a commit. So an entry goes to disk with the next row
that is written of its call anyway, or at the stop of the service.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import structlog

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallConnected
from bridge.calls.state.phone_call import EndedBy, PhoneCall
from bridge.calls.timeline.entry import (
    EntryType,
    Fact,
    Timeline,
    TimelineEntry,
    UnreadableTimeline,
    entry_to_text,
    timeline_from_text,
    timeline_of_texts,
)
from bridge.calls.timeline.of_change import entries_of
from bridge.clock import now_ms

log = structlog.get_logger()


class Timelines:
    """`entries_max`: of one call; the first half and the newest half are kept. 0: no timelines."""

    def __init__(self, entries_max: int) -> None:
        self._max = entries_max
        self._of_call: dict[str, _Growing] = {}

    def __len__(self) -> int:
        return len(self._of_call)

    def accepted(self, call: PhoneCall) -> None:
        """An app's call is about to be stored; nothing has been dialled."""
        facts = _asked_by(call.client_id)
        self._begin(call.id, TimelineEntry(call.published_ms, EntryType.ACCEPTED, facts))

    def changed(self, change: Change) -> None:
        """Add what this change tells. An ended call is forgotten by `forget`."""
        if self._max == 0:
            return
        event = change.event
        entries = entries_of(change, now_ms() if event is None else event.at_ms)
        if not entries:
            return
        call = change.after
        growing = self._of_call.get(call.id)
        if growing is None:
            growing = self._of_call[call.id] = _Growing(self._max)
        for entry in entries:
            growing.add(entry)
        if call.acts_on is not None:
            self._of_listener(change)

    def hang_up_asked(self, call: PhoneCall, by: EndedBy, app: str | None = None) -> None:
        """Somebody wants the live call to end: an app by the API, or a rule."""
        facts = {"by": by.value, **(_asked_by(app) if by is EndedBy.API else {})}
        self._add(call.id, EntryType.HANGUP_ASKED, facts)

    def recording(self, before: PhoneCall | None, after: PhoneCall) -> None:
        """The live call is being recorded from now on, or no longer."""
        if before is None or before.being_recorded is after.being_recorded:
            return
        started, recording_id = after.being_recorded, after.recording_id or before.recording_id
        kind = EntryType.RECORDING_STARTED if started else EntryType.RECORDING_STOPPED
        self._add(after.id, kind, {"recordingId": recording_id} if recording_id else {})

    def digits_sent(self, call_id: str, view_id: str, count: int) -> None:
        """An app has sent so many digits to a party. Which ones is not told."""
        self._add(call_id, EntryType.DIGITS_SENT, {"view": view_id, "count": count})

    def sip_call_id(self, call_id: str, channel: str, sip_call_id: str) -> None:
        """The Call-ID of SIP that a channel (its Uniqueid) of the live call has."""
        growing = self._of_call.get(call_id)
        if growing is not None:
            growing.add_sip_call_id(channel, sip_call_id)

    def of(self, call_id: str) -> Timeline | None:
        """The timeline of a live call, as it is now."""
        growing = self._of_call.get(call_id)
        return None if growing is None else timeline_from_text(growing.text())

    def text(self, call_id: str) -> str | None:
        """The text that is stored with the call; None if it has no timeline."""
        growing = self._of_call.get(call_id)
        if growing is None:
            return None
        growing.stored = True
        return growing.text()

    def has_news(self, call_id: str) -> bool:
        """Whether entries were added since `text` was last asked."""
        growing = self._of_call.get(call_id)
        return growing is not None and not growing.stored

    def forget(self, call_id: str) -> None:
        """The call has ended, or was never accepted."""
        self._of_call.pop(call_id, None)

    def restore(self, texts: Mapping[str, str]) -> None:
        """Go on with the timelines of the calls that were live when the service last ran."""
        if self._max == 0:
            return
        for call_id, text in texts.items():
            try:
                known = timeline_from_text(text)
            except UnreadableTimeline:
                log.error("timeline_unreadable", call_id=call_id)
                continue
            growing = self._of_call[call_id] = _Growing(self._max)
            growing.left_out = known.left_out
            for channel, sip_call_id in known.sip_call_ids.items():
                growing.add_sip_call_id(channel, sip_call_id)
            for entry in known.entries:
                growing.add(entry)
            growing.add(TimelineEntry(now_ms(), EntryType.RESUMED, {}))

    def _begin(self, call_id: str, entry: TimelineEntry) -> None:
        if self._max > 0:
            growing = self._of_call[call_id] = _Growing(self._max)
            growing.add(entry)

    def _add(
        self, call_id: str, kind: EntryType, facts: dict[str, Fact], at_ms: int | None = None
    ) -> None:
        growing = self._of_call.get(call_id)
        if growing is not None:
            growing.add(TimelineEntry(now_ms() if at_ms is None else at_ms, kind, facts))

    def _of_listener(self, change: Change) -> None:
        """A call that listens to another one is told in the timeline of that."""
        acts_on, call = change.after.acts_on, change.after
        if acts_on is None or not acts_on.action.listens:
            return
        facts: dict[str, Fact] = {"action": acts_on.action.value, "phoneCallId": call.id}
        if any(isinstance(x, CallConnected) for x in change.effects):
            self._add(acts_on.call_id, EntryType.LISTENING, facts, call.answered_ms)
        elif call.final is not None and call.answered_ms is not None:
            self._add(acts_on.call_id, EntryType.LISTENING_ENDED, facts, call.final.at_ms)


class _Growing:
    """The timeline of one call. Thousands of calls may live: it keeps the text of each entry and no
    object. `stored`: whether the last entry is in a text that was stored."""

    __slots__ = ("_count", "_first", "_last", "_max", "_sip_call_ids", "left_out", "stored")

    def __init__(self, entries_max: int) -> None:
        self._max = entries_max
        self._count = 0
        self._first = b""
        self._last: deque[bytes] | None = None  # once there are so many
        self._sip_call_ids: dict[str, str] | None = None
        self.left_out = 0
        self.stored = False

    def add(self, entry: TimelineEntry) -> None:
        self.stored = False
        text = entry_to_text(entry)
        if self._count < (self._max + 1) // 2:
            self._first = self._first + b"," + text if self._count else text
            self._count += 1
            return
        if self._last is None:
            self._last = deque(maxlen=max(1, self._max // 2))
        if len(self._last) == self._last.maxlen:
            self.left_out += 1
        self._last.append(text)

    def add_sip_call_id(self, channel: str, sip_call_id: str) -> None:
        if self._sip_call_ids is None:
            self._sip_call_ids = {}
        if len(self._sip_call_ids) < self._max:
            self._sip_call_ids[channel] = sip_call_id
            self.stored = False

    def text(self) -> str:
        entries = self._first if self._last is None else b",".join((self._first, *self._last))
        return timeline_of_texts(entries, self.left_out, self._sip_call_ids or {})


def _asked_by(app: str | None) -> dict[str, Fact]:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    facts: dict[str, Fact] = {} if app is None else {"app": app}
    return facts if not isinstance(request_id, str) else {**facts, "requestId": request_id}
