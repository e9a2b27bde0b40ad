"""One run: calls, faults, and what must be true when all is over."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.testing.eventually import eventually
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.webhook_receiver import Receiver
from tests.bench.ami_relay import AmiRelay
from tests.bench.bare_http import BareHttp
from tests.bench.directory_file import CLIENT_ID
from tests.bench.stage import ADDRESS, Stage, open_stage, token_of

from .app import App, Ordered
from .faults import Faults

_OVER_LIMIT_S = 90
_HANG_UP = 2
_SETTINGS = {"events_private_targets": "true", "requests_per_minute_max": "1000000"}


@dataclass(frozen=True, slots=True)
class Report:
    """`wrong`: one sentence for each promise that was not kept, with the calls."""

    seconds: float
    orders: int
    accepted: int
    asked_again: int
    faults: Counter[str]
    said: Counter[str]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        faults = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.faults.items()))
        said = (
            f"{self.orders} orders in {self.seconds:.0f} s, {self.accepted} accepted, "
            f"{self.asked_again} asked more than once; {faults}"
        )
        answers = ", ".join(f"{count} x {x or 'none'}" for x, count in self.said.most_common())
        said += f"\nanswers other than 202: {answers}"
        return "\n".join([said, *(self.wrong or ("nothing lost, nothing doubled",))])


async def chaos(folder: Path, seconds: float, per_s: float, seed: int) -> Report:
    """So many orders a second for so long, while the service is killed, frozen and cut off."""
    async with open_stage(folder) as stage, Receiver() as receiver:
        relay = AmiRelay(ADDRESS, stage.asterisk.ports.ami)
        await relay.start()
        try:
            async with stage.service(relay.port, _SETTINGS) as service:
                http = await _api(service)
                await _subscribe(http, receiver)
                app = App(http, random.Random(seed))
                faults = Faults(service, relay, random.Random(seed + 1))
                began = time.monotonic()
                await _calls_and_faults(app, faults, stage, seconds, per_s)
                wrong = await _found_wrong(stage, app.ordered, receiver)
                await http.close()
        finally:
            await relay.stop()
    return Report(
        time.monotonic() - began,
        len(app.ordered),
        sum(bool(x.call_id) for x in app.ordered),
        sum(bool(x.said) for x in app.ordered),
        faults.made,
        Counter(y for x in app.ordered for y in x.said),
        tuple(wrong),
    )


async def _api(service: BridgeProcess) -> BareHttp:
    token = await token_of(service, CLIENT_ID)
    port = int(service.base_url.rpartition(":")[2])
    return BareHttp("127.0.0.1", port, f"Authorization: Bearer {token}\r\n")


async def _subscribe(http: BareHttp, receiver: Receiver) -> None:
    body = json.dumps({"type": _HANG_UP, "url": receiver.url(), "method": 1}).encode()
    status, answer = await http.request("POST", "/uapi/extensions/@me/210/phoneCallEvents", body)
    assert status == 200, answer


async def _calls_and_faults(
    app: App, faults: Faults, stage: Stage, seconds: float, per_s: float
) -> None:
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(faults.go_on(over))
        began = time.monotonic()
        for number in range(int(seconds * per_s)):
            early_s = began + number / per_s - time.monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)  # until the moment at which the order is due
            group.create_task(app.call(stage.next_number()))
        over.set()


async def _found_wrong(stage: Stage, ordered: list[Ordered], receiver: Receiver) -> list[str]:
    """Waits until all is over, and compares what is known in four places."""
    ids = {x.call_id for x in ordered if x.call_id}
    ari = stage.ari()
    wrong: list[str] = []

    async def wait(what: str, so: Callable[[], Awaitable[set[str]]]) -> None:
        left: set[str] = set()

        async def none_left() -> bool:
            nonlocal left
            left = await so()
            return not left

        try:
            await eventually(none_left, _OVER_LIMIT_S)
        except AssertionError:
            wrong.append(f"{len(left)} {what}: {sorted(left)[:5]}")

    async def channels() -> set[str]:
        return {x["id"] for x in json.loads((await ari.request("GET", "/ari/channels"))[1])}

    async def without_record() -> set[str]:
        return ids - _ids(stage.database, "ended_ms IS NOT NULL")

    async def untold() -> set[str]:
        return ids - set(_told(receiver))

    await wait("channels are left in the PBX", channels)
    await wait("accepted calls have no final record", without_record)
    await wait("accepted calls have no hang-up event", untold)
    await ari.close()
    wrong += [f"not accepted after {x.said[-5:]}" for x in ordered if not x.call_id]
    talked = _ids(stage.database, "answered_ms IS NOT NULL")
    return wrong + doubled(ordered, _told(receiver), stage.source.rung, talked)


def doubled(
    ordered: list[Ordered], told: Counter[str], rung: Counter[str], talked: set[str]
) -> list[str]:
    """What came twice, or without an accepted order. `told`: hang-up events by call.

    `rung`: how often the source rang, by the caller's number. `talked`: calls that were answered.
    A call whose POST got 503 may have a record and an event, too. It has talked to nobody.
    """
    accepted = {x.number for x in ordered if x.call_id}
    ids = Counter(x.call_id for x in ordered if x.call_id)
    found = {
        "calls have two hang-up events": _twice(told),
        "calls talked and have no order": sorted(talked - set(ids)),
        "calls rang the source twice": _twice(rung),
        "calls rang that were not accepted": [x for x in rung if x not in accepted],
        "orders share an id": _twice(ids),
    }
    return [f"{len(names)} {what}: {names[:5]}" for what, names in found.items() if names]


def _twice(counted: Counter[str]) -> list[str]:
    return [x for x, count in counted.items() if count > 1]


def _ids(database: Path, where: str) -> set[str]:
    """Of the calls on disk that are so."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = connection.execute(f"SELECT id FROM calls WHERE {where}").fetchall()  # noqa: S608
    finally:
        connection.close()
    return {str(x[0]) for x in rows}


def _told(receiver: Receiver) -> Counter[str]:
    """Hang-up events by call; another attempt of a delivery is the same event."""
    first_attempts = {x.delivery_id: x for x in receiver.received}
    return Counter(x.parameters["CallAPIID"] for x in first_attempts.values())
