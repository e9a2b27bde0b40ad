"""`uapi-bridge asterisk upgrade`: the version of the Asterisk that `serve` starts next."""

from __future__ import annotations

import sys

from bridge.command.build_steps import BuildSteps
from bridge.config.settings import Settings
from bridge.local_asterisk.choice import AsteriskSource
from bridge.local_asterisk.local_asterisk import CONFIGURATION, PIN
from bridge.local_asterisk.open_asterisk import asterisk_source
from bridge.local_asterisk.private_root import (
    default_root,
    newest_root,
    private_root,
    remove_unused_roots,
    root_source,
    version_in,
)

_NOT_OURS = {
    AsteriskSource.EXTERNAL: "BRIDGE_PBX_HOST names an Asterisk that the service did not make.",
    AsteriskSource.DOCKER: "Asterisk runs in a container: `docker compose build --pull asterisk`, "
    "then restart the service.",
    AsteriskSource.PATH: "Asterisk is installed on this machine: use its package manager.",
}


async def upgrade(settings: Settings, *, newest: bool, remove_unused: bool) -> int | str:
    """Make the root that `serve` needs next; on request remove those that nothing uses.

    Returns what `sys.exit` takes. Raises NoAsteriskError.
    """
    source = await asterisk_source(
        pbx_is_named=bool(settings.pbx_host),
        bind_address=settings.bind_address,
        wanted=None if settings.asterisk == "auto" else AsteriskSource(settings.asterisk),
    )
    if source in _NOT_OURS:
        return _NOT_OURS[source]
    folder = default_root()
    wanted = root_source(
        settings.asterisk_package, CONFIGURATION / PIN, stale_mirror=settings.stale_mirror
    )
    with BuildSteps() as step:
        kept = await private_root(folder, _tell, wanted, step)
        made = await newest_root(folder, _tell, wanted, step) if newest else kept
    print(f"Asterisk {version_in(made)}: {made}")
    if remove_unused:
        removed, used = remove_unused_roots(folder, {kept, made})
        for root in removed:
            print(f"removed: {root}")
        for root in used:
            print(f"in use until its Asterisk ends: {root}")
    if made != kept:
        print(f"To use it, set BRIDGE_ASTERISK_PACKAGE={version_in(made)} and restart the service.")
    else:
        print("The service uses it from its next start on.")
    return 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
