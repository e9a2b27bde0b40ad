"""Each change of a call is written down, carried out, and told to the observers, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from bridge.calls.call_records import CallRecords, Companions
from bridge.calls.live.call_log import log_change
from bridge.calls.live.change import Change, is_of_channels_alone
from bridge.calls.live.channel_hang_ups import ChannelHangUps
from bridge.calls.live.channel_questions import ChannelQuestions
from bridge.calls.live.stored_changes import must_be_stored
from bridge.calls.pbx import Pbx
from bridge.calls.state.effects import AskChannel, HangUpChannel, UninvitedPhone
from bridge.calls.timeline.timelines import Timelines

log = structlog.get_logger()

Observer = Callable[[Change], None]
CompanionsOf = Callable[[Change], Companions | None]


class ChangeHandler:
    """Changes come in the order of the events that caused them."""

    def __init__(
        self,
        pbx: Pbx,
        records: CallRecords,
        hang_ups: ChannelHangUps,
        questions: ChannelQuestions,
        timelines: Timelines,
    ) -> None:
        self._pbx = pbx
        self._records = records
        self._hang_ups = hang_ups
        self._questions = questions
        self._timelines = timelines
        self._observers: list[Observer] = []
        self._companions_of: list[CompanionsOf] = []

    def observe(self, observer: Observer) -> None:
        """Be told of every change, in order, after it is in force. An observer must not block."""
        self._observers.append(observer)

    def add_companions(self, rows_of: CompanionsOf) -> None:
        """Ask for rows to be written with each change that has effects, in its transaction. Must
        not block."""
        self._companions_of.append(rows_of)

    def handle(self, change: Change) -> None:
        """Submit the rows of the change, log it, carry out its effects, and tell the observers.

        A fault is logged: one event may change several calls, and the next one is not lost with it.
        """
        try:
            self._handle(change)
        except Exception:
            log.exception("call_change_failed", call_id=change.after.id)

    def _handle(self, change: Change) -> None:
        if not is_of_channels_alone(change):
            self._write_down(change)
        for observer in self._observers:
            try:
                observer(change)
            except Exception:
                log.exception("call_observer_failed", call_id=change.after.id)

    def _write_down(self, change: Change) -> None:
        before, after = change.before, change.after
        self._add_to_timeline(change)  # before the row that its entries are written with
        extra, written = self._companions(change) if change.effects else ([], None)
        if after.final is not None:
            # A mark is written whoever pays.
            if after.extension is not None or extra or after.hang_up is not None:
                self._records.finish_later(after, extra, written)
            self._timelines.forget(after.id)
        elif extra or must_be_stored(before, after):
            self._records.track(after, extra, written)
        log_change(before, after, self._pbx.why_unreachable)
        for effect in change.effects:
            if isinstance(effect, HangUpChannel):
                self._hang_ups.begin([effect.uniqueid])
            elif isinstance(effect, AskChannel):
                self._questions.begin(effect.uniqueid)
            elif isinstance(effect, UninvitedPhone):
                log.error("uninvited_phone_in_call", call_id=after.id, endpoint=effect.endpoint)
                self._hang_ups.begin([effect.uniqueid])

    def _add_to_timeline(self, change: Change) -> None:
        try:
            self._timelines.changed(change)
        except Exception:  # a call without its timeline still needs its record
            log.exception("timeline_failed", call_id=change.after.id)

    def _companions(self, change: Change) -> tuple[list[Any], Callable[[], None] | None]:
        found: list[Companions] = []
        for rows_of in self._companions_of:
            try:
                companions = rows_of(change)
            except Exception:
                log.exception("call_rows_failed", call_id=change.after.id)
                continue
            if companions is not None:
                found.append(companions)
        if not found:
            return [], None

        def written() -> None:
            for companions in found:
                companions.written()

        return [row for companions in found for row in companions.rows], written
