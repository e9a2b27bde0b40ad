"""From the settings to an Asterisk that can be started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bridge.local_asterisk.choice import AsteriskSource, choose_source
from bridge.local_asterisk.docker_engine import DockerAsterisk, why_no_docker
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.installation import installation_in_root, installation_on_path
from bridge.local_asterisk.local import CONFIGURATION, AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.local_asterisk.private_root import default_root, private_root, why_no_root


class RunnableAsterisk(Protocol):
    """What the command line needs of an Asterisk of ours."""

    @property
    def ports(self) -> AsteriskPorts:
        """Where it listens."""
        ...

    @property
    def media_address(self) -> str:
        """What the audio of phones is to be bound to; empty: Asterisk chooses."""
        ...

    async def start(self) -> None:
        """Return when it is ready; a LocalAsteriskError says what to do if it is not."""

    async def stop(self) -> None:
        """Leave nothing behind but the state."""

    async def wait_until_ended(self) -> str:
        """Return when it ended by itself, with what ended."""
        ...

    @property
    def where_logs_are(self) -> str:
        """For the person who wants to know why."""
        ...

    async def call_in(
        self,
        number: str,
        *,
        caller_number: str = "3235550100",
        caller_name: str = "",
        does: str = "silent",
    ) -> None:
        """Place a call from the simulated public network."""


async def open_asterisk(
    *,
    pbx_is_named: bool,
    state_dir: Path,
    ports: AsteriskPorts,
    secrets: AsteriskSecrets,
    wanted: AsteriskSource | None = None,
    root_folder: Path | None = None,
    report: Callable[[str], None] = print,
    configuration: Path = CONFIGURATION,
) -> RunnableAsterisk | None:
    """The Asterisk to start; None if the settings name a PBX of their own.

    `wanted` None means the first that is possible. `report` is told of what takes long.
    NoAsteriskError if there is no way.
    """

    async def why_not_external() -> str | None:
        return None if pbx_is_named else "no PBX is named"

    async def why_not_path() -> str | None:
        try:
            await installation_on_path()
        except NoAsteriskError as error:
            return str(error)
        return None

    async def why_not_root() -> str | None:
        return why_no_root()

    source = await choose_source(
        wanted,
        {
            AsteriskSource.EXTERNAL: why_not_external,
            AsteriskSource.DOCKER: why_no_docker,
            AsteriskSource.PATH: why_not_path,
            AsteriskSource.ROOT: why_not_root,
        },
    )
    if source is AsteriskSource.EXTERNAL:
        return None
    if source is AsteriskSource.DOCKER:
        return DockerAsterisk(
            state_dir=state_dir,
            ports=ports,
            secrets=secrets,
            report=report,
            configuration=configuration,
        )
    if source is AsteriskSource.PATH:
        installation = await installation_on_path()
    else:
        installation = await installation_in_root(
            await private_root(root_folder or default_root(), report)
        )
    where = installation.root or installation.binary
    report(f"Starting Asterisk {installation.version} ({source}: {where}) ...")
    return LocalAsterisk(
        installation=installation,
        state_dir=state_dir,
        ports=ports,
        secrets=secrets,
        configuration=configuration,
    )
