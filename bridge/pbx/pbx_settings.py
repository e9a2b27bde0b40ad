"""Address, login, time limits and names of one Asterisk."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.pbx.tls import PbxTls


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """One AMI link. All times in seconds. `pbx_name` goes into keys, so it must not change."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    pbx_name: str = "asterisk"
    tls: PbxTls | None = None
    """None: in the clear."""
    connect_timeout_s: float = 5.0
    login_timeout_s: float = 5.0
    boot_timeout_s: float = 60.0
    """A PBX that boots for longer is logged as an error; it is waited for all the same."""
    boot_recheck_s: float = 2.0
    """Login accepted but no FullyBooted for so long: log in anew, which asks again. Short, because
    the event of a boot that ends meanwhile is held back by an event filter (seen on 22.10.1). Only
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

    @property
    def where(self) -> str:
        """Host and port for a person: `192.0.2.1:5038`, `[::1]:5038`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class AriSettings:
    """The HTTP interface of the same Asterisk. `base_url` as in `http://127.0.0.1:8088/ari`.

    `tls` is for one that begins with https; None: what this machine trusts.
    """

    base_url: str
    username: str
    secret: str = field(repr=False)
    connect_timeout_s: float = 3.0
    request_timeout_s: float = 10.0
    max_concurrent_requests: int = 8
    max_concurrent_downloads: int = 32
    """Files that are being read; they take none of the places of the other requests."""
    max_answer_bytes: int = 16 * 1_048_576
    """Of one JSON answer: 5,000 endpoints take less than one megabyte."""
    tls: PbxTls | None = None


@dataclass(frozen=True, slots=True)
class EdgeAddress:
    """The SIP edge that phones register at: an IP address and a port."""

    host: str
    port: int

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host

    @property
    def uri_host(self) -> str:
        """As in a SIP URI: an IPv6 address has brackets."""
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PhoneProfile:
    """The settings that all phones made by the service share. Times in seconds, 0: never.

    The reasons are in bridge/config/settings.py.

    `codecs`: in the order in which they are offered, as Asterisk calls them, comma-separated;
    `browser_codecs`: of browser phones.
    `media_address`: the PBX's IP address for the audio. On a loopback PBX `127.0.0.1`: otherwise
    Asterisk looks the machine's name up for every call, which can take seconds.
    """

    codecs: str = "ulaw,alaw,h264,vp8"
    browser_codecs: str = "ulaw,alaw"
    media_address: str = ""
    rtp_timeout_s: int = 45
    rtp_timeout_hold_s: int = 1800
    qualify_frequency_s: int = 45
    session_timers: str = "yes"
    session_expires_s: int = 600
    edges: tuple[EdgeAddress, ...] = ()
    """Phones register there, each at one, and the PBX knows them by it alone; empty: they register
    at the PBX."""


@dataclass(frozen=True, slots=True)
class VoicemailLimits:
    """The limits of mailboxes. `message_max_s`: the longest message in seconds; `messages_max`: of
    one mailbox; `folder`: of recordings, absolute or relative to Asterisk's folder `monitor`."""

    message_max_s: int = 180
    messages_max: int = 50
    folder: str = "../recording"


@dataclass(frozen=True, slots=True)
class Dialplan:
    """The names in asterisk-conf/extensions.conf that an API call goes through."""

    call_context: str = "bridge-call"
    """The place in the dialplan for a source that has picked up; dials BRIDGE_DESTINATION."""
    call_exten: str = "dial"
    call_all_exten: str = "dial-all"
    """The same where a party may have several phones: all that are registered ring."""
    forwarding_call_exten: str = "phone"
    """The same for the phone of BRIDGE_DESTINATION_PHONE, which has forwards in the directory."""
    source_context: str = "bridge-source"
    """Rings BRIDGE_SOURCES, all at once, and follows no forward of a phone."""
    source_exten: str = "ring"
    source_all_exten: str = "ring-all"
    listen_context: str = "uapi-listen"
    """Listens to the channel BRIDGE_ACTS_ON; an extension for each way of listening."""
    pick_up_context: str = "uapi-pick-up"
    """Answers the ringing channel BRIDGE_ACTS_ON in its place."""
    unpark_context: str = "uapi-unpark"
    """Fetches the channel BRIDGE_ACTS_ON from the parking lot."""
    check_context: str = "bridge-check"
    """An extension that answers and is silent; `check --pbx` calls it."""
    check_exten: str = "answer"
    transfer_local_context: str = "transfer-local"
    transfer_any_context: str = "transfer-any"
