"""Every setting of the service: one class, each with its unit and its reason.

bridge/config/settings_sources.py has the places that their values are read from.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.config.pbx_entries import PbxEntry, of_first_pbx
from bridge.config.setting_rules import conflicts
from bridge.config.setting_values import (
    AudioCodecs,
    BaseUrl,
    CaFile,
    CreateStatus,
    DatabaseUrl,
    EdgePlaces,
    Host,
    Hosts,
    HttpStatuses,
    IpAddress,
    Networks,
    NothingDeletedStatus,
    Origins,
    Port,
    PortRanges,
    Seconds,
    TokenRefusedStatus,
    UrlPrefix,
    VideoCodecs,
)
from bridge.config.settings_sources import file_sources

LARGEST_NUMBER = 10_000_000_000
"""Of any setting: 300 years in seconds. A moment so long ago still fits into the database."""


class Settings(BaseSettings):
    """All settings. Each field has its unit in the name or comment, its default, and its reason."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    # Files and database
    state_dir: Path = Path("state")  # database, generated secrets, the local Asterisk
    directory_file: Path | None = None  # None: the shipped example
    database_url: DatabaseUrl = ""  # empty: SQLite in state_dir; else postgresql+asyncpg://…
    sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL"  # FULL survives a power cut

    # HTTP
    # Where to listen; several with commas. `::` is every address, of IPv6 and of IPv4.
    http_host: Hosts = "127.0.0.1"
    http_port: Port = 8080  # of every API, the WebSocket and /health
    # for links.self behind a proxy; empty: from the request's Host
    public_base_url: BaseUrl = ""
    # In a container: the address under which it is reached from outside, which is not known inside.
    # The greeting tells it; docker-compose.yml sets it.
    published_url: BaseUrl = ""
    # some old clients take nothing but 200 for success
    create_status: CreateStatus = 202
    # of a token that is unknown or expired; some old clients ask for a new one only on 403
    token_refused_status: TokenRefusedStatus = 401
    # of a DELETE that found nothing: 204 without a body, or 200 with `[]` for clients that read
    # every success as JSON
    nothing_deleted_status: NothingDeletedStatus = 204
    # A longer body is 413; a create needs less than 2 KB.
    body_max_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    header_max_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024  # one header; a longer one is 400
    # Addresses and networks of proxies before this service, separated by commas. The last address
    # that they add to X-Forwarded-For is the client's; of anybody else the header does not count.
    trusted_proxies: Networks = ""
    # Connections open at a time; 0: as many as there are file descriptors for, up to 10,000.
    # Further ones are answered 503 and closed.
    http_connections_max: Annotated[int, Field(ge=0)] = 0
    # Of one address (IPv6: of one /64); 0: a quarter of all. Behind a proxy, the address of the
    # proxy.
    http_connections_per_address_max: Annotated[int, Field(ge=0)] = 0
    http_idle_timeout_s: Seconds = 75.0  # a connection without a request, or with half of one
    body_timeout_s: Seconds = 30.0  # from the headers of a request to the end of its body
    sip_websockets_max: Annotated[int, Field(ge=0)] = 80  # less than http.conf's sessionlimit
    # Of one address (IPv6: /64) that have not registered yet; 0: a quarter of all.
    sip_websocket_strangers_max: Annotated[int, Field(ge=0)] = 0
    # A phone that has not registered by then, or whose registration ended so long ago, must go.
    sip_websocket_registration_s: Seconds = 30.0
    sip_websocket_frames_per_s: Annotated[int, Field(ge=1)] = 50  # more are read no faster
    # Origins of web pages that may connect to /ws, separated by commas, beside pages of this host
    # itself; `*`: all. Clients that are not browsers send no Origin and are not checked.
    sip_websocket_origins: Origins = ""
    # Origins of web pages that may use the API (CORS), separated by commas; `*`: all. Pages of this
    # host itself need no permission.
    cors_allowed_origins: Origins = ""
    # The reference of the API at /docs, which needs no token; False: the page is not there.
    reference_page: bool = True
    # The web console at /console/; False: the page, its sessions and its links are not there.
    console: bool = True
    # So long a session of the console lasts: a working day, then one signs in again.
    console_session_s: Annotated[int, Field(ge=60)] = 8 * 3600
    # So long the link that `serve` prints signs in, once; 0: none is printed. It is printed only
    # while the service listens on loopback.
    console_link_s: Annotated[int, Field(ge=0)] = 3600
    # The sessions of the console that are told passwords of phones. `own`: that of a user, for
    # phones of that user; `reach`: each one, for all phones that it may act for; `none`: no one.
    console_phone_secrets: Literal["none", "own", "reach"] = "own"
    # Host and port where phones register with a PBX of your own, as the console tells them; empty:
    # it is not told. That of the Asterisk that is started is known.
    console_sip_server: str = Field("", pattern=r"^$|^[A-Za-z0-9.\[\]:-]{1,253}:[0-9]{1,5}$")
    # The request line; a longer one is 400.
    uri_max_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024
    # Wrong secrets that an address (IPv6: /64) may send at once: of one app, Verba user or phone on
    # /ws, and of all. Then 429 (/ws: closed); one more after window / max seconds. 0: any number.
    wrong_secrets_per_client_max: Annotated[int, Field(ge=0)] = 20
    # The same of all apps and users behind one address.
    wrong_secrets_per_address_max: Annotated[int, Field(ge=0)] = 100
    wrong_secrets_window_s: Seconds = 300.0  # all places are free again after so long
    # Requests of one app, or with one key of the Verba API, within a minute; then 429 (Verba: the
    # code -1). 0: any number. 1000 a second is more than one process answers for long.
    requests_per_minute_max: Annotated[int, Field(ge=0)] = 60_000
    # Metrics (Prometheus) on a port of their own; 0: none.
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    # The address of that port. It asks for no token.
    metrics_host: Hosts = "127.0.0.1"
    # The bearer token of /metrics on http_port; empty: /metrics is not there.
    metrics_token: SecretStr = SecretStr("")
    # Traces (OpenTelemetry): a collector's URL of OTLP over HTTP, as http://127.0.0.1:4318/v1/traces;
    # empty: none. It needs the packages of `uapi-bridge[otel]`.
    otlp_traces_url: BaseUrl = ""
    # Of the requests without a `traceparent`, and of the calls that phones begin: 0 to 1.
    traces_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    # auto: uvloop where it is installed (`uapi-bridge[fast]`), else asyncio.
    event_loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    shutdown_timeout_s: Seconds = 10.0  # how long requests in flight may take at the end
    token_lifetime_s: Annotated[int, Field(ge=60)] = 3600  # apps are told it as expires_in
    # So long a repeated Idempotency-Key gets the first answer.
    idempotency_lifetime_s: Annotated[int, Field(ge=60)] = 24 * 3600
    # Keys that are kept, each with its answer of about 500 bytes; beyond, the oldest are forgotten.
    idempotency_keys_max: Annotated[int, Field(ge=1000)] = 1_000_000

    # Several instances over one PostgreSQL
    # The name of this instance among them, which is its own alone; empty: there is one instance.
    instance_name: str = Field("", pattern=r"^[a-z0-9-]{0,32}$")
    # The other instances reach this one there: a URL as http://10.0.0.11:8080.
    instance_url: BaseUrl = ""
    # The same at all instances, of 32 characters and more. It signs what they send each other, and
    # encrypts the secrets that they share.
    cluster_secret: SecretStr = SecretStr("")
    # So long an instance that is told to stop goes on to answer, while /health/ready is 503. The
    # balancer must notice meanwhile: that of deploy/haproxy takes 1.5 s. 0: it stops at once.
    stop_notice_s: Annotated[float, Field(ge=0)] = 3.0
    # The SIP edge (docs/edge.md) at which the phones register, by IP address and port as in
    # 10.0.0.5:5060; empty: they register at the PBX. The PBX takes calls of phones from there only.
    # Several edges are separated by commas: a phone registers at any of them.
    edge_address: EdgePlaces = ""
    # The realm of the edge, which is a part of the digests of its passwords (EDGE_REALM).
    edge_realm: str = Field("edge", pattern=r"^[A-Za-z0-9.-]{1,64}$")
    # Several PBXs, as tables `[[pbx]]` of the settings file: name, host, and what differs of the
    # settings of the PBX. `pbx_host` and `pbx_name` are left out then.
    pbx: tuple[PbxEntry, ...] = ()

    # Whether the organizations of a PBX that is down move to another one. auto: with edge_address,
    # since the edge takes the phones along. Phones that register at a PBX stay there.
    move_organizations: Literal["auto", "yes", "no"] = "auto"
    # Of an instance of several: after so long without a PBX its live calls end as unknown. A call
    # that lives on all the same is hung up when the PBX is back. 0: they never end so.
    pbx_gone_s: Annotated[int, Field(ge=0)] = 300

    # The PBX
    # Where it comes from; auto: external with pbx_host, else one is started.
    asterisk: Literal["auto", "external", "docker", "path", "root"] = "auto"
    pbx_name: str = Field("pbx1", pattern=r"^[A-Za-z0-9_.-]{1,32}$")  # part of every key
    # A PBX of your own, by name or IP address; empty: one is started (make serve).
    pbx_host: Host = ""
    # The certificates of the authorities that sign the PBX's certificate (PEM); None: those this
    # machine trusts.
    pbx_ca_file: CaFile | None = None
    pbx_tls_verify: bool = True  # False: encrypted, but whoever answers is taken for the PBX
    ami_tls: bool = False  # ami_port is then the port of `tlsbindaddr` in manager.conf
    ami_port: Port = 5038  # `port` in manager.conf
    ami_username: str = "bridge"  # the section in manager.conf
    ami_secret: SecretStr = SecretStr("")  # empty: the generated one of state_dir
    # A second AMI user, for recording only: its right `system` must not be the first one's.
    ami_recording_username: str = "bridge-recording"
    ami_recording_secret: SecretStr = SecretStr("")  # empty: the generated one of state_dir
    ari_port: Port = 8088  # `bindport` in http.conf
    ari_tls: bool = False  # ari_port is then the port of `tlsbindaddr` in http.conf
    ari_prefix: UrlPrefix = ""  # `prefix` of http.conf, like /asterisk
    ari_username: str = "bridge"  # the section in ari.conf
    ari_secret: SecretStr = SecretStr("")  # empty: the generated one of state_dir
    provision_phones: bool = True  # make the directory's phones through ARI
    # An IP address of the PBX that the audio of all these phones is bound to, e.g. its loopback
    # where all phones run there too; empty: the PBX chooses.
    phone_media_address: IpAddress = ""
    # The file into which the service writes the queues of the directory, and which queues.conf of
    # the PBX includes; None: the queues are in the PBX's own queues.conf. A file in a folder that
    # does not exist is not written. `serve` sets it for the Asterisk that it starts.
    queues_file: Path | None = None
    # A phone that sends neither RTP nor RTCP for this time is gone, and its call ends. Lost power
    # must end a call within a minute; a short network failure must not. 0: never. Holds for video
    # too.
    phone_rtp_timeout_s: Annotated[int, Field(ge=0)] = 45
    # The same for a phone that holds its call: many send nothing then, for as long as it takes.
    phone_rtp_timeout_hold_s: Annotated[int, Field(ge=0)] = 1800
    # Each phone is asked so often (OPTIONS) whether it is there; one that does not answer counts as
    # not registered. The requests also keep the NAT mapping open: home routers drop it after 60 s
    # of silence, Docker's proxy after 90 s. 0: no requests; the phone is gone when its registration
    # expires.
    phone_qualify_frequency_s: Annotated[int, Field(ge=0)] = 45
    # SIP session timers (RFC 4028) find out about a phone that vanished on hold. `yes`: with phones
    # that know them; `always`: Asterisk asks the others too.
    phone_session_timers: Literal["no", "yes", "always"] = "yes"
    phone_session_expires_s: Annotated[int, Field(ge=90)] = 600  # the RFC's least is 90
    audio_codecs: AudioCodecs = "ulaw,alaw"  # in order of preference, as Asterisk calls them
    video_codecs: VideoCodecs = "h264,vp8"  # offered as well when a call asks for video
    connect_timeout_s: Seconds = 5.0  # until a link to AMI or ARI is open
    boot_timeout_s: Seconds = 60.0  # from login to FullyBooted
    action_timeout_s: Seconds = 5.0  # one AMI action or ARI request
    ping_interval_s: Seconds = 5.0  # a link is asked so often whether it is alive
    ping_timeout_s: Seconds = 3.0  # a link silent for interval + timeout is dropped
    reconnect_min_s: Seconds = 0.5  # before the first new attempt; then doubled
    reconnect_max_s: Seconds = 15.0  # at most between two attempts
    resync_interval_s: Seconds = 300.0  # the PBX's list of channels is compared this often

    # The local Asterisk of make serve, make demo and the tests
    # Of SIP and RTP; AMI and ARI stay on loopback.
    bind_address: Annotated[IpAddress, Field(min_length=1)] = "127.0.0.1"
    sip_port: Port = 5060  # UDP and TCP
    rtp_port_min: Port = 10000  # UDP; each phone in a call needs two
    rtp_port_max: Port = 10499  # UDP; open the whole range in the firewall
    # Of the simulated public network.
    public_network_address: Annotated[IpAddress, Field(min_length=1)] = "127.0.0.2"
    public_network_port: Port = 5060  # its SIP port
    # The version of Debian's package, as in 1:22.10.1+dfsg-1, or "newest": what the mirror has.
    # Empty: the one that this release is tested with (asterisk-conf/asterisk-package).
    asterisk_package: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+:~-]*$")] = ""
    # True: package lists past their date count. Needed for a stored copy of the archive; with any
    # other mirror, somebody between it and us could pass off old packages with known holes.
    stale_mirror: bool = False
    external_address: str = ""  # NAT: what phones outside reach us by
    # Browser phones: a STUN server, as host:port. Asterisk asks it for its own address where
    # external_address is not set, and pages ask it for theirs. Empty: nobody is asked.
    stun_server: Annotated[str, Field(pattern=r"^(\[?[A-Za-z0-9.:_-]+\]?:[0-9]{1,5})?$")] = ""
    # Of a browser phone: so long the password is good that a page was given. One that leaks is good
    # no longer; shorter means that pages ask more often.
    browser_phone_secret_s: Annotated[int, Field(ge=60, le=86_400)] = 3600

    # Calls
    wait_for_pickup_default_s: Annotated[int, Field(ge=1)] = 25  # the specification's default
    wait_for_pickup_max_s: Annotated[int, Field(ge=1)] = 300  # more in waitForPickup is 400
    destination_wait_s: Annotated[int, Field(ge=1)] = 60  # how long destinations ring
    # Of a create without callDuration.
    call_duration_default_s: Annotated[int, Field(ge=1)] = 2 * 3600
    call_duration_max_s: Annotated[int, Field(ge=1)] = 4 * 3600  # more in callDuration is 400
    call_age_max_s: Annotated[int, Field(ge=1)] = 12 * 3600  # any call older is ended
    parties_max: Annotated[int, Field(ge=1, le=20)] = 10  # numbers in source or destination
    nonce_max_chars: Annotated[int, Field(ge=1)] = 255  # a longer nonce is 400
    refuse_unreachable_sources: bool = True  # False: the PBX finds out
    # True: a create is answered once the PBX has taken its Originate, and a refusal is 502. False:
    # once the Originate is written, a round trip earlier; a refusal then ends the call.
    create_waits_for_pbx: bool = False
    # So long `ended=true` lists a call.
    ended_calls_kept_s: Annotated[int, Field(ge=60)] = 24 * 3600

    # Recording, and the Verba API
    recording: bool = True  # False: nothing is recorded, and the second AMI user not needed
    recording_stereo: bool = False  # True: each side on a channel of its own (raw files)
    # The folder that MixMonitor writes to. ARI must list the same folder as stored recordings.
    # Relative to Asterisk's folder `monitor`, or absolute.
    recording_folder: str = "../recording"
    recording_shared_folder: Path | None = None  # read and delete files here, not through ARI
    recording_retention_days: Annotated[int, Field(ge=0)] = 0  # no deletion before; 0: none
    recording_session_idle_s: Seconds = 60.0  # the second AMI session stays open so long unused
    recording_retry_s: Seconds = 15.0  # what could not be stopped, measured, removed: again
    recording_settle_ms: Annotated[int, Field(ge=0)] = 2000  # a file may appear so late
    recording_close_limit_ms: Annotated[int, Field(ge=0)] = 10_000  # a file may be open so long
    # Media files that clients fetch at a time; the minimum rate of each, so that a client that
    # stops reading gives its place back. 16,000 bytes a second is the rate of listening.
    recording_downloads_max: Annotated[int, Field(ge=1, le=24)] = 16
    # Slower ones are broken off.
    recording_download_min_bytes_per_s: Annotated[int, Field(ge=1)] = 4096
    verba_token_lifetime_s: Annotated[int, Field(ge=60)] = 3600  # of RequestToken
    # A recording may be written a moment after its call.
    verba_lookup_tries: Annotated[int, Field(ge=1)] = 2
    verba_lookup_sleep_ms: Annotated[int, Field(ge=0)] = 1000  # between two tries
    verba_next_call_wait_s: Seconds = 60.0  # of a request that waits for the next call of a number
    # Rows of one SearchCalls; with more than 1000 all other requests would wait for their objects.
    verba_search_rows_max: Annotated[int, Field(ge=1, le=1000)] = 1000

    # Voicemail
    voicemail_message_max_s: Annotated[int, Field(ge=5, le=3600)] = 180  # of one message
    # Messages of a mailbox; with so many it takes no other. 180 s of audio are 3 MB. The names of
    # more than 80 do not fit into a variable of Asterisk's dialplan.
    voicemail_messages_max: Annotated[int, Field(ge=1, le=80)] = 50
    voicemail_kept_days: Annotated[int, Field(ge=0)] = 90  # then a message is deleted; 0: never
    voicemail_check_interval_s: Seconds = 300.0  # mailboxes are compared with the PBX this often

    # Limits
    calls_per_second: Annotated[float, Field(gt=0)] = 50.0  # new calls that the PBX is given
    calls_burst: Annotated[int, Field(ge=1)] = 50  # placed at once after a pause
    call_queue_wait_ms: Annotated[int, Field(ge=0)] = 2000  # longer: 429
    calls_per_extension_max: Annotated[int, Field(ge=1)] = 10  # live ones; a further create is 429
    calls_per_user_max: Annotated[int, Field(ge=1)] = 50  # live ones; a further create is 429
    calls_max: Annotated[int, Field(ge=1)] = 1000  # live ones in all; a further create is 429
    # Parties that the extensions of one organization have parked; a further Park is 409. All
    # organizations share one parking lot, which has 100 places on the shipped Asterisk.
    parked_per_organization_max: Annotated[int, Field(ge=1)] = 20

    # Timelines of calls
    # Entries of one call, and its attempts of webhooks. Of more entries the middle is left out. 0:
    # calls have no timeline.
    timeline_entries_max: Annotated[int, Field(ge=0, le=10_000)] = 200
    # Channels whose Call-ID of SIP is asked of Asterisk, in a second; 0: of none.
    sip_call_ids_per_second: Annotated[int, Field(ge=0, le=1000)] = 20

    # Streams of calls and of presence (server-sent events)
    call_streams_max: Annotated[int, Field(ge=0)] = 2000  # open at a time; a further one is 429
    call_streams_per_app_max: Annotated[int, Field(ge=0)] = 1000  # of one app

    # PhoneCallEvents
    events_private_targets: bool = False  # may URLs lead to loopback and private addresses?
    # Certificates (PEM) that receivers' own may be signed with, beside those this machine trusts.
    events_ca_file: CaFile | None = None
    # CallFlow: `in` and `out`, as running systems send it and receivers compare it; upper: `IN` and
    # `OUT`, as the vendor's page has it.
    events_call_flow: Literal["lower", "upper"] = "lower"
    # CallerIDNum and CallerIDName of an extension's own call: its number (`0003*210`, `210`), as
    # running systems send it; public: the caller id that the called side is shown.
    events_caller_id: Literal["extension", "public"] = "extension"
    # Ports and ranges of them that URLs may name. Below 1024 only the ports of the web, so that
    # nobody can scan for mail or login servers with our requests.
    events_ports: PortRanges = "80,443,1024-65535"
    events_url_max_chars: Annotated[int, Field(ge=64)] = 2048  # a longer url is 400
    # Subscriptions; a further one is 400 pce_limit_reached.
    events_per_extension_max: Annotated[int, Field(ge=1)] = 20
    events_timeout_s: Seconds = 5.0  # from connecting to the headers of the receiver's answer
    events_retry_first_s: Seconds = 1.0  # doubled with each attempt, give or take a quarter
    events_retry_last_s: Seconds = 300.0  # the longest delay between two attempts
    events_retry_after_max_s: Seconds = 3600.0  # a receiver's Retry-After counts up to this
    events_age_max_s: Seconds = 24 * 3600.0  # then an event is given up
    events_attempts_max: Annotated[int, Field(ge=1)] = (
        500  # of one event; the age ends most earlier
    )
    # After this many answers other than 2xx an event is given up, and the next one follows. The
    # answers 408, 425, 429, 502, 503 and 504 ("not now") do not count. At the default delays 20
    # take about an hour.
    events_refused_max: Annotated[int, Field(ge=1)] = 20
    # Statuses that say that another try is of no use, and how many tries such an event gets.
    events_final_statuses: HttpStatuses = (400, 404, 405, 410, 413, 415, 422)
    # Tries of an event with such an answer.
    events_final_refused_max: Annotated[int, Field(ge=1)] = 3
    events_waiting_max: Annotated[int, Field(ge=1)] = 10_000  # per subscription; the oldest go
    events_connections_max: Annotated[int, Field(ge=1)] = 64  # open at a time, to all receivers
    # A quarter: slow receivers of one organization must not delay the events of all others.
    events_connections_per_organization_max: Annotated[int, Field(ge=1)] = 16
    # By one organization to one host, whatever the port.
    events_connections_per_host_max: Annotated[int, Field(ge=1)] = 8
    events_tests_per_minute: Annotated[int, Field(ge=1)] = 6  # test events of a subscription
    # A secret that was replaced signs beside the new one for so long at most; a day, as an event is
    # tried.
    events_old_secret_s: Annotated[int, Field(ge=0)] = 24 * 3600
    events_kept_s: Annotated[int, Field(ge=60)] = 7 * 24 * 3600  # deliveries that have ended

    # Log
    # One JSON object a line, or lines for people.
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"  # lines below it are left out
    # Lines for requests that were not granted, of one app or address a minute; further ones are
    # counted in one line.
    refusals_logged_per_minute: Annotated[int, Field(ge=1)] = 60
    record_pbx_events_to: Path | None = None  # raw PBX events as JSON lines, for replay

    @model_validator(mode="before")
    @classmethod
    def _first_pbx(cls, given: Any) -> Any:
        return of_first_pbx(given)

    @field_validator("*", mode="after")
    @classmethod
    def _can_be_computed_with(cls, value: object) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("it must be a finite number")
        if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
            raise ValueError(f"it must be at most {LARGEST_NUMBER}")
        return value

    @model_validator(mode="after")
    def _fit_each_other(self) -> Self:
        if found := list(conflicts(self)):
            raise ValueError("\nsettings: ".join(found))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read values from arguments, then the environment, then files; the first that has a value
        counts."""
        return (init_settings, env_settings, *file_sources(settings_cls))

    @property
    def http_hosts(self) -> list[str]:
        """Each address to listen on."""
        return self.http_host.split(",")

    @property
    def resolved_database_url(self) -> str:
        """`database_url`; without one, an SQLite file in the state directory."""
        return self.database_url or f"sqlite+aiosqlite:///{self.state_dir / 'bridge.db'}"
