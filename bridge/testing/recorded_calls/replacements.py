"""Replacements for the numbers, names and addresses of somebody, the same thing always the same.

Digits keep their length, and a number that is written with another prefix keeps that prefix:
`+493012345678`, `03012345678` and `9003012345678` stay one number. Numbers of fewer than 7 digits
(`211`, `*72`) stay as they are, and so do the words that the service or Asterisk itself uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bridge.local_asterisk.local_asterisk import CONFIGURATION

_PUBLIC_DIGITS_MIN = 7
_SEPARATORS = re.compile(r"([\s/@;:,&?=<>()\[\]~|\"]+)")
_CHANNEL_END = re.compile(r"-[0-9a-f]{8}(?:;[12])?\Z")
_UNIQUEID = re.compile(r"(?:.*-)?([0-9]{9,11}\.[0-9]+)\Z")
_API_CALL = re.compile(r"(?:call-)?[0-9a-f]{20}\Z")
_EXTENDED = re.compile(r"([0-9]{1,9})\*([0-9]{1,6})\Z")
_NUMBER = re.compile(r"[+0-9*#]+\Z")
_DIGITS = re.compile(rf"[0-9]{{{_PUBLIC_DIGITS_MIN},}}")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\]")

# The contexts of our part of the dialplan: by some of them the service knows how a call ended.
_OURS = frozenset(
    context
    for name in ("extensions-bridge.conf", "extensions-voicemail.conf")
    for context in re.findall(r"^\[([\w-]+)\]", (CONFIGURATION / "pbx" / name).read_text(), re.M)
)
# Channel technologies, URI parts, extens and contexts that say nothing of whose PBX it is.
_COMMON = frozenset(
    (
        *("PJSIP", "SIP", "Local", "DAHDI", "IAX2", "Surrogate", "ConfBridge", "Parking"),
        *("sip", "sips", "tel", "transport", "udp", "tcp", "tls", "ws", "wss", "ob", "lr"),
        *(
            "s",
            "h",
            "i",
            "t",
            "o",
            "a",
            "n",
            "dial",
            "ring",
            "trunk",
            "default",
            "phones",
            "services",
        ),
        *("outbound", "call", "monitor", "whisper", "whisper-private", "barge-in", "spy"),
        "VoiceMail",
        *("from-trunk", "from-trunk-inside", "from-internal", "from-internal-xfer"),
        *("from-did-direct", "ext-local", "ext-queues", "ext-group", "macro-dial"),
    )
)
# Many dialplans go on at `s-${DIALSTATUS}`, and that tells how a call ended.
_DIAL_STATUS = re.compile(r"s-[A-Z]+\Z")
UNKNOWN = frozenset({"", "<unknown>", "<none>", "anonymous"})


class Replacements:
    """`numbers`: every number that may occur, to see which of them are one number."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self.made: dict[str, str] = {}
        self._count: dict[str, int] = {}
        found = {run for x in numbers for run in _DIGITS.findall(x)}
        self._bases = _bases(found)

    def person(self, name: str) -> str:
        """A name for the one that is called so. Asterisk writes `it\\'s` for `it's` in events."""
        name = re.sub(r"\\(.)", r"\1", name)
        return name if name in UNKNOWN else self._new(name, "Person {}")

    def tokens(self, text: str) -> str:
        """The parts of a channel name, a dial string, an address or a number, each replaced."""
        if text in UNKNOWN:
            return text
        end = _CHANNEL_END.search(text)
        kept = end.group() if end else ""
        text = text.removesuffix(kept)
        text = _IPV6.sub(lambda x: self._new(x.group(), "[2001:db8::{}]"), text)
        parts = re.split(r"(\[2001:db8::[0-9]+\])", text)
        done = [x if i % 2 else self._parts(x) for i, x in enumerate(parts)]
        return "".join(done) + kept

    def _parts(self, text: str) -> str:
        parts = _SEPARATORS.split(text)
        return "".join(x if i % 2 else self._token(x) for i, x in enumerate(parts))

    def _token(self, token: str) -> str:
        if token in _COMMON or token in _OURS or token == "" or _API_CALL.match(token):
            return token
        if _DIAL_STATUS.match(token):
            return token
        if uniqueid := _UNIQUEID.match(token):
            return self._note(token, uniqueid[1])
        if extended := _EXTENDED.match(token):
            return self._note(token, f"{self._organization(extended[1])}*{extended[2]}")
        if _NUMBER.match(token):
            return self._note(token, _DIGITS.sub(lambda x: self._digits(x.group()), token))
        if _IPV4.match(token):
            return self._new(token, "192.0.2.{}")
        return self._new(token, "host{}.example" if "." in token else "name{}")

    def _digits(self, digits: str) -> str:
        base = self._bases.get(digits, digits)
        number = self._new(base, f"555{{:0{len(base) - 3}d}}", counted="digits")
        return self._note(digits, digits.removesuffix(base) + number)

    def _organization(self, prefix: str) -> str:
        return self._new(f"{prefix}*", "{:04d}*", first=3).removesuffix("*")

    def _new(self, original: str, form: str, first: int = 1, counted: str = "") -> str:
        """`counted`: what is counted together, if that is more than those of one form."""
        if original not in self.made:
            number = self._count.get(counted or form, first)
            self._count[counted or form] = number + 1
            self.made[original] = form.format(number)
        return self.made[original]

    def _note(self, original: str, replacement: str) -> str:
        self.made[original] = replacement
        return replacement


def _bases(numbers: set[str]) -> dict[str, str]:
    """For each number what it has in common with those that end as it does, 7 digits at least."""
    groups: dict[str, list[str]] = {}
    for number in numbers:
        groups.setdefault(number[-_PUBLIC_DIGITS_MIN:], []).append(number)
    return {x: _common_end(group) for group in groups.values() for x in group}


def _common_end(numbers: list[str]) -> str:
    shortest = min(numbers, key=len)
    for begin in range(len(shortest)):
        if all(x.endswith(shortest[begin:]) for x in numbers):
            return shortest[begin:]
    return shortest
