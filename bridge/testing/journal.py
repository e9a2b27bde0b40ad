"""The journal of a test: everything that was observed, on one time axis.

Each observation has a moment in milliseconds since 1970, by the clock of the machine that runs the
test. A report needs nothing else: `Journal.observations()` has them all in order.

`SIP`: `who` is the user of a phone, or a public number. `kind` is `sent` or `received`, `text` the
start line, `detail` the whole message.

`API`: `who` is the client id. `kind` is `request` or `answer`, `text` as `POST /uapi/…` and
`202 POST /uapi/…`, `detail` the body.

`PBX`: `who` is `pbx`. `kind` is the name of the event, `text` its most telling headers, `detail`
all of them, one a line.

`WEBHOOK`: `who` is the extension. `kind` is `received`, or `refused` for a wrong
signature. `text` is the type and the status of the call, `detail` the headers and the body.

`SERVICE`: `who` is `service`. `kind` is the level, `text` the event of the log line, `detail` the
line as JSON.

`TEST`: `who` is `test`. `kind` is `step`, `expected` or `failed`, `text` says what the test does or
expects, `detail` what was seen instead.

`call_id` is the Call-ID of a SIP message, the Linkedid of an event of the PBX, and the id of the
PhoneCall for all others; empty where there is none. `peer` is the other end of an arrow: `pbx` for
phones, `public-network` for a public number, `service` for the API and webhooks. The timeline of a
call (docs/timeline.md) tells which Call-IDs of SIP belong to it. The INVITE to a phone has the id
of the PhoneCall in the header `X-Phone-Call-Id`, on the shipped Asterisk.

Phones keep their messages, the service its log. So a journal asks its sources when it is read:
`Journal.follow(source)` takes a function that gives the observations of one source.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.testing.pcap_file import Packet


class Source(StrEnum):
    """The kinds of observations, as the docstring of this module lists them."""

    SIP = "sip"
    API = "api"
    PBX = "pbx"
    WEBHOOK = "webhook"
    SERVICE = "service"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Observation:
    """One line of the journal; the docstring of this module says what each field holds.

    `at_ms`: milliseconds since 1970. `outgoing`: `who` sent it to `peer`; else the other way round.
    """

    at_ms: float
    source: Source
    who: str
    kind: str
    text: str
    detail: str = field(default="", repr=False)
    call_id: str = ""
    peer: str = ""
    outgoing: bool = True

    def line(self, began_ms: float) -> str:
        """One line of text; its time is in seconds since `began_ms`."""
        arrow = "" if not self.peer else f"{'>' if self.outgoing else '<'} {self.peer} "
        moment = (self.at_ms - began_ms) / 1000
        return f"{moment:8.3f} {self.source:<7} {self.who} {arrow}{self.kind}: {self.text}"


Observations = Callable[[], Iterable[Observation]]
Captured = Callable[[float, float], Sequence[Packet]]
"""The packets between two moments, in milliseconds since 1970."""


class Journal:
    """`began_ms`: the moment when the test began; what is older is left out."""

    def __init__(self, began_ms: float | None = None) -> None:
        self.began_ms = now_ms() if began_ms is None else began_ms
        self._noted: list[Observation] = []
        self._followed: list[Observations] = []
        self.captured: Captured = lambda *_: ()
        """Gives packets of the calls, where something captures them."""

    def note(self, observation: Observation) -> None:
        """Add one observation that its maker does not keep."""
        self._noted.append(observation)

    def step(self, text: str, *, kind: str = "step", detail: str = "", call_id: str = "") -> None:
        """Add what the test itself does or expects at this moment."""
        self.note(Observation(now_ms(), Source.TEST, "test", kind, text, detail, call_id))

    def follow(self, source: Observations) -> None:
        """Ask this function for its observations each time that the journal is read."""
        self._followed.append(source)

    def observations(self) -> list[Observation]:
        """All since the beginning of the test, by time; those of one moment in order of arrival."""
        found = [*self._noted, *(x for source in self._followed for x in source())]
        return sorted((x for x in found if x.at_ms >= self.began_ms), key=lambda x: x.at_ms)

    def text(self, last: int = 0) -> str:
        """The journal as lines of text; of them the `last` ones, all for 0."""
        lines = [x.line(self.began_ms) for x in self.observations()]
        return "\n".join(lines[-last:])


def now_ms() -> float:
    """Milliseconds since 1970, with their fraction."""
    return time.time_ns() / 1_000_000
