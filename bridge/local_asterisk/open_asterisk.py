"""From the settings to an Asterisk that can be started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bridge.local_asterisk.choice import AsteriskSource, choose_source
from bridge.local_asterisk.docker_engine import DockerAsterisk, why_no_docker
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.installation import installation_in_root, installation_on_path
from bridge.local_asterisk.local_asterisk import CONFIGURATION, PIN, AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.local_asterisk.private_root import (
    default_root,
    private_root,
    root_source,
    why_no_root,
)


class RunnableAsterisk(Protocol):
    """The protocol between the command line and the local Asterisk."""

    @property
    def ports(self) -> AsteriskPorts:
        """The ports that it listens on."""
        ...

    @property
    def media_address(self) -> str:
        """The address that phones bind their audio to; empty: Asterisk chooses."""
        ...

    @property
    def queues_file(self) -> Path | None:
        """The file of queues that it reads; None if this process cannot write it."""
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
        """The place of its log, for a person who looks for the cause of a fault."""
        ...


async def open_asterisk(
    *,
    pbx_is_named: bool,
    state_dir: Path,
    ports: AsteriskPorts,
    secrets: AsteriskSecrets,
    wanted: AsteriskSource | None = None,
    root_folder: Path | None = None,
    package: str = "",
    stale_mirror: bool = False,
    report: Callable[[str], None] = print,
    step: Callable[[str], None] = lambda _: None,
    configuration: Path = CONFIGURATION,
) -> RunnableAsterisk | None:
    """The Asterisk to start; None if the settings name a PBX of their own.

    `wanted` None means the first that is possible. `package` and `stale_mirror`: of a private root,
    see RootSource. `report` gets a line for each step that takes long, `step` those of the builder
    of a private root. NoAsteriskError if no source is possible.
    """
    source = await asterisk_source(
        pbx_is_named=pbx_is_named, bind_address=ports.bind_address, wanted=wanted
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
            await private_root(
                root_folder or default_root(),
                report,
                root_source(package, configuration / PIN, stale_mirror=stale_mirror),
                step,
            )
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


async def asterisk_source(
    *, pbx_is_named: bool, bind_address: str, wanted: AsteriskSource | None
) -> AsteriskSource:
    """The first source that is possible, or the wanted one. Raises NoAsteriskError."""

    async def why_not_external() -> str | None:
        return None if pbx_is_named else "no PBX is named"

    async def why_not_docker() -> str | None:
        if ":" in bind_address:
            return "containers are published on IPv4 only, and BRIDGE_BIND_ADDRESS is of IPv6"
        return await why_no_docker()

    async def why_not_path() -> str | None:
        try:
            await installation_on_path()
        except NoAsteriskError as error:
            return str(error)
        return None

    async def why_not_root() -> str | None:
        return why_no_root()

    return await choose_source(
        wanted,
        {
            AsteriskSource.EXTERNAL: why_not_external,
            AsteriskSource.DOCKER: why_not_docker,
            AsteriskSource.PATH: why_not_path,
            AsteriskSource.ROOT: why_not_root,
        },
    )
