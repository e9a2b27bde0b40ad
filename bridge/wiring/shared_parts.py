"""The parts that an instance has once, and that each of its nodes uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.config.secrets_file import SecretSource
from bridge.directory.loader import CurrentDirectory
from bridge.http.keyed_answers import KeyedAnswers
from bridge.metrics.declared import Metrics
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.tracing.traces import Traces
from bridge.wiring.edge import Edge

if TYPE_CHECKING:  # an instance that is alone loads nothing of it
    from bridge.cluster.opened_leases import OpenedLeases


@dataclass(frozen=True, slots=True)
class SharedParts:
    """Started before the first node, and stopped after the last one.

    `leases`: None for an instance that is alone.
    """

    secrets: SecretSource
    directory: CurrentDirectory
    engine: AsyncEngine
    answers: IdempotencyStore
    keyed_answers: KeyedAnswers
    edge: Edge | None
    events: PhoneCallEvents
    metrics: Metrics
    traces: Traces
    leases: OpenedLeases | None
