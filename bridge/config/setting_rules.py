"""Which settings cannot work together. Without these rules a failed call would show the
conflict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.config.settings import Settings

# Asterisk takes its own range instead of a lower one (rtp.conf), without a word to us.
_RTP_PORT_LOWEST = 1024

CLUSTER_SECRET_CHARS_MIN = 32

_NOT_GREATER = (
    ("wait_for_pickup_default_s", "wait_for_pickup_max_s"),
    ("call_duration_default_s", "call_duration_max_s"),
    ("rtp_port_min", "rtp_port_max"),
    ("reconnect_min_s", "reconnect_max_s"),
    ("events_retry_first_s", "events_retry_last_s"),
)


def variable(name: str) -> str:
    """A setting as the environment calls it."""
    return f"BRIDGE_{name.upper()}"


def conflicts(settings: Settings) -> Iterator[str]:
    """Each one in a line that names the settings; none if all is well."""
    for rule in _RULES:
        yield from rule(settings)


def _limits(settings: Settings) -> Iterator[str]:
    for low, high in _NOT_GREATER:
        if getattr(settings, low) > getattr(settings, high):
            yield f"{variable(low)} is greater than {variable(high)}"
    if 0 < settings.http_connections_max < settings.http_connections_per_address_max:
        yield "BRIDGE_HTTP_CONNECTIONS_PER_ADDRESS_MAX is greater than BRIDGE_HTTP_CONNECTIONS_MAX"


def _which_pbx(settings: Settings) -> Iterator[str]:
    source = settings.asterisk
    if settings.pbx_host and source not in ("auto", "external"):
        yield (
            f"BRIDGE_PBX_HOST names a PBX, and BRIDGE_ASTERISK={source} starts another one: leave "
            "one of them out"
        )
    if settings.ami_username == settings.ami_recording_username:
        yield (
            "BRIDGE_AMI_USERNAME and BRIDGE_AMI_RECORDING_USERNAME must differ: one user with both "
            "rights could run commands on the PBX"
        )


def _pbx_elsewhere(settings: Settings) -> Iterator[str]:
    """Settings of a PBX of somebody's own; ours is on loopback."""
    named = [x for x in ("ami_tls", "ari_tls", "ari_prefix") if getattr(settings, x)]
    if named and not settings.pbx_host:
        yield f"{variable(named[0])} is for a PBX of your own: set BRIDGE_PBX_HOST"
    if settings.pbx_ca_file is not None and not (settings.ami_tls or settings.ari_tls):
        yield "BRIDGE_PBX_CA_FILE is of use with BRIDGE_AMI_TLS or BRIDGE_ARI_TLS only"


def _ports_of_ours(settings: Settings) -> Iterator[str]:
    own = ("http_port", "sip_port", "ari_port", "ami_port")
    if not settings.pbx_host and len({getattr(settings, x) for x in own}) != len(own):
        yield f"two of {', '.join(map(variable, own))} are the same port"
    if settings.rtp_port_min < _RTP_PORT_LOWEST:
        yield f"BRIDGE_RTP_PORT_MIN must be {_RTP_PORT_LOWEST} or more"
    if settings.rtp_port_min == settings.rtp_port_max:
        yield "BRIDGE_RTP_PORT_MIN and BRIDGE_RTP_PORT_MAX are the same port; each phone needs two"


def _addresses_of_ours(settings: Settings) -> Iterator[str]:
    """Only where both Asterisks run on this machine; containers have addresses of their own."""
    if settings.pbx_host or settings.asterisk in ("external", "docker"):
        return
    pbx, network = ip_address(settings.bind_address), ip_address(settings.public_network_address)
    if pbx == network:
        yield (
            "BRIDGE_PUBLIC_NETWORK_ADDRESS is BRIDGE_BIND_ADDRESS: the simulated public network "
            "needs an address of its own, as in 127.0.0.2"
        )
    if network.is_unspecified:
        yield "BRIDGE_PUBLIC_NETWORK_ADDRESS must be one address, as in 127.0.0.2"
    if pbx.version == 4 and network.version == 6:
        yield (
            "BRIDGE_PUBLIC_NETWORK_ADDRESS is of IPv6, which the PBX does not reach from "
            "BRIDGE_BIND_ADDRESS"
        )


def _instances(settings: Settings) -> Iterator[str]:
    """An instance of several needs all that they share."""
    given = settings.instance_url or settings.cluster_secret.get_secret_value()
    if not settings.instance_name:
        if given:
            yield "BRIDGE_INSTANCE_URL and BRIDGE_CLUSTER_SECRET need BRIDGE_INSTANCE_NAME"
        return
    if not settings.instance_url:
        yield "BRIDGE_INSTANCE_NAME needs BRIDGE_INSTANCE_URL: the others have to reach this one"
    if len(settings.cluster_secret.get_secret_value()) < CLUSTER_SECRET_CHARS_MIN:
        yield f"BRIDGE_CLUSTER_SECRET must have {CLUSTER_SECRET_CHARS_MIN} characters or more"
    if not settings.database_url.startswith("postgresql"):
        yield "BRIDGE_INSTANCE_NAME needs a BRIDGE_DATABASE_URL of PostgreSQL: SQLite has one user"


def _edge(settings: Settings) -> Iterator[str]:
    """The edge and the service share tables, and the service makes the phones of an edge."""
    if not settings.edge_address:
        return
    if not settings.database_url.startswith("postgresql"):
        yield "BRIDGE_EDGE_ADDRESS needs a BRIDGE_DATABASE_URL of PostgreSQL: the edge reads it too"
    if not settings.provision_phones:
        yield "BRIDGE_EDGE_ADDRESS needs BRIDGE_PROVISION_PHONES: the phones of the edge are made"


def _several_pbxs(settings: Settings) -> Iterator[str]:
    names = [x.name for x in settings.pbx]
    if len(set(names)) != len(names):
        yield "two tables [[pbx]] have the same name"
    if len(names) > 1 and not settings.instance_name:
        yield "several tables [[pbx]] need BRIDGE_INSTANCE_NAME: the database knows who is on which"
    for entry in settings.pbx:
        if entry.ami_username is not None and entry.ami_username == entry.ami_recording_username:
            yield f"[[pbx]] {entry.name}: ami_username and ami_recording_username must differ"


_Rule = Callable[["Settings"], Iterator[str]]

_RULES: tuple[_Rule, ...] = (
    _limits,
    _which_pbx,
    _pbx_elsewhere,
    _ports_of_ours,
    _addresses_of_ours,
    _instances,
    _edge,
    _several_pbxs,
)
