"""A story needs phones, the API, somebody else's AMI client, and words for the right result.

A story says what people do and what everybody must see; whether it happens now or is read from a
recording is the stage's business.

Calls are told in one line: `local 210:4 > 211:3 212:3` is the flow, then who calls and who is
called, each with its status, a service without. An ended one: `local 210 > 211 212: answered, by
source`. A call that went on in another: `212: joined`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

TRUNK_CALLER = "3235550100"
"""The number of a caller from outside, if a story names none. Phones show it with a +."""
CALLER = TRUNK_CALLER
MOBILE = "3235550200"
"""A public number that answers at once."""
SILENT = "3235550180"
"""A number that rings until the caller gives up."""
BUSY = "3235550486"
ELSEWHERE = "3235742879"
"""A number that the first carrier does not carry."""


class Phone(Protocol):
    """One of the office's. Each verb means the newest of its calls."""

    number: str

    async def dials(self, number: str) -> None: ...

    async def is_answered(self) -> None:
        """Once the call that it dialled is."""
        ...

    async def rings(self) -> None: ...

    async def picks_up(self) -> None: ...

    async def refuses(self, status: int = 486) -> None:
        """Once it rings."""
        ...

    def refuses_all(self, status: int = 486) -> None: ...

    def answers_all(self, after_s: float = 0.0) -> None: ...

    async def hangs_up(self) -> None: ...

    async def hangs_up_first(self) -> None:
        """The oldest of its calls that still lives."""
        ...

    async def is_free(self) -> None: ...

    async def presses(self, digits: str) -> None: ...

    async def transfers_to(self, number: str) -> None:
        """Blind, by REFER."""
        ...

    async def connects_both(self) -> None:
        """Attended, by REFER: its first call with its second."""
        ...

    async def takes_over(self, other: Phone, number: str) -> None:
        """INVITE of that number with Replaces of the other phone's call."""
        ...

    async def holds(self) -> None: ...

    async def resumes(self) -> None: ...


class Stage(Protocol):
    def phone(self, number: str) -> Phone: ...

    async def posts(self, source: list[str], destination: list[str], **query: str) -> str:
        """The app of user 12 creates a call that 210 pays; its id."""
        ...

    async def deletes(self, *, call_id: str = "", extension: str = "", number: str = "") -> None:
        """The app hangs up; the id, extension or number means exactly one call."""
        ...

    async def calls_in(self, number: str, caller: str = TRUNK_CALLER, presses: str = "") -> None:
        """From the public network to 5550003 and that number, with digits once it is answered."""
        ...

    async def caller_hangs_up(self) -> None: ...

    async def has_refused(self, number: str) -> None:
        """Wait until that phone has refused a call, and the PBX knows it."""
        ...

    async def crm(self, action: str, **fields: str) -> None:
        """An AMI action of somebody else. `@210` in a value is the newest channel of that phone,
        `@public` that of the public network; `@210 alone` one that talks to the PBX only."""
        ...

    async def passes(self, seconds: float) -> None: ...

    async def sees(self, when: str, *calls: str) -> None:
        """The calls that a GET of all of the user shows now, in any order."""
        ...

    async def taken_by(self, when: str, by: str) -> None:
        """Every live call of the user says now that this took it (`takenBy`)."""
        ...

    async def told_of(self, extension: str, kind: str, **parameters: str) -> None:
        """Parameters of an event that was sent."""
        ...

    async def ends(self, *records: str, **told: str) -> None:
        """Nothing lives any more; the final records, and what each extension was told.

        `t210="dial-out answer-out ANSWER"`: events of 210, the hang-up by its CallStatus.
        """
        ...


Story = Callable[[Stage], Awaitable[None]]
