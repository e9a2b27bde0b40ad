"""The settings of the HTTP server and of each API: frozen values, made in bridge/wiring/http.py.

Reasons and defaults of each value are in bridge/config/settings.py. Times and sizes have their unit
in the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from bridge.access.guess_guard import GuessLimits
from bridge.config.file_descriptors import ConnectionLimits
from bridge.pbx.tls import PbxTls
from bridge.phone_call_events.target_address import TargetRules


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The addresses to listen on, and the limits of a connection and of a request's head.

    `cross_origins`: the origins of web pages that may use the API; `*`: all. `trusted_proxies`: of
    these, `X-Forwarded-For` counts.
    """

    hosts: tuple[str, ...]
    port: int
    connections: ConnectionLimits
    idle_timeout_s: float
    shutdown_timeout_s: float
    request_line_max_bytes: int
    header_max_bytes: int
    cross_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateLimits:
    """The limits and defaults of a create.

    `recording`: whether any call can be recorded at all. `url_max_chars` and `targets`: of
    `statusUrl`.
    """

    duration_default_s: int
    duration_max_s: int
    pickup_default_s: int
    pickup_max_s: int
    parties_max: int
    nonce_max_chars: int
    recording: bool
    url_max_chars: int
    targets: TargetRules


@dataclass(frozen=True, slots=True)
class UapiSettings:
    """The UnifiedAPI: its statuses, the limits of calls and of PhoneCallEvents.

    `create_limit_s`: a call that is not on disk by then is refused, and never dialled.
    `ended_calls_kept_s`: so long `ended=true` lists a call.
    """

    create_status: int
    token_refused_status: int
    nothing_deleted_status: int
    create_limit_s: float
    refuse_unreachable_sources: bool
    create_waits_for_pbx: bool
    creates: CreateLimits
    ended_calls_kept_s: int
    event_url_max_chars: int
    event_targets: TargetRules
    event_old_secret_s: int


@dataclass(frozen=True, slots=True)
class VerbaSettings:
    """The Verba API: how long a request waits for its call, and how much it may fetch."""

    next_call_wait_s: float
    search_rows_max: int
    downloads_max: int
    download_min_bytes_per_s: int


@dataclass(frozen=True, slots=True)
class SipWebSocketSettings:
    """Phones on /ws: the PBX's own address for them (`ws` or `http` scheme), and their limits.

    `pbx_urls`: of several edges, the first one that answers within `connect_timeout_s` is taken.

    `strangers_per_address_max`: phones of one address that have not registered yet.
    `allowed_origins`: the origins of web pages that may connect, beside pages of this host; `*`:
    all. `stun_server`: host and port, which pages are told; empty: none.
    """

    pbx_urls: tuple[str, ...]
    pbx_tls: PbxTls | None
    connect_timeout_s: float
    phones_max: int
    strangers_per_address_max: int
    registration_s: float
    frames_per_s: int
    allowed_origins: tuple[str, ...]
    stun_server: str = ""


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """`shown`: whether the web console is there. `session_s`: how long a session lasts.

    `phone_secrets`: to whom passwords of phones are told: `none`, `own` (to their user) or `reach`.
    `sip_server`: host and port where phones register; empty: it is not known.
    """

    shown: bool
    session_s: int
    phone_secrets: str
    sip_server: str


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """All that the handlers are told.

    `metrics_token`: what a scraper must send; empty: /metrics is not there.
    `reference_page`: whether /docs is there.
    `requests_per_minute`: of one app; 0: any number.
    `public_base_url`: of links, behind a proxy; empty: what the request calls this host.
    """

    public_base_url: str
    body_max_bytes: int
    body_timeout_s: float
    metrics_token: str
    reference_page: bool
    console: ConsoleSettings
    guesses: GuessLimits
    requests_per_minute: int
    uapi: UapiSettings
    verba: VerbaSettings
    sip_websocket: SipWebSocketSettings
