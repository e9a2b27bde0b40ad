"""`uapi-bridge cluster node drain`, `cluster node return`: taking a PBX out, and back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cluster.placement_choice import PLACED_EVERY_S, PbxState
from bridge.command.cluster.running import run

if TYPE_CHECKING:  # the driver of the database takes longer to load than other commands to run
    from bridge.command.cluster.database import ClusterDatabase

_POLL_S = 0.5
_KNOWN_S = PLACED_EVERY_S + _POLL_S
"""Each instance and each edge knows of a move by then. Before, it may place a call where the
organization was."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_Pbx = Annotated[str, typer.Argument(metavar="PBX", help="its name in the settings")]


@app.callback()
def node() -> None:
    """Take a PBX out of use, or back into use."""


@app.command()
def drain(
    name: _Pbx,
    *,
    within_s: Annotated[
        float, typer.Option("--within-s", min=0, help="wait so long at most for its calls to end")
    ] = 30.0,
) -> None:
    """Move the organizations of a PBX to others, and wait until its calls have ended.

    Live calls stay where they are. It gets no organization until `cluster node return`.
    """

    async def work(database: ClusterDatabase) -> int | str:
        clock = asyncio.get_running_loop().time
        until_s, moved_s = clock() + within_s, math.inf
        if not await database.set_pbx_draining(name, True):
            return f"there is no PBX {name}"
        while True:
            states = await database.move_away(name)
            organizations, calls = await database.left_on(name)
            moved_s = math.inf if organizations else min(moved_s, clock())
            known = clock() >= moved_s + _KNOWN_S
            if known and not organizations and not calls:
                print(f"{name} has no organization and no live call any more")
                return 0
            if clock() >= until_s and (known or organizations):
                why = _why_left(organizations, states)
                return (
                    f"{name} still has organizations: {organizations}, live calls: {calls}{why}. "
                    f"It goes on draining until: uapi-bridge cluster node return {name}"
                )
            await asyncio.sleep(_POLL_S)

    run(work)


@app.command(name="return")
def take_back(name: _Pbx) -> None:
    """Use a drained PBX again. Organizations that have moved stay where they are."""

    async def work(database: ClusterDatabase) -> int | str:
        if not await database.set_pbx_draining(name, False):
            return f"there is no PBX {name}"
        print(f"{name} is in use again; organizations that have moved stay where they are")
        return 0

    run(work)


def _why_left(organizations: int, states: Sequence[PbxState]) -> str:
    if not organizations or any(x.is_target for x in states):
        return ""
    others = ", ".join(f"{x.name} {_shown(x)}" for x in states)
    return f"; no PBX can take organizations now ({others})"


def _shown(state: PbxState) -> str:
    return (
        "is draining" if state.draining else f"is {state.condition.value} for {state.for_s:.0f} s"
    )
