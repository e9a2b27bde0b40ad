"""Making the service of PhoneCallEvents out of the settings."""

from __future__ import annotations

from contextlib import AsyncExitStack

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.phone_call_events.event_parameters import Numbers
from bridge.phone_call_events.phone_call_events import EventLimits, PhoneCallEvents
from bridge.phone_call_events.retry_schedule import RetrySchedule
from bridge.phone_call_events.rights import Rights
from bridge.phone_call_events.sender import EventSender, SendLimits
from bridge.settings import Settings
from bridge.storage.event_deliveries import EventDeliveryStore
from bridge.storage.event_subscriptions import EventSubscriptionStore
from bridge.storage.write_queue import WriteQueue


async def open_phone_call_events(
    stack: AsyncExitStack,
    settings: Settings,
    engine: AsyncEngine,
    queue: WriteQueue,
    numbers: Numbers,
    rights: Rights,
) -> PhoneCallEvents:
    """Started, and stopped by `stack`; what was not delivered last time is being delivered."""
    sender = await stack.enter_async_context(
        EventSender(
            SendLimits(
                timeout_s=settings.events_timeout_s,
                connections=settings.events_connections_max,
                connections_per_host=settings.events_connections_per_host_max,
                private_targets=settings.events_private_targets,
            )
        )
    )
    events = PhoneCallEvents(
        EventSubscriptionStore(engine, queue),
        EventDeliveryStore(engine, queue),
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
            stop_timeout_s=settings.events_timeout_s,
        ),
        numbers,
        rights,
    )
    await events.start()
    stack.push_async_callback(events.stop)
    return events
