"""The Asterisk that tests run: found or made, never skipped."""

from __future__ import annotations

from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.installation import (
    Installation,
    installation_in_root,
    installation_on_path,
)
from bridge.local_asterisk.private_root import default_root, private_root, why_no_root


async def test_installation() -> Installation:
    """The private root where this machine can have one, else the `asterisk` on PATH.

    Raises NoAsteriskError, which says how to get one.
    """
    closed = why_no_root()
    if closed is None:
        return await installation_in_root(await private_root(default_root(), print))
    try:
        return await installation_on_path()
    except NoAsteriskError as why:
        raise NoAsteriskError(f"tests need a real Asterisk: {closed}; {why}") from None


test_installation.__test__ = False  # type: ignore[attr-defined]
