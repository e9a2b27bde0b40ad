"""Events, storage and deliveries in the process of the test: calls end as fast as wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallEnded
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_store import CallStore
from bridge.config.settings import Settings
from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.phone_call_events.subscription import (
    BodyFormat,
    EventType,
    Method,
    Subscription,
    new_secret,
    new_subscription_id,
)
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.storage.write_queue import WriteQueue
from bridge.wiring.phone_call_events import SharedBy, open_phone_call_events
from tests.integration.storage.phone_calls import ended, live_call

EXTENSION = "0003*210"


class NoNumbers:
    def public_number(self, extension: str) -> str | None:
        return None

    def extension_of(
        self, dialled: str, organization: str | None, *, from_outside: bool
    ) -> str | None:
        return None


class RightsAsTold:
    """Everybody may hear of everything, but for apps in `without`."""

    def __init__(self) -> None:
        self.without: set[str] = set()

    def may_hear(self, subscription: Subscription) -> bool:
        return subscription.client_id not in self.without


class EventsInProcess:
    """`settings` are those of bridge/config/settings.py."""

    engine: AsyncEngine
    events: PhoneCallEvents
    queue: WriteQueue

    def __init__(self, folder: Path, **settings: object) -> None:
        values: dict[str, object] = {
            "state_dir": folder,
            "events_private_targets": True,
            "events_timeout_s": 1,
            "events_retry_first_s": 0.05,
            "events_retry_last_s": 0.2,
            "events_refused_max": 1_000,  # as many tries as an hour has, in seconds
            "events_final_refused_max": 1_000,
            **settings,
        }
        self._settings = Settings.model_validate(values)
        self._stack = AsyncExitStack()
        self.rights = RightsAsTold()

    async def __aenter__(self) -> Self:
        settings = self._settings
        engine = self.engine = open_engine(settings.resolved_database_url)
        self._stack.push_async_callback(engine.dispose)
        await migrate(engine)
        self.queue = WriteQueue(engine)
        await self.queue.start()
        self._stack.push_async_callback(self.queue.stop)
        self.calls = CallStore(engine, self.queue)
        self.events = await open_phone_call_events(
            self._stack,
            settings,
            engine,
            self.queue,
            NoNumbers(),
            self.rights,
            shared_by=await self._shared_by(settings, engine, self._stack),
        )
        await self._begin(self._stack)
        return self

    async def _shared_by(
        self, settings: Settings, engine: AsyncEngine, stack: AsyncExitStack
    ) -> SharedBy | None:
        """Where several instances share the deliveries."""
        return None

    async def _begin(self, stack: AsyncExitStack) -> None:
        """What begins after the deliveries, and ends before them."""

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def subscribe(
        self,
        url: str,
        method: Method = Method.POST,
        *,
        extension: str = EXTENSION,
        json: bool = False,
    ) -> Subscription:
        """To hang-ups; `json`: as JSON."""
        subscription = Subscription(
            id=new_subscription_id(),
            extension=extension,
            types=(EventType.HANG_UP,),
            url=url,
            method=method,
            enabled=True,
            note="",
            secret=new_secret(),
            client_id="app",
            modified_ms=0,
            format=BodyFormat.JSON if json else BodyFormat.FORM,
        )
        await self.events.create(subscription)
        return subscription

    def end_a_call(self, extension: str = EXTENSION) -> PhoneCall:
        """A call of that extension ends; its events are written with its final record."""
        call = _talking(live_call(published_ms=time.time_ns() // 1_000_000), extension)
        call = ended(call, call.published_ms)
        assert call.final is not None
        change = Change(None, call, (CallEnded(call.final),))
        rows = self.events.rows.of_change(change)
        if rows is not None:
            self.calls.finish_later(call, rows.rows, rows.written)
        return call

    async def deliveries(self, subscription: Subscription) -> list[Delivery]:
        """In order, as they are on disk once all that waits to be written is."""
        await self.queue.submit()
        found, _ = await self.events.deliveries(
            subscription, start=0, count=100_000, newest_first=False
        )
        return found


def _talking(call: PhoneCall, extension: str) -> PhoneCall:
    """Its first party is that extension."""
    first, *others = call.legs
    first = replace(
        first,
        uniqueid=call.id,
        answered_ms=call.published_ms,
        number=extension,
        extension=extension,
    )
    return replace(call, legs=(first, *others), answered_ms=call.published_ms)


OpenEventsInProcess = Callable[..., EventsInProcess]
