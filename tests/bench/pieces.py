"""What each home-made piece is worth, beside the library's way, in one run.

    python -m tests.bench.pieces [ROUNDS]

Only ratios count: both sides run in turn, on the same machine, in the same minute. The best of
several rounds is taken of each.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import importlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.dialects.sqlite import insert

from bridge.calls.state import fast_replace, pbx_events
from bridge.calls.store.call_writes import upsert_call
from bridge.storage.disk_thread import DiskThread
from bridge.storage.tables import calls, metadata
from tests.integration.storage.phone_calls import live_call
from tests.unit.calls.replaying import STORIES, Replay, recorded, typed

LATEST = ("ConfbridgeJoin", "ConfbridgeLeave", "QueueCallerLeave", "MessageWaiting", "DTMFEnd")
"""Events of conferences, queues, mailboxes and digits."""
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5


@dataclass(frozen=True)
class Worth:
    """`library_s` and `ours_s`: seconds for the same work."""

    piece: str
    work: str
    library_s: float
    ours_s: float

    def __str__(self) -> str:
        return f"{self.piece:<16} {self.library_s / self.ours_s:6.2f} times as fast: {self.work}"


def in_turn(library: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """The shortest time of each, in seconds."""
    found = list[float](), list[float]()
    for _ in range(ROUNDS):
        for work, times in zip((library, ours), found, strict=True):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
    return min(found[0]), min(found[1])


def event_dataclass() -> Iterator[Worth]:
    ours = pbx_events.DialBegun
    frozen = type("Frozen", (), {"__init__": _frozen_init(ours), "__slots__": _names(ours)})
    values = tuple(range(len(_names(ours))))

    def make(cls: Any) -> Callable[[], object]:
        return lambda: [cls(*values) for _ in range(20_000)]

    # A class that refuses assignments is needed for neither side: only `__init__` differs.
    yield Worth("event_dataclass", "making an event", *in_turn(make(frozen), make(ours)))
    yield Worth("event_dataclass", "decoding the recordings", *_decode_frozen())


def _names(cls: Any) -> tuple[str, ...]:
    return tuple(x.name for x in dataclasses.fields(cls))


def _frozen_init(cls: Any) -> Any:
    """What `dataclass(frozen=True)` makes of these fields."""
    fields: list[Any] = []
    for field in dataclasses.fields(cls):
        if field.default is not dataclasses.MISSING:
            fields.append((field.name, object, dataclasses.field(default=field.default)))
        elif field.default_factory is not dataclasses.MISSING:
            made = dataclasses.field(default_factory=field.default_factory)
            fields.append((field.name, object, made))
        else:
            fields.append((field.name, object))
    twin: Any = dataclasses.make_dataclass("Twin", fields, frozen=True)
    return twin.__init__


def _decode() -> None:
    for story in STORIES:
        typed(recorded(story))


def _with_inits(inits: dict[Any, Any]) -> None:
    for cls, init in inits.items():
        cls.__init__ = init


def _decode_frozen() -> tuple[float, float]:
    classes = [x for x in vars(pbx_events).values() if dataclasses.is_dataclass(x)]
    frozen = {x: _frozen_init(x) for x in classes}
    ours = {x: vars(x)["__init__"] for x in classes}
    found = list[float](), list[float]()
    try:
        for _ in range(ROUNDS):
            for inits, times in zip((frozen, ours), found, strict=True):
                _with_inits(inits)
                began = time.perf_counter()
                _decode()
                times.append(time.perf_counter() - began)
    finally:
        _with_inits(ours)
    return min(found[0]), min(found[1])


def fast_replacement() -> Iterator[Worth]:
    call = live_call()

    def changed(replace: Any) -> Callable[[], object]:
        return lambda: [replace(call, answered_ms=at_ms) for at_ms in range(20_000)]

    ours: Any = fast_replace.replace
    both = in_turn(changed(dataclasses.replace), changed(ours))
    yield Worth("fast_replace", "changing a call", *both)
    yield Worth("fast_replace", "replaying the recordings", *in_turn(_replay_plainly, _replay))


def _replay() -> None:
    for story in STORIES:
        Replay(story).run()


def _replay_plainly() -> None:
    ours: Any = fast_replace.replace
    users = [x for x in sys.modules.values() if getattr(x, "replace", None) is ours]
    for module in users:
        setattr(module, "replace", dataclasses.replace)  # noqa: B010
    try:
        _replay()
    finally:
        for module in users:
            setattr(module, "replace", ours)  # noqa: B010


async def disk_thread(folder: Path) -> Worth:
    """A commit of one row, as the write queue waits for it."""
    ours, pool = DiskThread("bench"), ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()

    def opened(name: str) -> Callable[[], None]:
        connection = sqlite3.connect(folder / name, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")  # the thread is measured, not the disk
        connection.execute("CREATE TABLE rows (at INTEGER)")

        def add_row() -> None:
            connection.execute("INSERT INTO rows VALUES (1)")

        return add_row

    def library(work: Callable[[], None]) -> Awaitable[None]:
        return loop.run_in_executor(pool, work)

    times: dict[bool, list[float]] = {True: [], False: []}
    commits = {True: opened("library"), False: opened("ours")}
    for _ in range(ROUNDS):
        for is_library, taken in times.items():
            began, commit = time.perf_counter(), commits[is_library]
            for _ in range(3_000):
                await (library(commit) if is_library else ours.run(commit))
            taken.append(time.perf_counter() - began)
    ours.stop()
    pool.shutdown()
    return Worth("disk_thread", "a row without fsync", min(times[True]), min(times[False]))


def plain_sql(folder: Path) -> Iterator[Worth]:
    engine = create_engine(f"sqlite:///{folder / 'plain.db'}")
    metadata.create_all(engine)
    call = live_call()
    write = upsert_call(call, guard=False)
    statement = insert(calls)
    statement = statement.on_conflict_do_update(
        index_elements=[calls.c.id],
        set_={x.name: statement.excluded[x.name] for x in calls.c if x.name != "id"},
        where=calls.c.ended_ms.is_(None),
    )
    values = dict(zip(write.statement.names, write.params, strict=True))
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None

        def library() -> None:
            for _ in range(1_000):
                connection.execute(statement, values)

        def ours() -> None:
            for _ in range(1_000):
                made = write.statement.write(**values)
                raw.execute(made.statement.sqlite, made.params)

        yield Worth("plain SQL", "an upsert of a call", *in_turn(library, ours))


def garbage() -> list[str]:
    """Of `gc.disable` the share of the CPU time of a start, of `gc.freeze` the pause it saves."""

    def start_cpu_s(switch: str) -> float:
        code = (
            f"import gc, time; {switch}; import bridge.wiring.service; print(time.process_time())"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
        return float(done.stdout)

    pairs = [(start_cpu_s("gc.enable()"), start_cpu_s("gc.disable()")) for _ in range(2 * ROUNDS)]
    with_s, without_s = (min(x) for x in zip(*pairs, strict=True))
    importlib.import_module("bridge.wiring.service")
    gc.collect()
    began = time.perf_counter()
    gc.collect()
    pause_s = time.perf_counter() - began
    return [
        f"{'gc.disable':<16} {with_s / without_s:6.2f} times as fast: loading the service",
        f"{'gc.freeze':<16} {pause_s * 1000:6.0f} ms less for each full search for garbage",
    ]


def latest_events() -> str:
    """Their share of the time that decoding all recordings takes. They are few, so many times."""
    events = [x for story in STORIES for x in recorded(story)]
    latest = [x for x in events if x.headers.get("Event") in LATEST]
    all_s, latest_s = in_turn(lambda: typed(events), lambda: typed(latest * 50))
    share = f"{latest_s / 50 / all_s:6.1%} of the time to decode the recordings"
    return f"{'latest events':<16} {share}, {len(latest) / len(events):.1%} of the events"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-pieces-") as name:
        folder = Path(name)
        found = [*event_dataclass(), *fast_replacement()]
        found += [asyncio.run(disk_thread(folder)), *plain_sql(folder)]
    for worth in [*found, *garbage(), latest_events()]:
        print(worth)  # noqa: T201 - the table is what it is for


if __name__ == "__main__":
    main()
