"""`uapi-bridge flow`: run, check and record call flows."""

from __future__ import annotations

import asyncio
import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bridge.client import UapiClient
from bridge.command.remote.account import NoAccount
from bridge.command.remote.running import Work, of_a_service

if TYPE_CHECKING:
    from bridge.flows.reading import ReadFlow

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="a file *.flow.yaml")]
_WRONG = 2


@app.command()
def run(
    files: _Files,
    *,
    sip: Annotated[str, typer.Option(help="HOST:PORT where phones register")] = "",
    secrets: Annotated[
        Optional[Path],  # noqa: UP045 - as typer reads it
        typer.Option(help='JSON with SIP passwords: {"sip/0003*210": "…"}'),
    ] = None,
    report: Annotated[Path, typer.Option(help="the folder of reports")] = Path("build/flows"),
    url: Annotated[str, typer.Option(envvar="UAPI_URL", help="of the service")] = "",
    client_id: Annotated[str, typer.Option(envvar="UAPI_CLIENT_ID")] = "",
    client_secret: Annotated[str, typer.Option(envvar="UAPI_CLIENT_SECRET")] = "",
    user: Annotated[str, typer.Option(envvar="UAPI_USER", help="@me, or a number")] = "@me",
) -> None:
    """Run flows with real phones. Exits with 1 if one fails, with 2 if a file is wrong."""
    from bridge.command.flow.running import run_files
    from bridge.command.flow.target import target

    flows = _read(files)
    try:
        where = target(url, client_id, client_secret, user, sip, secrets)
        code = asyncio.run(run_files(flows, where, report))
    except NoAccount as why:
        print(why, file=sys.stderr)
        code = _WRONG
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)


@app.command()
def check(files: _Files) -> None:
    """Whether the files are flows; each fault with its line and step."""
    _read(files)
    print(f"{len(files)} valid")


@app.command()
def schema() -> None:
    """The JSON schema of a flow, for an editor."""
    from bridge.flows.flow import schema as of_flow

    print(json_text.dumps(of_flow(), indent=2))


@app.command()
@of_a_service
def record(
    call_id: Annotated[str, typer.Argument(metavar="ID", help="of a live or ended call")],
    *,
    prefix: Annotated[str, typer.Option(help="of the organization, for short numbers")] = "",
) -> Work:
    """A flow that does again what happened in a call; on standard output."""

    async def work(api: UapiClient) -> None:
        from bridge.command.flow.target import organization_prefix
        from bridge.flows.recorded import flow_of_timeline

        timeline = await api.timeline(call_id)
        known = prefix or organization_prefix(api.client_id)
        call = await api.call(call_id)
        payer = "" if call is None else call.extension or ""
        print(flow_of_timeline(timeline.raw, known, payer), end="")

    return work


def _read(files: list[Path]) -> dict[Path, ReadFlow]:
    from bridge.flows.reading import WrongFlow, read_flow_file

    found: dict[Path, ReadFlow] = {}
    wrong = False
    for file in files:
        try:
            found[file] = read_flow_file(file)
        except WrongFlow as why:
            wrong = True
            for fault in why.faults:
                print(f"{file}: {fault}", file=sys.stderr)
    if wrong:
        raise typer.Exit(_WRONG)
    return found
