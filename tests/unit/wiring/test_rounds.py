"""The rounds of a node, of one instance and of several."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from bridge.calls.hanging_up import HangUp
from bridge.config.settings import Settings
from bridge.supervision.tasks import supervisor
from bridge.wiring.rounds import begin_rounds
from tests.unit.calls.fakes import Exchange


@pytest.mark.parametrize("several", [True, False])
async def test_only_of_several_instances_the_calls_of_a_pbx_that_is_gone_end(
    several: bool,
) -> None:
    exchange = Exchange()
    hang_up = HangUp(exchange.switchboard, exchange.records, 60)

    async def nothing() -> None:
        pass

    async with AsyncExitStack() as stack:
        begin_rounds(
            stack,
            Settings(_env_file=None),
            exchange.switchboard,
            hang_up,
            nothing,
            may_act=(lambda: True) if several else None,
        )
        names = {x.name for x in supervisor().living}
        assert "age_limit" in names
        assert ("gone_pbx" in names) is several
