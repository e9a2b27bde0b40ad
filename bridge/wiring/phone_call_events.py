"""Making the service of PhoneCallEvents out of the settings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.config.setting_values import port_ranges
from bridge.config.settings import Settings
from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.event_parameters import EventForm, Numbers
from bridge.phone_call_events.give_up_rules import TryLimits
from bridge.phone_call_events.retry_delay import RetrySchedule
from bridge.phone_call_events.rights import Rights
from bridge.phone_call_events.sender import EventSender, SendLimits
from bridge.phone_call_events.service import EventLimits, PhoneCallEvents
from bridge.phone_call_events.store.app_secret_store import AppSecretStore
from bridge.phone_call_events.store.attempt_store import AttemptStore
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.target_address import TargetRules
from bridge.storage.shared_changes import NO_NOTES, Notes
from bridge.storage.write_queue import WriteQueue
from bridge.tracing.traces import NO_TRACES, Traces
from bridge.wiring.traces import told_of_attempts

SharedBy = Callable[[DeliveryContext], Deliveries]

# Of a test event, beyond the time of its receiver: for the disk and for a free connection.
_TEST_WAITS_S = 2.0


async def open_phone_call_events(
    stack: AsyncExitStack,
    settings: Settings,
    engine: AsyncEngine,
    queue: WriteQueue,
    numbers: Numbers,
    rights: Rights,
    tried: Callable[[Delivery, Attempt], None] = lambda *_: None,
    traces: Traces = NO_TRACES,
    shared_by: SharedBy | None = None,
    notes: Notes = NO_NOTES,
) -> PhoneCallEvents:
    """Started, and stopped by `stack`; what was not delivered last time is being delivered.

    `tried` is told of each attempt. `shared_by`: as of PhoneCallEvents.
    """
    sender = await stack.enter_async_context(
        EventSender(
            SendLimits(
                timeout_s=settings.events_timeout_s,
                connections=settings.events_connections_max,
                connections_per_organization=settings.events_connections_per_organization_max,
                connections_per_host=settings.events_connections_per_host_max,
                targets=target_rules(settings),
                ca_file=settings.events_ca_file,
            ),
            told_of_attempts(tried, traces),
            traces.traceparent,
        )
    )
    events = PhoneCallEvents(
        EventSubscriptionStore(engine, queue, notes),
        EventDeliveryStore(engine, queue),
        AttemptStore(engine, queue, settings.timeline_entries_max),
        AppSecretStore(engine, queue, notes),
        sender,
        RetrySchedule(
            settings.events_retry_first_s,
            settings.events_retry_last_s,
            settings.events_retry_after_max_s,
        ),
        EventLimits(
            per_extension=settings.events_per_extension_max,
            age_max_s=settings.events_age_max_s,
            waiting_max=settings.events_waiting_max,
            tries=TryLimits(
                attempts=settings.events_attempts_max,
                refused=settings.events_refused_max,
                final=settings.events_final_refused_max,
                final_statuses=frozenset(settings.events_final_statuses),
            ),
            stop_timeout_s=settings.events_timeout_s,
            tests_per_minute=settings.events_tests_per_minute,
            answer_limit_s=settings.events_timeout_s + _TEST_WAITS_S,
        ),
        numbers,
        rights,
        EventForm(
            upper_case_flow=settings.events_call_flow == "upper",
            public_caller_id=settings.events_caller_id == "public",
        ),
        shared_by=shared_by,
    )
    await events.start()
    stack.push_async_callback(events.stop)
    return events


def target_rules(settings: Settings) -> TargetRules:
    """Which addresses and ports the URLs of subscriptions may lead to."""
    return TargetRules(settings.events_private_targets, port_ranges(settings.events_ports))
