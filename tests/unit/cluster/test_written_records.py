"""Records that holders have not written yet are waited for, and stale calls read once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast
from unittest.mock import patch

import pytest
from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.cluster.forwarding import Forwarder
from bridge.cluster.lease import Lease
from bridge.cluster.pbx_names import OnePbx
from bridge.faults import StorageUnavailable
from bridge.http.cluster import written_records
from bridge.http.cluster.asked_owners import OwnerSilent
from bridge.http.cluster.stored_calls import StoredCalls
from bridge.http.cluster.written_records import WrittenRecords
from tests.lab.instant_time import instant
from tests.unit.calls.fakes import accepted

REQUEST = cast("web.Request", None)


class _Forwarder:
    def __init__(self, holder: Lease | None) -> None:
        self._holder = holder

    def holder(self, _: str) -> Lease | None:
        return self._holder


def records(holder: Lease | None = Lease("pbx:one", "a", 1, "http://a")) -> WrittenRecords:  # noqa: B008
    return WrittenRecords(cast("Forwarder", _Forwarder(holder)), OnePbx("one"))


@instant
async def test_many_requests_share_a_question_that_began_after_them() -> None:
    asked: list[float] = []
    loop = asyncio.get_running_loop()

    async def ask(_: object, names: Sequence[str], *__: object) -> Mapping[str, Any]:
        asked.append(loop.time())
        await asyncio.sleep(0.1)
        return dict.fromkeys(names)

    with patch.object(written_records, "ask_owners", ask):
        of_all = records()
        first = asyncio.create_task(of_all.written(REQUEST))
        await asyncio.sleep(0.05)
        # These came while the first question was under way: its answer may lack what they know of.
        others = [asyncio.create_task(of_all.written(REQUEST)) for _ in range(20)]
        await asyncio.gather(first, *others)
    assert asked == [0.0, pytest.approx(0.1)]


@instant
async def test_a_silent_holder_holds_nobody_up() -> None:
    async def ask(_: object, names: Sequence[str], *__: object) -> Mapping[str, Any]:
        return dict.fromkeys(names, OwnerSilent("dead"))

    with patch.object(written_records, "ask_owners", ask):
        await records().written(REQUEST)


@instant
async def test_stored_calls_are_read_once_a_second_however_many_ask() -> None:
    reads = 0

    async def read(_: str) -> Sequence[PhoneCall]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.2)
        if reads == 1:
            raise StorageUnavailable("down")
        return [accepted()]

    stored = StoredCalls(read)
    with pytest.raises(StorageUnavailable):
        await stored.of("one")
    found = await asyncio.gather(*(stored.of("one") for _ in range(50)))
    assert {len(x) for x in found} == {1}
    assert reads == 2
    await asyncio.sleep(1.1)
    await stored.of("one")
    assert reads == 3
