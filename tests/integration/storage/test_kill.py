from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.calls.store.ended_calls import EndedCalls

ROOT = Path(__file__).parents[3]
_FIRST = 20


@pytest.mark.parametrize("alive_s", [0.3, 0.7])
async def test_what_was_accepted_before_kill_9_is_there(
    engine: AsyncEngine, store: CallStore, alive_s: float, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        child = subprocess.Popen(  # noqa: ASYNC220, nothing else runs
            [
                sys.executable,
                *("-m", f"{__package__}.accept_until_killed"),
                engine.url.render_as_string(hide_password=False),
            ],
            stdout=output,
            cwd=ROOT,
        )
        while said.read_text().count("accepted") < _FIRST:
            assert child.poll() is None
            time.sleep(0.01)  # noqa: ASYNC251, nothing else runs
        time.sleep(alive_s)  # noqa: ASYNC251
        child.kill()
        child.wait()
    lines = [
        line.split() for line in said.read_text().splitlines(keepends=True) if line[-1] == "\n"
    ]
    over = {call_id for word, call_id in lines if word == "ended"}
    accepted = {call_id for word, call_id in lines if word == "accepted"}
    assert len(accepted) >= _FIRST
    asked = EndedCalls(["0003*210"], 0, count=100_000)
    in_the_database = set((await store.ended(asked, lambda x: x.id))[0])
    assert over <= in_the_database
    assert accepted <= in_the_database | {call.id for call in await store.live("main")}
