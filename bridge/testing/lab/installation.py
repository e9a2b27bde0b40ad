"""The Asterisk that tests run: found or made, never skipped."""

from __future__ import annotations

from bridge.config.settings import Settings
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.installation import (
    Installation,
    installation_in_root,
    installation_on_path,
)
from bridge.local_asterisk.local_asterisk import CONFIGURATION, PIN
from bridge.local_asterisk.private_root import (
    RootSource,
    default_root,
    private_root,
    root_source,
    why_no_root,
)


async def test_installation() -> Installation:
    """The private root where this machine can have one, else the `asterisk` on PATH.

    Raises NoAsteriskError, which says how to get one.
    """
    closed = why_no_root()
    if closed is None:
        return await installation_in_root(
            await private_root(default_root(), print, source_of_settings())
        )
    try:
        return await installation_on_path()
    except NoAsteriskError as why:
        raise NoAsteriskError(f"tests need a real Asterisk: {closed}; {why}") from None


def source_of_settings(suite: str = "") -> RootSource:
    """As `serve` takes it; of another suite the version that the mirror has."""
    settings = Settings()
    if suite:
        return RootSource(suite, stale_mirror=settings.stale_mirror)
    return root_source(
        settings.asterisk_package, CONFIGURATION / PIN, stale_mirror=settings.stale_mirror
    )


test_installation.__test__ = False  # type: ignore[attr-defined]
