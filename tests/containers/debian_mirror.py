"""What mmdebstrap is told of this machine's mirror of Debian."""

from __future__ import annotations

from bridge.config.settings import Settings

# A stored copy of the archive has a Release file past its date. An image made with this option
# keeps it, for the builds on it.
APT_OPTIONS = ('--aptopt=Acquire::Check-Valid-Until "false"',) if Settings().stale_mirror else ()
