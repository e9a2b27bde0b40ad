"""An instance that is killed, or stands still, at the lines where a call may be lost or doubled.

Another one takes its PBX over. The PBX is a script, so that each Originate is counted.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.calls.state.phone_call import Disposition, PhoneCall
from bridge.calls.store.ended_calls import EndedCalls
from bridge.storage.engine import FROZEN_WRITER_LIMIT_S, open_engine
from bridge.storage.fence import Fence
from bridge.storage.migrate import migrate
from bridge.testing.eventually import eventually
from tests.integration.storage.lease_rows import TAKE_OVER, connected, give
from tests.scripted_ami.server import ReceivedAction, ScriptedAmi, Session, channel, event

from .instance_process import InstanceProcess, instance_process
from .instance_with_fault import KEY, QUEUED
from .small_instance import PBX, SmallInstance

FIRST, SECOND = Fence(f"pbx:{PBX}", 1, "me"), Fence(f"pbx:{PBX}", 2, "other")
SLACK_S = 1.0  # what a loaded machine may add

_ROWS = (
    "SELECT id, pbx, published_ms, ended_ms, document FROM calls ORDER BY id",
    "SELECT extension, published_ms, call_id FROM call_parties ORDER BY extension, call_id",
    "SELECT client_id, key, status FROM idempotency ORDER BY client_id, key",
)


@pytest.fixture
async def ami() -> AsyncIterator[ScriptedAmi]:
    async with ScriptedAmi() as ami:
        yield ami


@pytest.fixture
async def database(postgresql_url: str) -> AsyncIterator[Any]:
    """A connection of the test; the first instance holds the PBX."""
    await prepared(postgresql_url)
    async with connected(postgresql_url) as connection:
        yield connection


async def prepared(url: str) -> None:
    engine = open_engine(url)
    await migrate(engine)
    await engine.dispose()
    async with connected(url) as connection:
        await give(connection, FIRST)


async def take_over(database: Any) -> float:
    """Returns how many seconds it took."""
    began_s = time.monotonic()
    await database.execute(TAKE_OVER, FIRST.resource)
    return time.monotonic() - began_s


async def rows_of(database: Any) -> list[list[tuple[Any, ...]]]:
    return [[tuple(x) for x in await database.fetch(query)] for query in _ROWS]


async def final_records(instance: SmallInstance) -> list[PhoneCall]:
    asked = EndedCalls(["0003*210"], 0, count=1000)
    return (await instance.calls.ended(asked, lambda call: call))[0]


async def ended_as_lost(instance: SmallInstance, call_id: str) -> None:
    """The one call has its one final record, and nobody has dialled it."""
    await eventually(lambda: not list(instance.switchboard.calls.live), 10)
    [call] = await final_records(instance)
    assert call.id == call_id
    assert call.final is not None
    assert (call.final.reason, call.final.disposition) == ("instance lost", Disposition.FAILED)


async def test_given_kill_9_before_the_originate_then_it_never_rings_and_its_key_replays(
    database: Any, ami: ScriptedAmi, postgresql_url: str
) -> None:
    async with instance_process(
        postgresql_url, ami.port, FIRST, "killed_before_originate"
    ) as first:
        await first.ended()
        [[call_id]] = first.words("accepted")
    await take_over(database)
    async with SmallInstance(postgresql_url, ami.port, SECOND) as second:
        again = await second.create(KEY)
        assert (again.replayed, again.text) == (True, call_id)
        await ended_as_lost(second, call_id)
    assert ami.actions("Originate") == []


async def test_given_kill_9_before_the_word_of_the_pbx_then_the_call_is_adopted(
    database: Any, ami: ScriptedAmi, postgresql_url: str
) -> None:
    killed: list[InstanceProcess] = []

    async def ring_and_kill(_: Session, action: ReceivedAction) -> None:
        ami.channels.append(channel("PJSIP/0003*210-00000001", action.value("ChannelId"), 5))
        killed[0].kill()

    ami.on["Originate"] = ring_and_kill
    async with instance_process(postgresql_url, ami.port, FIRST, "none") as first:
        killed.append(first)
        await first.ended()
    [originate] = ami.actions("Originate")
    call_id = originate.value("ChannelId")
    await take_over(database)
    async with SmallInstance(postgresql_url, ami.port, SECOND) as second:
        again = await second.create(KEY)
        assert (again.replayed, again.text) == (True, call_id)
        [call] = second.switchboard.calls.live
        assert (call.id, list(call.channels)) == (call_id, [call_id])
        ami.channels.clear()
        await ami.send(
            event(
                "Hangup",
                Channel="PJSIP/0003*210-00000001",
                Uniqueid=call_id,
                Linkedid=call_id,
                ChannelState=5,
                Cause=16,
            ),
            event(
                "OriginateResponse",
                ActionID=f"call-{call_id}",
                Response="Failure",
                Reason=3,
                Uniqueid=call_id,
            ),
        )
        await eventually(lambda: not list(second.switchboard.calls.live), 10)
        [ended] = await final_records(second)
        assert ended.id == call_id
    assert len(ami.actions("Originate")) == 1


async def test_given_frozen_before_the_originate_then_the_thawed_instance_dials_nothing(
    database: Any, ami: ScriptedAmi, postgresql_url: str
) -> None:
    async with instance_process(
        postgresql_url, ami.port, FIRST, "frozen_before_originate", lasts_s=3.0
    ) as first:
        await first.frozen()
        frozen_s = time.monotonic()
        await take_over(database)
        async with SmallInstance(postgresql_url, ami.port, SECOND) as second:
            [call] = second.switchboard.calls.live
            await ended_as_lost(second, call.id)
            before = await rows_of(database)
            await eventually(lambda: time.monotonic() - frozen_s > 3.0, 10)
            await first.thaw()
            assert first.words("refused") == [["PbxNotHeld"]]
            assert first.words("fenced") == [["pbx:main", "1"]]
            # Its record is not written, and its key is free: its client was told to come again.
            after = await rows_of(database)
            assert after[:2] == before[:2]
            assert after[2] == []
            assert not (await second.create(KEY)).replayed
    assert len(ami.actions("Originate")) == 1  # that of the second


@pytest.mark.parametrize("taken_over", [True, False])
async def test_given_frozen_before_the_commit_then_a_takeover_waits_no_longer_than_2_s(
    database: Any, ami: ScriptedAmi, postgresql_url: str, taken_over: bool
) -> None:
    async with instance_process(postgresql_url, ami.port, FIRST, "frozen_before_commit") as first:
        await first.frozen()
        before = await rows_of(database)
        if taken_over:
            assert await take_over(database) < FROZEN_WRITER_LIMIT_S + SLACK_S
        else:  # the server drops the writer all the same
            gone = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"

            async def dropped() -> bool:
                return bool(await database.fetchval(gone) == 0)

            await eventually(dropped, FROZEN_WRITER_LIMIT_S + SLACK_S)
        await first.thaw()
    assert first.words("refused") == [["StorageUnavailable"]]
    assert first.words("fenced") == ([["pbx:main", "1"]] if taken_over else [])
    assert ami.actions("Originate") == []
    calls, parties, keys = await rows_of(database)
    if taken_over:
        assert [calls, parties, keys] == before
        async with SmallInstance(postgresql_url, ami.port, SECOND) as second:
            assert not (await second.create(KEY)).replayed
    else:  # nobody knew whether the COMMIT had come through, so the call has a final record
        assert [x[3] is not None for x in calls] == [True]
        assert keys == []


@pytest.mark.parametrize("taken_over", [True, False])
async def test_given_frozen_with_a_queue_then_all_of_it_is_written_or_nothing(
    database: Any,
    ami: ScriptedAmi,
    postgresql_url: str,
    taken_over: bool,
    request: pytest.FixtureRequest,
) -> None:
    async with instance_process(postgresql_url, ami.port, FIRST, "frozen_with_queue") as first:
        await first.frozen()
        before = await rows_of(database)
        assert [x[3] for x in before[0]] == [None] * QUEUED
        if taken_over:
            assert await take_over(database) < SLACK_S
        await first.thaw()
    if taken_over:
        assert first.words("fenced") == [["pbx:main", "1"]]
        assert await rows_of(database) == before
        return
    assert first.words("fenced") == []
    undisturbed = request.getfixturevalue("postgresql").new_database()
    await prepared(undisturbed)
    async with instance_process(undisturbed, ami.port, FIRST, "ends_many") as other:
        await other.ended()
    async with connected(undisturbed) as connection:
        assert await rows_of(database) == await rows_of(connection)
