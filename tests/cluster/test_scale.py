"""The short form of `make scale`: everything is counted right. It says nothing about times."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.pbx.phones.mark_of_all import FEW
from tests.bench.fence_cost import private_postgresql
from tests.bench.generated_calls import CallTemplate, record_call
from tests.bench.stage import open_stage
from tests.cluster.scale.calls_by_size import ALONE, calls_by_size
from tests.cluster.scale.calls_by_size import told as told_of_sizes
from tests.cluster.scale.many_phones import ROWS, many_phones, told
from tests.cluster.scale.plan import SHORT
from tests.integration.storage.private_postgresql import PrivatePostgresql

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Not below tmp_path: its name is too long for the Unix socket of an Asterisk.
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        yield Path(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template(folder: Path) -> AsyncIterator[CallTemplate]:
    async with open_stage(folder / "stage") as stage:
        yield await record_call(stage)


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgresql]:
    with private_postgresql() as made:
        yield made


async def test_each_call_at_any_size_ends_with_one_record(
    folder: Path, server: PrivatePostgresql, template: CallTemplate
) -> None:
    rounds = await calls_by_size(folder / "sizes", server, template, SHORT)
    assert [list(x) for x in map(sorted, rounds)] == [sorted([ALONE, *SHORT.sizes])]
    for cost in rounds[0].values():
        assert cost.calls == cost.final == int(SHORT.calls_per_s * SHORT.seconds)
        assert cost.service > 0
    assert told_of_sizes(rounds).count("\n") == 1 + len(rounds[0])


async def test_no_phone_is_asked_about_twice_and_no_call_is_lost_at_a_takeover(
    folder: Path, server: PrivatePostgresql, template: CallTemplate
) -> None:
    [large] = await many_phones(folder / "large", server, template, SHORT)
    assert (large.pbxs, large.phones, large.calls) == (3, 600, 60)
    assert large.phones > FEW
    found = {name: values[0] for name, values in large.found.items()}
    assert found.keys() == ROWS.keys()
    # Each phone once, the mark of all, and the endpoint that is not ours with its aor.
    assert found["first_look"] == 3 * (600 + 3)
    assert found["phones_compared"] == 3 * 3
    assert all(x > 0 for x in found.values())
    assert told([large]).count("\n") == 1 + len(ROWS)
