"""Every setting of the service: one class, each with its unit and its reason.

Read from the environment (`BRIDGE_…`; an empty variable counts as none), then from files named as
the variables in the folders of `BRIDGE_SECRETS_DIR` (Docker secrets; of several folders, separated
by `:`, the last counts), then from a TOML file named by `BRIDGE_SETTINGS_FILE`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bridge.setting_values import (
    AudioCodecs,
    BaseUrl,
    CreateStatus,
    DatabaseUrl,
    IpAddress,
    Port,
    Seconds,
    VideoCodecs,
)

SETTINGS_FILE, SECRETS_DIR = "BRIDGE_SETTINGS_FILE", "BRIDGE_SECRETS_DIR"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    # Where things are kept
    state_dir: Path = Path("state")  # database, generated secrets, the local Asterisk
    directory_file: Path | None = None  # None: the shipped example
    database_url: DatabaseUrl = ""  # empty: SQLite in state_dir; else postgresql+asyncpg://…
    sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL"  # FULL survives a power cut

    # HTTP
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    # for links.self behind a proxy; empty: from the request's Host
    public_base_url: BaseUrl = ""
    # some old clients take nothing but 200 for success
    create_status: CreateStatus = 202
    body_max_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    header_max_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024
    http_idle_timeout_s: Seconds = 75.0  # a connection without a request, or with half of one
    body_timeout_s: Seconds = 30.0  # from the headers of a request to the end of its body
    sip_websockets_max: Annotated[int, Field(ge=0)] = 80  # less than http.conf's sessionlimit
    uri_max_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024
    shutdown_timeout_s: Seconds = 10.0  # how long requests in flight may take at the end
    token_lifetime_s: Annotated[int, Field(ge=60)] = 3600
    idempotency_lifetime_s: Annotated[int, Field(ge=60)] = 24 * 3600

    # The PBX
    asterisk: Literal["auto", "external", "docker", "path", "root"] = "auto"
    pbx_name: str = Field("pbx1", pattern=r"^[A-Za-z0-9_.-]{1,32}$")  # part of every key
    pbx_host: str = ""  # a PBX of your own; empty: one is started (make serve)
    ami_port: Port = 5038
    ami_username: str = "bridge"
    ami_secret: SecretStr = SecretStr("")  # empty: the generated one of state_dir
    # A second AMI user, for recording only: its right `system` must not be the first one's.
    ami_recording_username: str = "bridge-recording"
    ami_recording_secret: SecretStr = SecretStr("")
    ari_port: Port = 8088
    ari_username: str = "bridge"
    ari_secret: SecretStr = SecretStr("")
    provision_phones: bool = True  # make the directory's phones through ARI
    # An IP address of the PBX that the audio of all these phones is bound to, e.g. its loopback
    # where all phones run there too; empty: the PBX chooses.
    phone_media_address: IpAddress = ""
    audio_codecs: AudioCodecs = "ulaw,alaw"
    video_codecs: VideoCodecs = "h264,vp8"  # offered as well when a call asks for video
    connect_timeout_s: Seconds = 5.0
    boot_timeout_s: Seconds = 60.0  # from login to FullyBooted
    action_timeout_s: Seconds = 5.0  # one AMI action or ARI request
    ping_interval_s: Seconds = 5.0
    ping_timeout_s: Seconds = 3.0  # a link silent for interval + timeout is dropped
    reconnect_min_s: Seconds = 0.5
    reconnect_max_s: Seconds = 15.0
    resync_interval_s: Seconds = 300.0  # the PBX's list of channels is compared this often

    # The local Asterisk of make serve, make demo and the tests
    # Of SIP and RTP; AMI and ARI stay on loopback.
    bind_address: Annotated[IpAddress, Field(min_length=1)] = "127.0.0.1"
    sip_port: Port = 5060
    rtp_port_min: Port = 10000
    rtp_port_max: Port = 10499
    public_network_address: Annotated[IpAddress, Field(min_length=1)] = "127.0.0.2"
    public_network_port: Port = 5060
    external_address: str = ""  # NAT: what phones outside reach us by

    # Calls
    wait_for_pickup_default_s: Annotated[int, Field(ge=1)] = 25  # the specification's default
    wait_for_pickup_max_s: Annotated[int, Field(ge=1)] = 300
    destination_wait_s: Annotated[int, Field(ge=1)] = 60  # how long destinations ring
    call_duration_default_s: Annotated[int, Field(ge=1)] = 2 * 3600
    call_duration_max_s: Annotated[int, Field(ge=1)] = 4 * 3600
    call_age_max_s: Annotated[int, Field(ge=1)] = 12 * 3600  # any call older is ended
    parties_max: Annotated[int, Field(ge=1, le=20)] = 10  # numbers in source or destination
    nonce_max_chars: Annotated[int, Field(ge=1)] = 255
    refuse_unreachable_sources: bool = True  # False: the PBX finds out
    ended_calls_kept_s: Annotated[int, Field(ge=60)] = 24 * 3600

    # Recording, and the Verba API
    recording: bool = True  # False: nothing is recorded, and the second AMI user not needed
    recording_stereo: bool = False  # True: each side on a channel of its own (raw files)
    # Where MixMonitor writes: must be what ARI lists as stored recordings. Relative to Asterisk's
    # folder `monitor`, or absolute.
    recording_folder: str = "../recording"
    recording_shared_folder: Path | None = None  # read and delete files here, not through ARI
    recording_retention_days: Annotated[int, Field(ge=0)] = 0  # no deletion before; 0: none
    recording_session_idle_s: Seconds = 60.0  # the second AMI session stays open so long unused
    recording_retry_s: Seconds = 15.0  # what could not be stopped, measured, removed: again
    recording_settle_ms: Annotated[int, Field(ge=0)] = 2000  # a file may appear so late
    recording_close_limit_ms: Annotated[int, Field(ge=0)] = 10_000  # a file may be open so long
    verba_token_lifetime_s: Annotated[int, Field(ge=60)] = 3600
    verba_lookup_tries: Annotated[int, Field(ge=1)] = 2
    verba_lookup_sleep_ms: Annotated[int, Field(ge=0)] = 1000
    verba_next_call_wait_s: Seconds = 60.0
    verba_search_rows_max: Annotated[int, Field(ge=1)] = 1000

    # Limits
    calls_per_second: Annotated[float, Field(gt=0)] = 50.0
    calls_burst: Annotated[int, Field(ge=1)] = 50  # placed at once after a pause
    call_queue_wait_ms: Annotated[int, Field(ge=0)] = 2000  # longer: 429
    calls_per_extension_max: Annotated[int, Field(ge=1)] = 10
    calls_per_user_max: Annotated[int, Field(ge=1)] = 50
    calls_max: Annotated[int, Field(ge=1)] = 1000

    # PhoneCallEvents
    events_private_targets: bool = False  # may URLs lead to loopback and private addresses?
    events_url_max_chars: Annotated[int, Field(ge=64)] = 2048
    events_per_extension_max: Annotated[int, Field(ge=1)] = 20
    events_timeout_s: Seconds = 5.0  # from connecting to the headers of the receiver's answer
    events_retry_first_s: Seconds = 1.0  # doubled with each attempt, give or take a quarter
    events_retry_last_s: Seconds = 300.0
    events_retry_after_max_s: Seconds = 3600.0  # a receiver's Retry-After counts up to this
    events_age_max_s: Seconds = 24 * 3600.0  # then an event is given up
    events_waiting_max: Annotated[int, Field(ge=1)] = 10_000  # per subscription; the oldest go
    events_connections_max: Annotated[int, Field(ge=1)] = 64
    events_connections_per_host_max: Annotated[int, Field(ge=1)] = 8  # scheme, host and port
    events_kept_s: Annotated[int, Field(ge=60)] = 7 * 24 * 3600  # deliveries that have ended

    # Log
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    record_pbx_events_to: Path | None = None  # raw PBX events as JSON lines, for replay

    @model_validator(mode="after")
    def _fit_each_other(self) -> Self:
        for low, high in (
            ("wait_for_pickup_default_s", "wait_for_pickup_max_s"),
            ("call_duration_default_s", "call_duration_max_s"),
            ("rtp_port_min", "rtp_port_max"),
            ("reconnect_min_s", "reconnect_max_s"),
            ("events_retry_first_s", "events_retry_last_s"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{_variable(low)} is greater than {_variable(high)}")
        own = ("http_port", "sip_port", "ari_port", "ami_port")
        ports = [getattr(self, x) for x in own]
        if not self.pbx_host and len(set(ports)) != len(ports):
            raise ValueError(f"two of {', '.join(map(_variable, own))} are the same port")
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
        sources = [init_settings, env_settings]
        folders = [x for x in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if Path(x).is_dir()]
        if folders:
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=folders))
        path = os.environ.get(SETTINGS_FILE)
        if path:
            if not Path(path).is_file():
                raise FileNotFoundError(f"BRIDGE_SETTINGS_FILE names no file: {path}")
            sources.append(TomlConfigSettingsSource(settings_cls, Path(path)))
        return tuple(sources)

    @classmethod
    def unknown_names(cls) -> list[str]:
        """Variables of the environment that look like a setting and are none: misspelled ones."""
        known = {_variable(name) for name in cls.model_fields}
        known |= {SETTINGS_FILE, SECRETS_DIR}
        return sorted(
            name
            for name in os.environ
            # BRIDGE_COMPOSE_… are docker-compose.yml's own.
            if name.startswith("BRIDGE_") and not name.startswith("BRIDGE_COMPOSE_")
            if name not in known
        )

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.state_dir / 'bridge.db'}"


def _variable(name: str) -> str:
    """A setting as the environment calls it."""
    return f"BRIDGE_{name.upper()}"
