"""`uapi-bridge cluster`, `cluster drain`, `cluster return`; see pbx_commands for PBXs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.command.cluster import pbx_commands
from bridge.command.cluster.running import FAILED, run
from bridge.command.cluster.shown import as_object, print_state
from bridge.command.json_text import json_text

if TYPE_CHECKING:  # the driver of the database takes longer to load than other commands to run
    from bridge.command.cluster.database import ClusterDatabase

_POLL_S = 0.5

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(pbx_commands.app, name="node")
_Json = Annotated[bool, typer.Option("--json", help="for programs")]
_Instance = Annotated[str, typer.Argument(metavar="INSTANCE", help="its BRIDGE_INSTANCE_NAME")]


@app.callback()
def show(context: typer.Context, *, json: _Json = False) -> None:
    """The instances over one PostgreSQL: who lives, and who acts for which PBX.

    Exits with 1 if nobody acts for a PBX, or for a shard of webhooks.
    """
    if context.invoked_subcommand is not None:
        return

    async def work(database: ClusterDatabase) -> int:
        state = await database.with_lag(await database.state())
        print(json_text(as_object(state))) if json else print_state(state)
        return FAILED if state.without_holder else 0

    run(work)


@app.command()
def drain(
    name: _Instance,
    *,
    within_s: Annotated[
        float, typer.Option("--within-s", min=0, help="wait so long at most")
    ] = 30.0,
) -> None:
    """Have an instance hand over all that it acts for, and wait until it has.

    It takes nothing again until `cluster return`, or until it is restarted.
    """

    async def work(database: ClusterDatabase) -> int | str:
        until_s = asyncio.get_running_loop().time() + within_s
        if not await database.set_draining(name, True):
            return f"no instance {name} lives"
        while held := (state := await database.state()).held_by(name):
            if asyncio.get_running_loop().time() >= until_s:
                others = [x for x in state.instances if x.lives and not x.draining]
                why = "" if others else "; no other instance takes leases"
                return (
                    f"{name} still has {', '.join(x.resource for x in held)}{why}. It goes on "
                    f"draining until: uapi-bridge cluster return {name}"
                )
            await asyncio.sleep(_POLL_S)
        print(f"{name} acts for nothing any more")
        return 0

    run(work)


@app.command(name="return")
def take_back(name: _Instance) -> None:
    """Have a draining instance take its share again."""

    async def work(database: ClusterDatabase) -> int | str:
        if not await database.set_draining(name, False):
            return f"no instance {name} lives"
        print(f"{name} takes leases again")
        return 0

    run(work)
