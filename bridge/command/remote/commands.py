"""`uapi-bridge calls`, `call`, `hangup`, `phones`, `events`, `token`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Optional

import typer

from bridge.client import ApiError, PhoneCall, UapiClient
from bridge.command.remote import NAMES
from bridge.command.remote.log_lines import as_values, lines_about
from bridge.command.remote.running import NOT_ANSWERED, Work, of_a_service
from bridge.command.remote.shown import (
    call_line,
    print_call,
    print_calls,
    print_json,
    print_json_line,
    print_log,
    print_phones,
    print_timeline,
)
from bridge.supervision.tasks import awaited

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
_Json = Annotated[bool, typer.Option("--json", help="for programs")]
_Extension = Annotated[str, typer.Argument(help="a number, or @self for all of the user")]


@app.command(help=NAMES["calls"])
@of_a_service
def calls(
    extension: _Extension = "@self",
    *,
    ended: Annotated[bool, typer.Option("--ended")] = False,
    json: _Json = False,
) -> Work:
    """The live calls of an extension, or those that have ended."""

    async def work(api: UapiClient) -> None:
        found = await api.calls(extension, ended=ended)
        print_json([x.raw for x in found]) if json else print_calls(found)

    return work


@app.command(help=NAMES["call"])
@of_a_service
def call(
    source: Annotated[str, typer.Argument(metavar="SOURCE|ID", help="a number, or a call's id")],
    destination: Annotated[Optional[str], typer.Argument(help="a number")] = None,  # noqa: UP045
    *,
    extension: Annotated[str, typer.Option("--extension", help="that pays")] = "",
    caller_id: Annotated[str, typer.Option("--caller-id")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="until the call has ended")] = False,
    log: Annotated[
        Optional[typer.FileText],  # noqa: UP045
        typer.Option(
            "--log",
            metavar="FILE",
            encoding="utf-8",
            errors="replace",
            help="show its lines of this log, too; - is the standard input",
        ),
    ] = None,
    json: _Json = False,
) -> Work:
    """With a destination: place a call and follow it until it is answered. Ctrl-C hangs it up."""

    async def show(api: UapiClient) -> None:
        found = await api.call(source)
        if found is None:
            raise ApiError(404, "no_such_call", f"there is no call {source}")
        timeline = await api.timeline(source)
        lines = None if log is None else lines_about(source, log)
        if json:
            told = {} if lines is None else {"log": as_values(lines)}
            print_json({**found.raw, "timeline": timeline.raw, **told})
            return
        print_call(found)
        print_timeline(timeline)
        print_log(lines or ())

    async def place(api: UapiClient) -> None:
        create = api.create_call(
            source, str(destination), extension=extension or None, caller_id=caller_id or None
        )
        creating = awaited(create, "create_call")
        try:
            made = await asyncio.shield(creating)
            last = await _followed(api, made, follow=follow, json=json)
        except asyncio.CancelledError:
            # The service may have placed the call although its answer is not here yet.
            await api.hang_up("@self", (await creating).id)
            raise
        if last.ended is not None and last.answered is None:
            raise typer.Exit(NOT_ANSWERED)

    return show if destination is None else place


@app.command(help=NAMES["hangup"])
@of_a_service
def hangup(
    call_id: Annotated[Optional[str], typer.Argument(metavar="ID")] = None,  # noqa: UP045
    *,
    extension: Annotated[str, typer.Option("--extension")] = "@self",
    json: _Json = False,
) -> Work:
    """Without an id: every call of the extension."""

    async def work(api: UapiClient) -> None:
        ids = await api.hang_up(extension, call_id)
        print_json(ids) if json else print("\n".join(ids) or "no call")

    return work


@app.command(help=NAMES["phones"])
@of_a_service
def phones(
    extension: _Extension = "@self",
    *,
    json: _Json = False,
) -> Work:
    """The extensions, and the phones that are registered as them."""

    async def work(api: UapiClient) -> None:
        found = await api.presence(extension)
        print_json(found) if json else print_phones(found)

    return work


@app.command(help=NAMES["events"])
@of_a_service
def events(
    extension: _Extension = "@self",
    *,
    json: Annotated[bool, typer.Option("--json", help="a line of JSON each")] = False,
) -> Work:
    """Until Ctrl-C."""

    async def work(api: UapiClient) -> None:
        async for event in api.stream(extension):
            for one in event.calls:
                _line(one, json=json)

    return work


@app.command(help=NAMES["token"])
@of_a_service
def token() -> Work:
    """An access token, on a line of its own."""

    async def work(api: UapiClient) -> None:
        print(await api.token())

    return work


async def _followed(api: UapiClient, made: PhoneCall, *, follow: bool, json: bool) -> PhoneCall:
    """Print each change; returns the call once it is answered, or with `follow` once it ended."""
    async for event in api.stream():
        mine = [x for x in event.calls if x.id == made.id]
        if event.kind == "state" and not mine:
            ended = await api.call(made.id)  # it was over before the stream began
            mine = [ended] if ended is not None else []
        for one in mine:
            _line(one, json=json)
            if one.ended is not None or (one.answered is not None and not follow):
                return one
    raise AssertionError


def _line(call: PhoneCall, *, json: bool) -> None:
    if json:
        print_json_line(call.raw)
    else:
        print(call_line(call), flush=True)
