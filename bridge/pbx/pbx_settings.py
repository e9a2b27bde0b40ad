"""Where one Asterisk is, how we log in there, and every limit of talking to it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """One AMI link. All times in seconds. `pbx_name` goes into keys, so it must not change."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    pbx_name: str = "asterisk"
    connect_timeout_s: float = 5.0
    login_timeout_s: float = 5.0
    boot_timeout_s: float = 60.0
    """A PBX that boots for longer is logged as an error; it is waited for all the same."""
    boot_recheck_s: float = 2.0
    """Login accepted but no FullyBooted for so long: log in anew, which asks again. Short, because
    the event of a boot that ends meanwhile is held back by an event filter (seen on 22.10.1); only
    the one at login passes it."""
    action_timeout_s: float = 5.0
    ping_interval_s: float = 5.0
    ping_timeout_s: float = 3.0
    """A half-open link is noticed within ping_interval_s + ping_timeout_s."""
    reconnect_min_s: float = 0.5
    reconnect_max_s: float = 30.0
    logoff_timeout_s: float = 1.0
    max_queued_events: int = 50_000
    """With more events waiting the link is dropped and the state rebuilt; none is skipped."""
    max_message_bytes: int = 1_048_576
    audio_codecs: str = "ulaw,alaw"
    video_codecs: str = "h264,vp8"
    """Added to the source's codecs only when a call asks for video."""


@dataclass(frozen=True, slots=True)
class AriSettings:
    """The HTTP interface of the same Asterisk. `base_url` as in `http://127.0.0.1:8088/ari`."""

    base_url: str
    username: str
    secret: str = field(repr=False)
    connect_timeout_s: float = 3.0
    request_timeout_s: float = 10.0
    max_concurrent_requests: int = 8


@dataclass(frozen=True, slots=True)
class Dialplan:
    """The names in asterisk-conf/extensions.conf that an API call goes through."""

    call_context: str = "bridge-call"
    """Where a source goes that picked up; dials BRIDGE_DESTINATION."""
    call_exten: str = "dial"
    source_context: str = "bridge-source"
    """Rings BRIDGE_SOURCES all at once, for calls with more than one source."""
    source_exten: str = "ring"
    transfer_local_context: str = "transfer-local"
    transfer_any_context: str = "transfer-any"
