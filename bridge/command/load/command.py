"""The command with its options."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from bridge.client import ApiError, NotReached
from bridge.command.remote.account import NoAccount
from bridge.command.remote.running import NOT_REACHED, REFUSED

_WRONG, _INTERRUPTED = 2, 130


def load(
    *,
    calls_per_second: Annotated[float, typer.Option(min=0.1, max=200)] = 5.0,
    duration: Annotated[float, typer.Option(min=1, max=3600, help="seconds")] = 10.0,
    scenario: Annotated[str, typer.Option(help="answered, busy or no-answer")] = "answered",
    source: Annotated[str, typer.Option(help="an extension")] = "0003*210",
    destination: Annotated[str, typer.Option(help="an extension")] = "0003*211",
    talk: Annotated[float, typer.Option(min=0, max=60, help="seconds of an answered call")] = 0.2,
    allow: Annotated[
        Optional[list[str]],  # noqa: UP045 - as typer reads it
        typer.Option(help="a host that is not this machine, and may be loaded"),
    ] = None,
    report: Annotated[Path, typer.Option(help="the folder of plot and figures")] = Path(
        "build/load"
    ),
    sip: Annotated[str, typer.Option(help="HOST:PORT where phones register")] = "",
    secrets: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help='JSON with SIP passwords: {"sip/0003*210": "…"}'),
    ] = None,
    url: Annotated[str, typer.Option(envvar="UAPI_URL", help="of the service")] = "",
    client_id: Annotated[str, typer.Option(envvar="UAPI_CLIENT_ID")] = "",
    client_secret: Annotated[str, typer.Option(envvar="UAPI_CLIENT_SECRET")] = "",
    user: Annotated[str, typer.Option(envvar="UAPI_USER", help="@me, or a number")] = "@me",
) -> None:
    """Real calls through the API between two SIPp phones. Ctrl-C ends all of them."""
    from bridge.command.flow.target import target
    from bridge.command.load.running import run_load
    from bridge.testing.load.plan import LoadPlan, NotAllowed, Scenario
    from bridge.testing.softphones.phone_observer import PhoneError

    try:
        plan = LoadPlan(calls_per_second, duration, Scenario(scenario), source, destination, talk)
        where = target(url, client_id, client_secret, user, sip, secrets)
        code = asyncio.run(run_load(plan, where, frozenset(allow or ()), report))
    except (NoAccount, NotAllowed, ValueError) as why:
        print(why, file=sys.stderr)
        code = _WRONG
    except (ApiError, PhoneError) as why:
        print(why, file=sys.stderr)
        code = REFUSED
    except NotReached as why:
        print(why, file=sys.stderr)
        code = NOT_REACHED
    except KeyboardInterrupt:
        code = _INTERRUPTED
    raise typer.Exit(code)
