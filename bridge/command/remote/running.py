"""Runs a command against a service; its options and exit codes are those of every command."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, get_type_hints

import typer

from bridge.client import ApiError, NotReached, UapiClient
from bridge.command.remote.account import NoAccount, account

REFUSED, NOT_REACHED, NOT_ANSWERED = 1, 3, 4
"""Exit codes beside 0; 2 is a wrong command line, 130 Ctrl-C."""

Work = Callable[[UapiClient], Awaitable[None]]


def _options(
    *,
    url: Annotated[str, typer.Option(envvar="UAPI_URL", help="of the service")] = "",
    client_id: Annotated[str, typer.Option(envvar="UAPI_CLIENT_ID")] = "",
    client_secret: Annotated[str, typer.Option(envvar="UAPI_CLIENT_SECRET")] = "",
    user: Annotated[str, typer.Option(envvar="UAPI_USER", help="@me, or a number")] = "@me",
) -> None:
    """The options of every command; the values go to `account`."""


def of_a_service(command: Callable[..., Work]) -> Callable[..., None]:
    """A command that gets the options of the account, too, and then runs what it returns."""

    @functools.wraps(command)
    def with_options(
        *, url: str, client_id: str, client_secret: str, user: str, **own: object
    ) -> None:
        _run(command(**own), url, client_id, client_secret, user)

    hints = get_type_hints(command, include_extras=True)
    hints |= get_type_hints(_options, include_extras=True)
    parameters = [
        x.replace(annotation=hints[x.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for function in (command, _options)
        for x in inspect.signature(function).parameters.values()
    ]
    vars(with_options)["__signature__"] = inspect.Signature(parameters)
    with_options.__annotations__ = {x.name: x.annotation for x in parameters}
    return with_options


def _run(
    work: Work,
    url: str,
    client_id: str,
    client_secret: str,
    user: str,
) -> None:
    async def with_client() -> None:
        async with account(url, client_id, client_secret, user).client() as api:
            await work(api)

    try:
        asyncio.run(with_client())
    except NoAccount as why:
        _fail(str(why), 2)
    except ApiError as why:
        shown = f" (request {why.request_id})" if why.request_id else ""
        _fail(f"{why.code}: {why.message}{shown}", REFUSED)
    except NotReached as why:
        _fail(str(why), NOT_REACHED)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _fail(why: str, code: int) -> None:
    print(why, file=sys.stderr)
    raise typer.Exit(code)
