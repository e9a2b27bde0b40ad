"""Changes of more than one transaction with a key: carried out once, or nobody knows."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.faults import StorageUnavailable
from bridge.http.errors import UapiError
from bridge.http.keyed_answers import IdempotentRequest, KeyedAnswers, StoredAnswer
from bridge.storage.engine import reading
from bridge.storage.event_tables import event_subscriptions
from bridge.storage.tables import idempotency as kept_answers

ROOT = Path(__file__).parents[3]
REQUEST = IdempotentRequest("verba/erasure", "key", lambda: b"the same")
DONE = StoredAnswer(200, "done")


class Change:
    """Counts how often it is carried out; `faults` are raised, one after the other."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.times = 0

    async def __call__(self) -> StoredAnswer:
        self.times += 1
        await asyncio.sleep(0)  # a second request may begin
        if self.faults:
            raise self.faults.pop(0)
        return DONE


def changed_nothing(fault: Exception) -> bool:
    return isinstance(fault, ValueError)


async def test_given_two_at_once_then_it_is_carried_out_once(idempotency: IdempotencyStore) -> None:
    keyed, change = KeyedAnswers(idempotency), Change()
    answers = await asyncio.gather(
        *(keyed.once_begun(REQUEST, change, changed_nothing) for _ in range(2))
    )
    assert [(x.text, x.replayed) for x in answers] == [("done", False), ("done", True)]
    assert change.times == 1


async def test_given_a_fault_that_changed_nothing_then_the_key_is_free(
    idempotency: IdempotencyStore,
) -> None:
    keyed, change = KeyedAnswers(idempotency), Change(ValueError("refused"))
    with pytest.raises(ValueError, match="refused"):
        await keyed.once_begun(REQUEST, change, changed_nothing)
    assert (await keyed.once_begun(REQUEST, change, changed_nothing)).replayed is False
    assert change.times == 2


async def test_given_the_clock_of_all_instances_then_a_key_lives_by_it(
    idempotency: IdempotencyStore,
) -> None:
    """An instance whose own clock is a day ahead would carry each request out once more."""
    long_ago_ms, change = 1_000, Change()
    for replayed in (False, True):
        keyed = KeyedAnswers(idempotency, now_ms=lambda: long_ago_ms)
        answer = await keyed.once_begun(REQUEST, change, changed_nothing)
        assert answer.replayed is replayed
    assert change.times == 1


async def test_given_a_request_that_was_broken_off_then_it_is_never_carried_out_again(
    idempotency: IdempotencyStore,
) -> None:
    """As after a kill: the key has begun, and there is no answer."""
    change = Change(StorageUnavailable("nobody knows"))
    with pytest.raises(StorageUnavailable):
        await KeyedAnswers(idempotency).once_begun(REQUEST, change, changed_nothing)
    with pytest.raises(UapiError, match=r"was broken off\. It may"):
        await KeyedAnswers(idempotency).once_begun(REQUEST, change, changed_nothing)
    other = IdempotentRequest("verba/erasure", "key", lambda: b"another")
    with pytest.raises(UapiError, match="another request"):
        await KeyedAnswers(idempotency).once_begun(other, change, changed_nothing)
    assert change.times == 1


async def test_given_a_kill_then_each_subscription_has_its_key_and_each_key_its_subscription(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    program = f"{__package__}.subscribe_until_killed"
    with said.open("wb") as output:
        child = subprocess.Popen(  # noqa: ASYNC220, nothing else runs
            [sys.executable, "-m", program, engine.url.render_as_string(hide_password=False)],
            stdout=output,
            cwd=ROOT,
        )
        while said.read_text().count("subscribed") < 50:
            assert child.poll() is None
            time.sleep(0.01)  # noqa: ASYNC251, nothing else runs
        child.kill()
        child.wait()
    async with reading(engine) as connection:
        notes = (await connection.execute(select(event_subscriptions.c.note))).scalars().all()
        keys = (await connection.execute(select(kept_answers.c.key))).scalars().all()
    assert len(notes) >= 50
    assert sorted(notes) == sorted(keys)
