"""The work that is done at intervals: resync, the time limits of calls, the purge of old rows, the
passwords of browser phones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial

from bridge.calls.calls_of_gone_pbx import GONE_CHECK_INTERVAL_S, CallsOfGonePbx
from bridge.calls.hanging_up import HangUp
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.time_limits import AGE_CHECK_INTERVAL_S, AgeLimit, DurationLimit
from bridge.clock import now_ms
from bridge.config.settings import Settings
from bridge.storage.purge import purge_each
from bridge.supervision.intervals import every
from bridge.supervision.tasks import must_live

PURGE_INTERVAL_S = 600.0
BROWSER_SECRETS_INTERVAL_S = 30.0

Purges = Mapping[str, Callable[[int], Awaitable[object]]]
"""By the name of the rows: removes the old ones; it gets the present moment in milliseconds."""


def begin_purges(
    stack: AsyncExitStack,
    name: str,
    purges: Purges,
    may_purge: Callable[[], bool] = lambda: True,
    now_ms: Callable[[], int] = now_ms,
) -> None:
    """Begin to remove old rows; `stack` ends it. The service ends with an error if that dies.

    `name`: of the task. `may_purge`: whether this instance shall do it in this round. `now_ms`: the
    clock of all instances.
    """

    async def purge() -> None:
        if not may_purge():
            return
        now = now_ms()
        await purge_each({name: partial(remove, now) for name, remove in purges.items()})

    living = must_live(every(PURGE_INTERVAL_S, name, purge), name)
    stack.push_async_callback(living.stop)


def begin_rounds(
    stack: AsyncExitStack,
    settings: Settings,
    switchboard: Switchboard,
    hang_up: HangUp,
    replace_browser_secrets: Callable[[], Awaitable[None]],
    *,
    may_act: Callable[[], bool] | None,
    seen_ms: int = 0,
) -> None:
    """Begin all of a node; `stack` ends it. The service ends with an error if one of them dies.

    `may_act`: as for the node. `seen_ms`: as for CallsOfGonePbx.
    """
    age = AgeLimit(switchboard, hang_up, settings.call_age_max_s)
    duration = DurationLimit(switchboard, hang_up)
    rounds = {
        "resync": every(settings.resync_interval_s, "resync", switchboard.resync),
        "age_limit": every(AGE_CHECK_INTERVAL_S, "age limit", age.enforce),
        "duration_limit": every(AGE_CHECK_INTERVAL_S, "duration limit", duration.enforce),
        "browser_secrets": every(
            BROWSER_SECRETS_INTERVAL_S, "browser secrets", replace_browser_secrets
        ),
    }
    if may_act is not None:  # of several: without others nothing goes on without the PBX
        gone = CallsOfGonePbx(switchboard, settings.pbx_gone_s, may_act, seen_ms)
        rounds["gone_pbx"] = every(GONE_CHECK_INTERVAL_S, "calls of gone PBX", gone.enforce)
    for name, work in rounds.items():
        stack.push_async_callback(must_live(work, name).stop)
