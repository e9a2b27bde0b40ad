"""The parts that an instance has once, and that each of its nodes uses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.token_service import TokenService
from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.clock import now_ms
from bridge.config.secrets_file import SecretSource
from bridge.config.settings import Settings
from bridge.directory.loader import CurrentDirectory
from bridge.http.keyed_answers import OTHERS_S, KeyedAnswers
from bridge.metrics.declared import Metrics
from bridge.phone_call_events.directory_numbers import DirectoryNumbers
from bridge.phone_call_events.rights import DirectoryRights
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.storage.engine import FROZEN_WRITER_LIMIT_S, open_engine
from bridge.storage.migrate import migrate
from bridge.storage.probe import StorageProbe
from bridge.storage.shared_changes import NO_NOTES, Notes
from bridge.storage.write_queue import WriteQueue
from bridge.tracing.traces import Traces
from bridge.wiring.edge import Edge, open_edge
from bridge.wiring.metrics import attempt_counter
from bridge.wiring.phone_call_events import open_phone_call_events
from bridge.wiring.tokens import token_service
from bridge.wiring.traces import open_traces

if TYPE_CHECKING:  # an instance that is alone loads nothing of it
    from bridge.wiring.several import Several


@dataclass(frozen=True, slots=True)
class SharedParts:
    """Started before the first node, and stopped after the last one.

    `several`: None for an instance that is alone. `now_ms`: the clock of all instances.
    """

    secrets: SecretSource
    directory: CurrentDirectory
    engine: AsyncEngine
    queue: WriteQueue
    answers: IdempotencyStore
    keyed_answers: KeyedAnswers
    edge: Edge | None
    tokens: TokenService
    now_ms: Callable[[], int]
    events: PhoneCallEvents
    metrics: Metrics
    traces: Traces
    several: Several | None


async def open_shared_parts(
    stack: AsyncExitStack, settings: Settings, own: CurrentDirectory | None
) -> SharedParts:
    """Started; `stack` stops them. `own`: the directory of an instance that is alone.

    Raises StorageUnavailable, StorageUnusable, DatabaseTooNew, PackagesMissing; an instance of
    several DirectoryError and SecretsFileError, too.
    """
    metrics = Metrics()
    engine = open_engine(
        settings.resolved_database_url,
        sqlite_synchronous=settings.sqlite_synchronous,
        writer_silence_limit_s=FROZEN_WRITER_LIMIT_S if settings.instance_name else None,
    )
    stack.push_async_callback(engine.dispose)
    await migrate(engine)
    several: Several | None = None
    notes: Notes = NO_NOTES
    clock: Callable[[], int] = now_ms
    if own is None:
        from bridge.wiring.several import open_several

        several = await open_several(stack, settings, engine)
        directory, notes = several.directory, several.memory.notes
        clock = several.memory.clock.now_ms
        fenced = several.leases.keeper.fenced
        queue = WriteQueue(engine, committed=metrics.commit_seconds.observe, fenced=fenced)
    else:
        directory = own
        queue = WriteQueue(engine, committed=metrics.commit_seconds.observe)
    traces = open_traces(stack, settings)
    await queue.start()
    stack.push_async_callback(queue.stop)
    probe = StorageProbe(queue, settings.instance_name or settings.pbx_name)
    await probe.start()
    stack.push_async_callback(probe.stop)
    answers = IdempotencyStore(engine, queue, lifetime_ms=settings.idempotency_lifetime_s * 1000)
    tokens = token_service(settings, engine, queue, directory, notes, clock)
    await tokens.start()
    events = await open_phone_call_events(
        stack,
        settings,
        engine,
        queue,
        DirectoryNumbers(directory),
        DirectoryRights(directory),
        attempt_counter(metrics),
        traces,
        None if several is None else several.deliveries(queue),
        notes=notes,
    )
    return SharedParts(
        secrets=directory.secret_source,
        directory=directory,
        engine=engine,
        queue=queue,
        answers=answers,
        keyed_answers=KeyedAnswers(answers, 0.0 if several is None else OTHERS_S, clock),
        edge=await open_edge(stack, settings, engine, queue),
        tokens=tokens,
        now_ms=clock,
        events=events,
        metrics=metrics,
        traces=traces,
        several=several,
    )
