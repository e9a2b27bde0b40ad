"""A receiver of webhooks for flows: it checks the signature and the order of every event."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from aiohttp import web

from bridge.client import SignatureInvalid, UapiClient, verify_signature
from bridge.testing.expecting import Seen, expect, fail
from bridge.testing.journal import Journal, Observation, Source, now_ms

TYPES = {
    "0": "dial-in",
    "1": "dial-out",
    "2": "hang-up",
    "3": "answer incoming",
    "4": "answer outgoing",
    "100": "digit",
}
"""The names of the types of events, as docs/phone-call-events.md has them."""
_ALL = ",".join(TYPES)
_QUIET_S = 0.3


@dataclass(frozen=True)
class CallEvent:
    """`name`: of TYPES. `status`: CallStatus, as `ANSWER`. `raw`: the event in JSON."""

    name: str
    status: str
    call_id: str
    sequence: int
    raw: Mapping[str, Any] = field(repr=False)

    def is_named(self, text: str) -> bool:
        """Whether `text` means it: `hang-up`, or `hang-up ANSWER` with the status."""
        return text in (self.name, str(self))

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


class Subscription:
    """The events of one extension, in the order in which they came.

    `faults`: what was wrong with any of them; an expectation fails if there is one.
    """

    def __init__(self, extension: str, journal: Journal) -> None:
        self.extension = extension
        self.events: list[CallEvent] = []
        self.faults: list[str] = []
        self.secret = ""
        self._journal = journal
        self._known: set[str] = set()
        self._last_sequence = 0

    async def exactly(self, *names: str, within_s: float = 10.0) -> list[CallEvent]:
        """These events in this order since the last expectation, and no others; returns them.

        A name is `dial-out`, or `hang-up ANSWER` with the CallStatus. Raises FlowFailure, and
        ValueError for a name that no event has.
        """
        _check(names)
        expected = f"{self.extension} gets exactly: {', '.join(names) or 'no event'}"

        async def enough() -> Seen[None]:
            return Seen(len(self.events) >= len(names), self._seen(), None)

        await expect(self._journal, expected, enough, within_s)
        await asyncio.sleep(_QUIET_S)  # one event too many comes right after the others
        found = list(self.events)
        right = [event.is_named(name) for event, name in zip(found, names, strict=False)]
        if self.faults or len(found) != len(names) or not all(right):
            raise fail(self._journal, expected, self._seen())
        self.events.clear()
        return found

    async def include(self, name: str, *, within_s: float = 10.0) -> CallEvent:
        """One such event has come, or comes; returns it. Raises as `exactly`."""
        _check([name])

        async def look() -> Seen[CallEvent | None]:
            found = [x for x in self.events if x.is_named(name)]
            return Seen(bool(found), self._seen(), found[0] if found else None)

        expected = f"{self.extension} gets {name}"
        event = await expect(self._journal, expected, look, within_s)
        assert event is not None
        return event

    def take(self, request: web.BaseRequest, body: bytes) -> int:
        """Check one request and keep its event; the status of the answer."""
        headers = request.headers
        fault = ""
        try:
            verify_signature(self.secret, headers, request.method, request.raw_path, body)
        except SignatureInvalid as why:
            fault = f"the signature is wrong: {why}"
        event = _event(body) if not fault else None
        self._tell(event, fault, headers, body)
        if event is None:
            self.faults.append(fault)
            return 401
        if (delivery := headers["X-Event-Delivery-Id"]) in self._known:
            return 200
        if event.sequence <= self._last_sequence:
            self.faults.append(f"{event} came after a later event")
        self._last_sequence = max(self._last_sequence, event.sequence)
        self._known.add(delivery)
        self.events.append(event)
        return 200

    def _tell(
        self, event: CallEvent | None, fault: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        head = "\n".join(f"{name}: {value}" for name, value in headers.items())
        self._journal.note(
            Observation(
                now_ms(),
                Source.WEBHOOK,
                self.extension,
                "refused" if fault else "received",
                fault or str(event),
                f"{head}\n\n{body.decode(errors='replace')}",
                event.call_id if event is not None else "",
                "service",
                outgoing=False,
            )
        )

    def _seen(self) -> str:
        text = ", ".join(str(x) for x in self.events) or "no event"
        return text + (f"; faults: {'; '.join(self.faults)}" if self.faults else "")


class EventReceiver:
    """An HTTP server of a test; `follow` subscribes it to the events of an extension."""

    def __init__(self, api: UapiClient, journal: Journal, address: str = "127.0.0.1") -> None:
        self._api = api
        self._journal = journal
        self._address = address
        self._runner: web.ServerRunner | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._paths: list[str] = []

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._take), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for path in self._paths:
            await self._api.request("DELETE", path)
        if self._runner is not None:
            await self._runner.cleanup()

    async def follow(self, extension: str, types: str = _ALL) -> Subscription:
        """Subscribe to all types of events of the extension, or to those in `types`."""
        assert self._runner is not None, "use the receiver as `async with`"
        subscription = Subscription(extension, self._journal)
        path = f"/{len(self._subscriptions)}"
        self._subscriptions[path] = subscription
        port = self._runner.addresses[0][1]
        where = f"/uapi/extensions/{self._api.user}/{extension}/phoneCallEvents"
        url = f"http://{self._address}:{port}{path}"
        body = {"type": types, "url": url, "method": "1", "format": "json"}
        answer = await self._api.request("POST", where, body=body)
        subscription.secret = self._api.event_secret
        self._paths.append(f"{where}/{types.partition(',')[0]}/{answer['id']}")
        return subscription

    async def __call__(self, extension: str, types: str = _ALL) -> Subscription:
        """As `follow`."""
        return await self.follow(extension, types)

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        subscription = self._subscriptions.get(request.path)
        if subscription is None:
            return web.Response(status=404)
        return web.Response(status=subscription.take(request, await request.read()))


def _check(names: Iterable[str]) -> None:
    for name in names:
        if not any(name == x or name.startswith(f"{x} ") for x in TYPES.values()):
            raise ValueError(f"{name!r} is no event; there are {', '.join(TYPES.values())}")


def _event(body: bytes) -> CallEvent:
    raw: dict[str, Any] = orjson.loads(body)
    parameters = raw.get("parameters", {})
    kind = str(raw["type"])
    return CallEvent(
        TYPES.get(kind, kind),
        str(parameters.get("CallStatus", "")),
        str(parameters.get("CallAPIID", "")),
        int(raw.get("sequence", 0)),
        raw,
    )
