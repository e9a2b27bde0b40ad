"""Calls from the simulated public network into the PBX, in whatever that network runs."""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import quote

from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.local_asterisk.local_asterisk import LocalAsterisk


class AsteriskConsole(Protocol):
    """An Asterisk that takes console commands."""

    async def console(self, command: str) -> str:
        """The output of a console command."""
        ...


def call_in_command(number: str, caller_number: str, caller_name: str, does: str) -> str:
    """The console command of the public network that places a call into the PBX.

    ValueError if a value could change the command.
    """
    if not re.fullmatch(r"\+?[0-9]+", number) or not re.fullmatch(r"\+?[0-9]*", caller_number):
        raise ValueError("numbers have digits and a leading + only")
    if not re.fullmatch(r"silent|tone|echo|hangup-[0-9]+", does):
        raise ValueError(f"a caller cannot {does!r}")
    # "-" separates the parts, and quote() leaves it alone.
    name = quote(caller_name, safe="").replace("-", "%2D")
    return (
        f"channel originate Local/{number}-{caller_number}-{name}@into-pbx/n"
        f" extension {does}@caller"
    )


async def hang_up_all(public_network: AsteriskConsole) -> None:
    """Hang up every call on the public network's side."""
    await public_network.console("channel request hangup all")


class CallableAsterisk(LocalAsterisk):
    """A LocalAsterisk that is called from its public network."""

    async def call_in(
        self,
        number: str,
        *,
        caller_number: str = "3235550100",
        caller_name: str = "",
        does: str = "silent",
    ) -> None:
        """Place a call from the public network into the PBX, e.g. to 5550003210.

        `does` is what the caller does after the answer: silent, tone, echo or
        hangup-SECONDS. Returns at once; the call lives on.
        """
        if self.public_network is None:
            raise LocalAsteriskError("this Asterisk has no public network")
        command = call_in_command(number, caller_number, caller_name, does)
        await self.public_network.console(command)

    async def hang_up_public_network(self) -> None:
        if self.public_network is not None:
            await hang_up_all(self.public_network)
