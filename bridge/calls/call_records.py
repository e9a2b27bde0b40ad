"""What the calls need of storage: a small protocol, so that nothing here knows SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.calls.phone_call import PhoneCall


@dataclass(frozen=True, slots=True)
class Companions:
    """Rows to be written with a change of a call, in one transaction; opaque here.

    `written` is called once they are on disk.
    """

    rows: Sequence[Any]
    written: Callable[[], None]


class CallRecords(Protocol):
    def track(
        self,
        call: PhoneCall,
        extra: Sequence[Any] = (),
        written: Callable[[], None] | None = None,
    ) -> None:
        """Keep the call as it is now; never brings back one that has ended. Does not wait."""

    def finish_later(
        self,
        call: PhoneCall,
        extra: Sequence[Any] = (),
        written: Callable[[], None] | None = None,
    ) -> None:
        """Write the final record, unless there is one. Does not wait; repeated until written."""

    async def mark(self, call: PhoneCall) -> None:
        """As `track`, and returns once it is on disk."""

    async def find(self, call_id: str) -> PhoneCall | None: ...

    async def live(self, pbx: str) -> list[PhoneCall]:
        """Calls without a final record, to be taken up again after a restart."""

    async def ended(
        self, extensions: Collection[str], since_ms: int, *, call_id: str | None = None
    ) -> list[PhoneCall]: ...
