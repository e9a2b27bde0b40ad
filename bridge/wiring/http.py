"""Makes the settings of the HTTP server and its APIs."""

from __future__ import annotations

from bridge.access.guess_guard import GuessLimits
from bridge.config.file_descriptors import ConnectionLimits, descriptor_limit
from bridge.config.setting_values import networks
from bridge.config.settings import Settings
from bridge.http.base_url import authority
from bridge.http.http_settings import (
    ConsoleSettings,
    CreateLimits,
    HttpSettings,
    ServerSettings,
    SipWebSocketSettings,
    UapiSettings,
    VerbaSettings,
)
from bridge.http.server import EVERY_ADDRESS, EVERY_IPV4_ADDRESS
from bridge.wiring.descriptor_budget import connection_limits
from bridge.wiring.pbx import edge_addresses, pbx_tls, pbx_url
from bridge.wiring.phone_call_events import target_rules

_SCRAPERS = 16


def server_settings(settings: Settings) -> ServerSettings:
    """As many connections as there are file descriptors for, now."""
    return ServerSettings(
        hosts=tuple(settings.http_hosts),
        port=settings.http_port,
        connections=connection_limits(settings, descriptor_limit()),
        idle_timeout_s=settings.http_idle_timeout_s,
        shutdown_timeout_s=settings.shutdown_timeout_s,
        request_line_max_bytes=settings.uri_max_bytes,
        header_max_bytes=settings.header_max_bytes,
        cross_origins=tuple(_listed(settings.cors_allowed_origins)),
        trusted_proxies=networks(settings.trusted_proxies),
    )


def metrics_server_settings(settings: Settings) -> ServerSettings:
    """The server of the metrics alone: few connections, and the limits of the API."""
    return ServerSettings(
        hosts=tuple(settings.metrics_host.split(",")),
        port=settings.metrics_port,
        connections=ConnectionLimits(total=_SCRAPERS, per_address=_SCRAPERS),
        idle_timeout_s=settings.http_idle_timeout_s,
        shutdown_timeout_s=settings.shutdown_timeout_s,
        request_line_max_bytes=settings.uri_max_bytes,
        header_max_bytes=settings.header_max_bytes,
    )


def http_settings(settings: Settings) -> HttpSettings:
    """The part of the settings that the HTTP side needs."""
    return HttpSettings(
        public_base_url=settings.public_base_url,
        body_max_bytes=settings.body_max_bytes,
        body_timeout_s=settings.body_timeout_s,
        metrics_token=settings.metrics_token.get_secret_value(),
        reference_page=settings.reference_page,
        console=ConsoleSettings(
            shown=settings.console,
            session_s=settings.console_session_s,
            phone_secrets=settings.console_phone_secrets,
            sip_server=sip_server(settings),
        ),
        guesses=GuessLimits(
            per_client=settings.wrong_secrets_per_client_max,
            per_address=settings.wrong_secrets_per_address_max,
            window_s=settings.wrong_secrets_window_s,
        ),
        requests_per_minute=settings.requests_per_minute_max,
        uapi=_uapi(settings),
        verba=VerbaSettings(
            next_call_wait_s=settings.verba_next_call_wait_s,
            search_rows_max=settings.verba_search_rows_max,
            downloads_max=settings.recording_downloads_max,
            download_min_bytes_per_s=settings.recording_download_min_bytes_per_s,
        ),
        sip_websocket=_sip_websocket(settings),
    )


def sip_server(settings: Settings) -> str:
    """Host and port where phones register; empty where only somebody's own PBX knows.

    "Every address" is shown as loopback: on this machine that is one of them.
    """
    if settings.edge_address:
        return settings.console_sip_server or edge_addresses(settings)[0].uri_host
    if settings.console_sip_server or settings.pbx_host:
        return settings.console_sip_server
    host = settings.external_address or settings.bind_address
    reached = "127.0.0.1" if host in (EVERY_ADDRESS, EVERY_IPV4_ADDRESS) else host
    return authority(reached, settings.sip_port)


def _uapi(settings: Settings) -> UapiSettings:
    return UapiSettings(
        create_status=settings.create_status,
        token_refused_status=settings.token_refused_status,
        nothing_deleted_status=settings.nothing_deleted_status,
        create_limit_s=_create_limit_s(settings),
        refuse_unreachable_sources=settings.refuse_unreachable_sources,
        create_waits_for_pbx=settings.create_waits_for_pbx,
        creates=CreateLimits(
            duration_default_s=settings.call_duration_default_s,
            duration_max_s=settings.call_duration_max_s,
            pickup_default_s=settings.wait_for_pickup_default_s,
            pickup_max_s=settings.wait_for_pickup_max_s,
            parties_max=settings.parties_max,
            nonce_max_chars=settings.nonce_max_chars,
            recording=settings.recording,
            url_max_chars=settings.events_url_max_chars,
            targets=target_rules(settings),
        ),
        ended_calls_kept_s=settings.ended_calls_kept_s,
        event_url_max_chars=settings.events_url_max_chars,
        event_targets=target_rules(settings),
        event_old_secret_s=settings.events_old_secret_s,
    )


def _sip_websocket(settings: Settings) -> SipWebSocketSettings:
    phones, edges = settings.sip_websockets_max, edge_addresses(settings)
    return SipWebSocketSettings(
        pbx_urls=tuple(f"ws://{x.uri_host}/" for x in edges) or (pbx_url(settings, "/ws"),),
        pbx_tls=pbx_tls(settings) if settings.ari_tls and not edges else None,
        connect_timeout_s=settings.connect_timeout_s,
        phones_max=phones,
        strangers_per_address_max=settings.sip_websocket_strangers_max or max(1, phones // 4),
        registration_s=settings.sip_websocket_registration_s,
        frames_per_s=settings.sip_websocket_frames_per_s,
        allowed_origins=tuple(_listed(settings.sip_websocket_origins)),
        stun_server=settings.stun_server,
    )


def _create_limit_s(settings: Settings) -> float:
    """How long a create may take until it is on disk; later it is refused, never dialled.

    4 s, the time limit of the database: no phone rings later than 5 s after its POST. A longer
    wait for a turn adds half of its time for the disk.
    """
    return max(4.0, settings.call_queue_wait_ms / 1000 + 2.0)


def _listed(text: str) -> list[str]:
    """The parts between the commas."""
    return [x.strip() for x in text.split(",") if x.strip()]
