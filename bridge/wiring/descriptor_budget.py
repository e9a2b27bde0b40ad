"""HTTP connections: what the settings ask for, as far as there are file descriptors for them."""

from __future__ import annotations

from bridge.config.file_descriptors import ConnectionLimits
from bridge.config.settings import Settings

_HTTP_AT_MOST = 10_000  # where the settings name no number
_HTTP_AT_LEAST = 256  # fewer are worth a warning
# Files, log, event loop, AMI, ARI, database; and what is accepted before it can be refused.
_OWN = 256


def connection_limits(settings: Settings, descriptors: int) -> ConnectionLimits:
    """As the settings say, as far as there are descriptors for them."""
    wanted = settings.http_connections_max or _HTTP_AT_MOST
    total = max(1, min(wanted, descriptors - _beside_http(settings)))
    per_address = settings.http_connections_per_address_max or max(1, total // 4)
    return ConnectionLimits(total, min(per_address, total))


def missing_descriptors(settings: Settings, descriptors: int) -> int:
    """How many more descriptors the settings need; 0 if there are enough."""
    wanted = settings.http_connections_max or _HTTP_AT_LEAST
    return max(0, wanted + _beside_http(settings) - descriptors)


def _beside_http(settings: Settings) -> int:
    """A phone on /ws has a connection to the PBX beside its own; a receiver of events has one."""
    return _OWN + settings.sip_websockets_max + settings.events_connections_max
