"""Every event of some extensions, as a receiver got it, call by call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.webhook_receiver import Received, Receiver

from .subscriber import TYPES, deliveries, subscribe

NAMES = ("dial-in", "dial-out", "hang-up", "answer incoming", "answer outgoing")


class AllEvents:
    """Subscribed to all types of all `extensions`.

    `may_repeat`: after a kill -9 the last deliveries before it may come again, with their id.
    """

    may_repeat = False

    def __init__(self, api: ApiClient, receiver: Receiver, extensions: Sequence[str]) -> None:
        self._api = api
        self._receiver = receiver
        self._extensions = extensions
        self.ids: dict[tuple[str, int], str] = {}

    async def subscribe(self) -> None:
        for extension in self._extensions:
            for kind in TYPES:
                url = self._receiver.url(f"/{extension}/{kind}")
                found, _ = await subscribe(self._api, extension, kind, url)
                self.ids[extension, kind] = found

    async def all_delivered(self) -> list[Received]:
        """Once all on record have come: each, nothing else, and none twice but for `may_repeat`."""
        on_record = [
            x
            for (extension, kind), found in self.ids.items()
            for x in await deliveries(self._api, extension, kind, found)
        ]
        ids = {x["id"] for x in on_record}
        assert len(ids) == len(on_record)
        receiver = self._receiver
        await receiver.wait(lambda: ids <= {x.delivery_id for x in receiver.received})
        first = {x.delivery_id: x for x in reversed(receiver.received)}
        assert set(first) == ids
        assert self.may_repeat or len(receiver.received) == len(ids)
        return list(first.values())

    async def told(self, call_id: str) -> dict[str, list[str]]:
        """Of a call that is over: what each extension was told, e.g. `dial-out CALLING`."""
        events = await self.all_delivered()
        _assert_one_direction(events, call_id)
        return _by_extension(events, call_id)

    async def wait_told(self, call_id: str, wanted: dict[str, list[str]]) -> None:
        """Until that has come, so that it is on disk; what a GET shows may not be so yet."""
        received = self._receiver.received
        await self._receiver.wait(lambda: _by_extension(received, call_id) == wanted)


def _assert_one_direction(events: Iterable[Received], call_id: str) -> None:
    """Who was told of a call as the caller hangs up as the caller, and likewise the called side."""
    of_call = [x for x in events if x.parameters["CallAPIID"] == call_id]
    for hang_up in (x for x in of_call if x.path.endswith("/2")):
        extension = hang_up.path.split("/")[1]
        before = {x.path: x.parameters["CallFlow"] for x in of_call if extension in x.path}
        del before[hang_up.path]
        called = f"/{extension}/3" in before or (before and set(before.values()) == {"in"})
        if before:
            flow = "in" if called and f"/{extension}/4" not in before else "out"
            assert hang_up.parameters["CallFlow"] == flow, (extension, before)
            party = "CallerExtension" if flow == "out" else "CalledExtension"
            assert hang_up.parameters[party] == extension


def _by_extension(events: Iterable[Received], call_id: str) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    counted: set[str] = set()
    for event in events:
        if event.parameters["CallAPIID"] != call_id:
            continue
        if event.delivery_id in counted and event.attempt > 1:
            continue  # the answer to the one before came too late
        counted.add(event.delivery_id)
        _, extension, kind = event.path.split("/")
        line = f"{NAMES[int(kind)]} {event.parameters['CallStatus']}"
        told.setdefault(extension.removeprefix("0003*"), []).append(line)
    # subscriptions are served independently of each other
    return {extension: sorted(lines) for extension, lines in told.items()}
