"""Limits the log lines that a client can cause to a number a minute, and sums up the rest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from functools import partial

import structlog

WINDOW_S = 60.0
LIMITED_EVENTS = frozenset({"request_refused", "not_http", "client_left", "answer_broken_off"})
SOURCES_KEPT = 4_096
_IN_ALL_FACTOR = 20  # limit for all addresses together, as a multiple of the limit for one


class _Source:
    """The cause of lines: an app that is known by its token, or an address; or all addresses
    together."""

    def __init__(self, named: Mapping[str, object], until_s: float) -> None:
        self.named = named
        self.until_s = until_s
        self.lines = 0
        self.left_out: Counter[str] = Counter()
        self.timer: asyncio.TimerHandle | None = None

    def ends_in(self, delay_s: float, end: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # no event loop: told with the next line of it
            self.timer = asyncio.get_running_loop().call_later(delay_s, end)

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class FloodLimit:
    """A structlog processor that drops what is too much, and tells of it a minute later.

    `per_minute`: lines of one source. `write` gets the summary, as an event to be rendered. Only a
    source that had all of its lines has a summary of its own. The rest is one number, so that the
    summaries are few, however many addresses somebody has.
    """

    def __init__(
        self,
        per_minute: int,
        write: Callable[[structlog.typing.EventDict], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = per_minute
        self._write = write
        self._clock = clock
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._strangers = _Source({}, 0.0)

    def __call__(
        self, _: object, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        name = event.get("event")
        if name not in LIMITED_EVENTS:
            return event
        now_s = self._clock()
        source = self._source(event, now_s)
        if source.lines >= self._per_minute:
            source.left_out[str(name)] += 1
            raise structlog.DropEvent
        if "app" not in source.named:  # apps are few, and no stranger may hide what they do
            self._count_stranger(str(name), now_s)
        source.lines += 1
        return event

    def _count_stranger(self, name: str, now_s: float) -> None:
        if self._strangers.until_s <= now_s:
            self._end_strangers()
            self._strangers = _Source({}, now_s + WINDOW_S)
            self._strangers.ends_in(WINDOW_S, self._end_strangers)
        if self._strangers.lines >= self._per_minute * _IN_ALL_FACTOR:
            self._strangers.left_out[name] += 1
            raise structlog.DropEvent
        self._strangers.lines += 1

    def _source(self, event: structlog.typing.EventDict, now_s: float) -> _Source:
        named = {k: event[k] for k in ("app", "remote") if event.get(k)}
        named = {"app": named["app"]} if "app" in named else named
        key = str(named)
        source = self._sources.get(key)
        if source is not None and source.until_s > now_s:
            return source
        if source is not None:
            self._end(key)
        source = self._sources[key] = _Source(named, now_s + WINDOW_S)
        source.ends_in(WINDOW_S, partial(self._end, key))
        if len(self._sources) > SOURCES_KEPT:
            self._end(next(iter(self._sources)))
        return source

    def _end(self, key: str) -> None:
        self._tell(self._sources.pop(key))

    def _end_strangers(self) -> None:
        self._tell(self._strangers)
        self._strangers.left_out.clear()

    def _tell(self, source: _Source) -> None:
        source.stop()
        if source.left_out:
            self._write(
                {
                    **source.named,
                    "lines": source.left_out.total(),
                    "by_event": dict(source.left_out),
                    "window_s": int(WINDOW_S),
                    "event": "log_lines_left_out",
                    "level": "warning",
                }
            )
