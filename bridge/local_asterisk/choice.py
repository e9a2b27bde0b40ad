"""The choice of the source of the Asterisk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from bridge.local_asterisk.errors import NoAsteriskError


class AsteriskSource(StrEnum):
    """In the order in which they are tried."""

    EXTERNAL = "external"
    """A PBX named in the settings: nothing is started."""
    DOCKER = "docker"
    """A reachable Docker engine: docker-compose.yml."""
    PATH = "path"
    """An `asterisk` of this machine."""
    ROOT = "root"
    """A private root file system, made from Debian packages."""


_WAYS = {
    AsteriskSource.EXTERNAL: "name a PBX in the settings (BRIDGE_PBX_HOST)",
    AsteriskSource.DOCKER: "start a Docker engine that this user can reach",
    AsteriskSource.PATH: "install Asterisk 16 or newer, so that `asterisk` is on PATH",
    AsteriskSource.ROOT: "run this as root on Debian or Ubuntu",
}

ReasonAgainst = Callable[[], Awaitable[str | None]]
"""Says why a source is impossible here; None if it is possible."""


async def choose_source(
    wanted: AsteriskSource | None, why_not: Mapping[AsteriskSource, ReasonAgainst]
) -> AsteriskSource:
    """The first source that is possible, or the wanted one.

    Sources are examined only as far as needed: with a PBX in the settings, Docker is not examined.
    NoAsteriskError names all ways and why each is closed.
    """
    if wanted is not None:
        reason = await why_not[wanted]()
        if reason is not None:
            raise NoAsteriskError(
                f'BRIDGE_ASTERISK is "{wanted}", but that is impossible: {reason}. '
                f"To make it possible: {_WAYS[wanted]}."
            )
        return wanted
    reasons = {}
    for source in AsteriskSource:
        reason = await why_not[source]()
        if reason is None:
            return source
        reasons[source] = reason
    ways = "\n".join(f"  - {_WAYS[source]} (now: {why})" for source, why in reasons.items())
    raise NoAsteriskError(f"There is no Asterisk to use. Do one of these:\n{ways}")
