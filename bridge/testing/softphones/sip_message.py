"""One SIP message as it was on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_COMPACT_NAMES = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "c": "content-type",
    "l": "content-length",
    "r": "refer-to",
}
_CAUSE = re.compile(r"cause\s*=\s*(\d+)")
_QUOTED_NAME = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*<')
_PLAIN_NAME = re.compile(r"\s*([^<\"]*?)\s*<")
_URI_USER = re.compile(r"sips?:([^@;>?]+)@")


@dataclass(frozen=True)
class SipAddress:
    """A From, To or P-Asserted-Identity header taken apart."""

    name: str
    """Display name with its quoting undone; empty if there is none."""
    user: str
    """The part of the URI before the @; empty if there is none."""
    tag: str
    raw: str

    @classmethod
    def parse(cls, raw: str) -> SipAddress:
        quoted = _QUOTED_NAME.match(raw)
        plain = _PLAIN_NAME.match(raw)
        if quoted:
            name = re.sub(r"\\(.)", r"\1", quoted.group(1))
        else:
            name = plain.group(1) if plain else ""
        user = _URI_USER.search(raw)
        tag = re.search(r";tag=([^;>\s]+)", raw)
        return cls(
            name=name,
            user=user.group(1) if user else "",
            tag=tag.group(1) if tag else "",
            raw=raw,
        )


@dataclass(frozen=True)
class SipMessage:
    """A request or a response, sent or received by the phone that logged it."""

    sent: bool
    """True when the phone sent it, False when the phone received it."""
    start_line: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Names in lower case and long form, in wire order."""
    body: str = field(repr=False)
    monotonic_s: float = 0.0
    wall_ms: int = 0
    raw: str = field(default="", repr=False, compare=False)
    """The message as it was on the wire, with LF for line ends."""
    _index: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.headers:
            self._index.setdefault(name, value)

    @property
    def is_request(self) -> bool:
        return not self.start_line.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """The request's method, or the method that a response belongs to."""
        if self.is_request:
            return self.start_line.split(" ", 1)[0]
        return self.cseq.partition(" ")[2].strip()

    @property
    def status(self) -> int:
        """Status code of a response, 0 for a request."""
        return 0 if self.is_request else int(self.start_line.split(" ", 2)[1])

    @property
    def reason_phrase(self) -> str:
        """ "486 Busy Here" for a response, empty for a request."""
        return "" if self.is_request else self.start_line[len("SIP/2.0 ") :].strip()

    def header(self, name: str) -> str:
        """First value of a header, empty if it is absent."""
        return self._index.get(name.lower(), "")

    def header_values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def call_id(self) -> str:
        return self.header("call-id")

    @property
    def cseq(self) -> str:
        return self.header("cseq")

    @property
    def from_(self) -> SipAddress:
        return SipAddress.parse(self.header("from"))

    @property
    def to(self) -> SipAddress:
        return SipAddress.parse(self.header("to"))

    @property
    def asserted_identity(self) -> SipAddress | None:
        """P-Asserted-Identity, which wins over From on most phones."""
        raw = self.header("p-asserted-identity")
        return SipAddress.parse(raw) if raw else None

    @property
    def opens_dialog(self) -> bool:
        """True for the INVITE of a new call, False for a re-INVITE."""
        return self.is_request and self.method == "INVITE" and not self.to.tag

    @property
    def cause(self) -> int | None:
        """Q.850 cause of the Reason headers: 26 = answered elsewhere; None without one."""
        for value in self.header_values("reason"):
            found = _CAUSE.search(value)
            # Asterisk sends "SIP;cause=200" beside it.
            if found and value.lstrip().upper().startswith("Q.850"):
                return int(found.group(1))
        return None

    def media_port(self, kind: str) -> int:
        """Port of the SDP's first ``m=<kind>`` line; 0 if it is absent or refused."""
        found = re.search(rf"^m={re.escape(kind)} (\d+)", self.body, re.MULTILINE)
        return int(found.group(1)) if found else 0

    @property
    def media_direction(self) -> str:
        """sendrecv, sendonly, recvonly or inactive of the SDP's first medium."""
        found = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\b", self.body, re.MULTILINE)
        return found.group(1) if found else "sendrecv"

    @property
    def sipfrag_status(self) -> int:
        """Status in a NOTIFY's message/sipfrag body, 0 if there is none."""
        found = re.match(r"\s*SIP/2\.0 (\d{3})", self.body)
        return int(found.group(1)) if found else 0


def parse_sip_message(
    text: str, *, sent: bool, monotonic_s: float = 0.0, wall_ms: int = 0
) -> SipMessage:
    """Parse a whole message; lines may end in CRLF or LF.

    Raises ValueError if the text has no start line of SIP.
    """
    raw = text.replace("\r\n", "\n").lstrip("\n")
    head, _, body = raw.partition("\n\n")
    lines = head.split("\n")
    if "SIP/2.0" not in lines[0]:
        raise ValueError(f"not a SIP message: {lines[0][:80]!r}")
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            headers.append((_COMPACT_NAMES.get(key, key), value.strip()))
    return SipMessage(
        sent=sent,
        start_line=lines[0].strip(),
        headers=tuple(headers),
        body=body,
        monotonic_s=monotonic_s,
        wall_ms=wall_ms,
        raw=raw,
    )
